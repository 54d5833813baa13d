"""`collect`, `evaluate`, `deliver` and `run-once`: the stages in the foreground, without a broker."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from cli.output import say, say_json
from cli.session import open_context
from tasks.collect.stage import collect as collect_slot
from tasks.deliver.stage import deliver as deliver_due
from tasks.evaluate.stage import evaluate as evaluate_sweeps
from tasks.pipeline import run_once as run_round
from tasks.pipeline import run_stage
from tasks.summaries import format_collected, format_delivered, format_evaluated, format_purged, format_reported

AS_JSON = click.option("--json", "as_json", is_flag=True, help="One JSON line instead of sentences.")


@click.command()
@AS_JSON
def collect(*, as_json: bool) -> None:
    r"""Measure every component once for the current slot and close the sweep.

    A slot that is done asks nothing; an interrupted one goes on where it stopped.

    \b
    Example:
      scaleops-worker collect
    """
    with open_context() as context, drawn_sweep() as progress:
        collected = run_stage(context, "collect", lambda: collect_slot(context, progress=progress))
    _tell(format_collected(collected), as_json=as_json)


@click.command()
@AS_JSON
def evaluate(*, as_json: bool) -> None:
    r"""Judge every closed sweep that was not judged yet, and put what should be told into the outbox.

    \b
    Example:
      scaleops-worker evaluate
    """
    with open_context() as context:
        evaluated = run_stage(context, "evaluate", lambda: evaluate_sweeps(context))
    _tell(format_evaluated(evaluated), as_json=as_json)


@click.command()
@AS_JSON
@click.pass_context
def deliver(ctx: click.Context, *, as_json: bool) -> None:
    r"""Send what is due in the outbox to Slack and PagerDuty.

    \b
    Example:
      scaleops-worker deliver
    """
    with open_context() as context:
        delivered = run_stage(context, "deliver", lambda: deliver_due(context))
    _tell(format_delivered(delivered), as_json=as_json)
    ctx.exit(0)


@click.command(name="run-once")
@AS_JSON
def run_once(*, as_json: bool) -> None:
    r"""Do everything that is due now: collect, evaluate, report, deliver; then forget what is old. For cron or a Kubernetes CronJob.

    \b
    Example, every ten minutes:
      */10 * * * * scaleops-worker run-once
    """
    with open_context() as context, drawn_sweep() as progress:
        done = run_round(context, progress=progress)
    told = format_collected(done.collected) if done.collected else {"collect": "failed"}
    told |= format_evaluated(done.evaluated) | format_reported(done.reported) | format_delivered(done.delivered)
    told |= format_purged(done.purged)
    _tell(told, as_json=as_json)
    if done.collect_failure:
        raise click.ClickException(done.collect_failure)


def _tell(told: dict[str, str], *, as_json: bool) -> None:
    if as_json:
        say_json(dict(told))
        return
    for stage, sentence in told.items():
        say(f"{stage}: {sentence}")


class _SweepProgressBar:
    """Draws the progress of a sweep."""

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
def drawn_sweep() -> Iterator[_SweepProgressBar]:
    """Draw a sweep's progress on stderr; quiet when that is no terminal."""
    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        yield _SweepProgressBar(progress)
