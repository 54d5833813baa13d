"""`collect`, `evaluate`, `deliver` and `run-once`: the stages in the foreground, without a broker."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click
from rich.console import Console
from rich.progress import Progress

from cli.output import progress_on, say, say_json
from cli.session import open_traced_context
from cli.termination import TERMINATION
from domain.messages import Json
from domain.sweeps import describe_unmeasured
from tasks.collect.measuring import SweepProgress
from tasks.collect.stage import CollectResult
from tasks.collect.stage import collect as run_collect
from tasks.collect.watch import WatchResult
from tasks.deliver.stage import DeliverResult
from tasks.deliver.stage import deliver as run_deliver
from tasks.evaluate.stage import EvaluateResult
from tasks.evaluate.stage import evaluate as run_evaluate
from tasks.pipeline import run_once as run_all_stages
from tasks.pipeline import run_stage
from tasks.report.stage import ReportResult
from tasks.summaries import format_collected, format_delivered, format_evaluated, format_purged, format_reported, format_watched

AS_JSON = click.option("--json", "as_json", is_flag=True, help="One JSON object: the result of each stage by its name.")


@click.command()
@AS_JSON
def collect(*, as_json: bool) -> None:
    r"""Measure every component once for the current slot and close the sweep.

    A slot that is done makes no calls; an interrupted one continues.

    \b
    Example:
      scaleops-worker collect
    """
    with open_traced_context() as context, sweep_progress() as progress:
        collected = run_stage(context, "collect", lambda: run_collect(context, progress=progress))
    _print(format_collected(collected), {"collect": _collected(collected)}, as_json=as_json)


@click.command()
@AS_JSON
def evaluate(*, as_json: bool) -> None:
    r"""Evaluate every closed sweep that was not evaluated yet, and put its notices into the outbox.

    \b
    Example:
      scaleops-worker evaluate
    """
    with open_traced_context() as context:
        evaluated = run_stage(context, "evaluate", lambda: run_evaluate(context))
    _print(format_evaluated(evaluated), {"evaluate": _evaluated(evaluated)}, as_json=as_json)


@click.command()
@AS_JSON
@click.pass_context
def deliver(ctx: click.Context, *, as_json: bool) -> None:
    r"""Send what is due in the outbox to Slack and PagerDuty. Exits 1 if a message could not be sent.

    \b
    Example:
      scaleops-worker deliver
    """
    with open_traced_context() as context, TERMINATION.finishing_units() as may_begin:
        delivered = run_stage(context, "deliver", lambda: run_deliver(context, may_begin=may_begin))
        _print(format_delivered(delivered), {"deliver": _delivered(delivered)}, as_json=as_json)
    ctx.exit(1 if delivered.has_failures else 0)


@click.command(name="run-once")
@AS_JSON
@click.pass_context
def run_once(ctx: click.Context, *, as_json: bool) -> None:
    r"""Run everything that is due: collect, watch, evaluate, report, deliver, purge. For cron or a Kubernetes CronJob.

    \b
    Example, every ten minutes:
      */10 * * * * scaleops-worker run-once
    """
    with open_traced_context() as context, sweep_progress() as progress:
        done = run_all_stages(context, progress=progress, finishing_units=TERMINATION.finishing_units)
    sentences = format_collected(done.collected) if done.collected else {"collect": "failed"}
    sentences |= (
        format_watched(done.watched)
        | format_evaluated(done.evaluated)
        | format_reported(done.reported)
        | format_delivered(done.delivered)
    )
    sentences |= format_purged(done.purged)
    results: dict[str, Json] = {
        "collect": _collected(done.collected) if done.collected else {"error": done.collect_failure},
        "watch": _watched(done.watched),
        "evaluate": _evaluated(done.evaluated),
        "report": _reported(done.reported),
        "deliver": _delivered(done.delivered),
        "purge": dict(done.purged.counts),
    }
    _print(sentences, results, as_json=as_json)
    if done.collect_failure:
        raise click.ClickException(done.collect_failure)
    ctx.exit(1 if done.delivered.has_failures else 0)


def _print(sentences: dict[str, str], results: dict[str, Json], *, as_json: bool) -> None:
    if as_json:
        say_json(results)
        return
    for stage, sentence in sentences.items():
        say(f"{stage}: {sentence}")


def _collected(result: CollectResult) -> dict[str, Json]:
    sweep = result.sweep
    return {
        "asOf": sweep.as_of.isoformat(),
        "expected": sweep.expected,
        "measured": sweep.measured,
        "unknown": sweep.unknown,
        "wasClosedBefore": result.was_closed_before,
        "attempted": result.attempted,
        "closedOverdue": [overdue.as_of.isoformat() for overdue in result.closed_overdue],
        "listingReason": result.listing_reason or None,
        "unmeasuredFigures": list(describe_unmeasured(result.unmeasured_figures)),
    }


def _watched(result: WatchResult) -> dict[str, Json]:
    sweep = result.sweep
    return {
        "asOf": sweep.as_of.isoformat() if sweep else None,
        "source": str(sweep.source) if sweep else None,
        "inDanger": result.in_danger,
        "failure": (sweep.failure if sweep else "") or None,
        "skippedBecause": result.reason or None,
    }


def _evaluated(result: EvaluateResult) -> dict[str, Json]:
    return {
        "sweeps": [as_of.isoformat() for as_of in result.sweeps],
        "notices": {str(kind): count for kind, count in sorted(result.notices.items())},
        "messages": result.messages,
        "recommendations": result.recommendations,
        "undeliverable": list(result.undeliverable),
    }


def _reported(result: ReportResult) -> dict[str, Json]:
    return {
        "made": [
            {"team": made.report.team, "week": made.report.period, "messages": [message.key for message in made.messages]}
            for made in result.made
        ],
        "skipped": list(result.skipped),
        "waiting": [str(team) for team in result.waiting],
        "problems": list(result.problems),
    }


def _delivered(result: DeliverResult) -> dict[str, Json]:
    return {
        **result.counts,
        "problems": list(result.problems),
        "nextDue": result.next_due.isoformat() if result.next_due is not None else None,
    }


class _SweepProgressBar(SweepProgress):
    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task = progress.add_task("listing the catalog", total=None)

    def listed(self, components: int) -> None:
        self._progress.update(self._task, description=f"listing the catalog: {components} components")

    def started(self, *, total: int, done: int) -> None:
        self._progress.update(self._task, description="measuring", total=total, completed=done)

    def measured(self, *, known: int, unknown: int) -> None:
        self._progress.advance(self._task, known + unknown)


@contextmanager
def sweep_progress() -> Iterator[_SweepProgressBar]:
    """Draw the progress of a sweep on stderr, if that is a terminal."""
    with progress_on(Console(stderr=True)) as progress:
        yield _SweepProgressBar(progress)
