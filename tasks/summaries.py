"""What a stage came to, in one sentence each."""

from __future__ import annotations

from domain.money import format_count
from domain.sweeps import Sweep
from tasks.collect.stage import CollectResult
from tasks.deliver.stage import DeliverResult
from tasks.evaluate.stage import EvaluateResult
from tasks.maintenance.purging import PurgeResult
from tasks.report.stage import ReportResult


def format_swept(sweep: Sweep) -> str:
    """Say how a sweep ended."""
    sentence = f"{sweep.measured} of {sweep.expected} components measured for the slot of {sweep.as_of:%Y-%m-%d %H:%M} UTC"
    return f"{sentence}, {sweep.unknown} unknown (`scaleops-worker status` names them)" if sweep.unknown else sentence


def format_collected(collected: CollectResult) -> dict[str, str]:
    """Say what was measured."""
    if collected.was_closed_before:
        sentence = f"the slot of {collected.sweep.as_of:%Y-%m-%d %H:%M} UTC is done already; nothing was asked"
    else:
        sentence = format_swept(collected.sweep)
    if collected.closed_overdue:
        slots = ", ".join(f"{overdue.as_of:%Y-%m-%d %H:%M}" for overdue in collected.closed_overdue)
        sentence += f"; closed because their time was up: {slots} UTC"
    if collected.listing_reason:
        sentence += f"; the catalog was not listed whole: {collected.listing_reason}"
    return {"collect": sentence}


def format_evaluated(evaluated: EvaluateResult) -> dict[str, str]:
    """Say what was judged."""
    if not evaluated.sweeps:
        return {"evaluate": "no closed sweep waits"}
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(evaluated.notices.items())) or "nothing to tell"
    sentence = f"{format_count(len(evaluated.sweeps), 'sweep')} judged: {kinds}; {format_count(evaluated.messages, 'message')} put into the outbox"
    for reason in evaluated.undeliverable:
        sentence += f"; no destination: {reason}"
    return {"evaluate": sentence}


def format_reported(reported: ReportResult) -> dict[str, str]:
    """Say which reports were made."""
    parts = [f"{format_count(len(reported.made), 'report')} made" if reported.made else "none is due"]
    if reported.waiting:
        parts.append(f"{format_count(len(reported.waiting), 'report')} wait for the running sweep")
    parts += [f"\n  {sentence}" for sentence in (*reported.skipped, *reported.troubles)]
    return {"report": "; ".join(parts[:2]) + "".join(parts[2:])}


def format_delivered(delivered: DeliverResult) -> dict[str, str]:
    """Say what was sent, and what was not and why."""
    counts = {
        "put off": delivered.put_off,
        "unknown": delivered.unknown,
        "failed": delivered.failed,
        "expired": delivered.expired,
        "cancelled": delivered.cancelled,
    }
    sentence = ", ".join([f"{delivered.sent} sent", *(f"{count} {word}" for word, count in counts.items() if count)])
    if delivered.next_due is not None:
        sentence += f"; next at {delivered.next_due:%Y-%m-%d %H:%M:%S} UTC"
    for trouble in delivered.troubles:
        sentence += f"\n  {trouble}"
    return {"deliver": sentence}


def format_forgotten(forgotten: PurgeResult) -> dict[str, str]:
    """Say what was dropped because it was old; nothing where nothing was."""
    counts = (
        (forgotten.sweeps, "sweep"),
        (forgotten.messages, "message"),
        (forgotten.alert_events, "alert event"),
        (forgotten.recommendations, "recommendation"),
        (forgotten.reports, "report"),
    )
    told = [format_count(count, what) for count, what in counts if count]
    return {"forget": f"{', '.join(told)} dropped, older than the retention"} if told else {}
