"""The result of a stage in one sentence, for a person at a terminal. The worker logs events with fields instead."""

from __future__ import annotations

from domain.clock import format_utc
from domain.money import format_count
from domain.sweeps import Sweep, describe_unmeasured
from tasks.collect.stage import CollectResult
from tasks.collect.watch import WatchResult
from tasks.deliver.stage import DeliverResult
from tasks.evaluate.stage import EvaluateResult
from tasks.maintenance.purging import PurgeResult
from tasks.report.stage import ReportResult


def format_sweep(sweep: Sweep) -> str:
    """Return how a sweep ended."""
    sentence = f"{sweep.measured} of {sweep.expected} components measured for the slot of {format_utc(sweep.as_of)}"
    return f"{sentence}, {sweep.unknown} unknown (`scaleops-worker status` lists them)" if sweep.unknown else sentence


def format_collected(collected: CollectResult) -> dict[str, str]:
    """Return what was measured."""
    if collected.was_closed_before:
        sentence = f"the slot of {format_utc(collected.sweep.as_of)} is already done"
    else:
        sentence = format_sweep(collected.sweep)
    if collected.closed_overdue:
        slots = ", ".join(format_utc(overdue.as_of) for overdue in collected.closed_overdue)
        sentence += f"; closed at their deadline: {slots}"
    sentence += "".join(f"; the {problem}" for problem in describe_unmeasured(collected.unmeasured_figures))
    if collected.listing_reason:
        sentence += f"; the catalog's listing is incomplete: {collected.listing_reason}"
    return {"collect": sentence}


def format_watched(watched: WatchResult) -> dict[str, str]:
    """Return what the watch sweep found, or why there was none."""
    sweep = watched.sweep
    if sweep is None:
        return {"watch": watched.reason}
    if sweep.failure:
        return {"watch": f"the watch sweep of {format_utc(sweep.as_of)} failed: {sweep.failure}"}
    workloads = format_count(watched.in_danger, "workload")
    return {"watch": f"{workloads} in danger at {format_utc(sweep.as_of)}, by {sweep.source}"}


def format_evaluated(evaluated: EvaluateResult) -> dict[str, str]:
    """Return what was evaluated."""
    if not evaluated.sweeps:
        return {"evaluate": "no closed sweep is waiting"}
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(evaluated.notices.items())) or "no notices"
    sweeps, messages = format_count(len(evaluated.sweeps), "sweep"), format_count(evaluated.messages, "message")
    sentence = f"{sweeps} evaluated: {kinds}; {messages} put into the outbox"
    return {"evaluate": sentence + "".join(f"; no destination: {reason}" for reason in evaluated.undeliverable)}


def format_reported(reported: ReportResult) -> dict[str, str]:
    """Return which reports were made."""
    parts = [f"{format_count(len(reported.made), 'report')} made" if reported.made else "no report is due"]
    if reported.waiting:
        parts.append(f"{format_count(len(reported.waiting), 'report')} waiting for the running sweep")
    return {"report": "; ".join(parts) + "".join(f"\n  {sentence}" for sentence in (*reported.skipped, *reported.problems))}


def format_delivered(delivered: DeliverResult) -> dict[str, str]:
    """Return what was sent, and what was not and why."""
    counts = [f"{count} {name}" for name, count in delivered.counts.items() if count or name == "sent"]
    due = f"; next at {delivered.next_due:%Y-%m-%d %H:%M:%S} UTC" if delivered.next_due is not None else ""
    return {"deliver": ", ".join(counts) + due + "".join(f"\n  {problem}" for problem in delivered.problems)}


def format_purged(purged: PurgeResult) -> dict[str, str]:
    """Return what was deleted; empty if nothing was."""
    counts = [format_count(count, name.removesuffix("s").replace("_", " ")) for name, count in purged.counts.items() if count]
    return {"purge": f"{', '.join(counts)} deleted at the end of their retention"} if counts else {}
