"""The status as sections of labelled lines and tables, composed once: the command prints them and the page shows them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Final

from domain.bulk_trust import BulkStanding, BulkSubject, describe_standings
from domain.clock import format_utc, is_future
from domain.messages import DeliveryStatus as MessageStatus
from domain.money import format_count
from domain.refs import label_of_team
from domain.unallocated import describe_newest
from domain.weeks import WEEKLY_REPORT
from reports.builders.sentences import format_names
from reports.formatting import format_interval, shell_word
from reports.render.tables import Cell, PageTable
from store import HeartbeatKind
from store.queries.outbox_rows import OutboxRecord
from tasks.maintenance.service_errors import LastError
from tasks.maintenance.status import InstallationStatus
from tasks.maintenance.watch_status import describe_watch

Line = tuple[str, str]
_MAX_NAMED: Final = 5
_MAX_REASONS: Final = 10
_WAITING: Final = (MessageStatus.PENDING, MessageStatus.LEASED, MessageStatus.UNKNOWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusSection:
    """One section of the status."""

    ident: str
    title: str
    lines: tuple[Line, ...] = ()
    """(label, text)"""
    tables: tuple[PageTable, ...] = ()


def status_sections(
    found: InstallationStatus, errors: Sequence[LastError], currency: str, *, with_names: bool = True
) -> tuple[StatusSection, ...]:
    """Return the sections. Without names: no entity, cluster, channel or error, for callers who may not see everything."""
    if not with_names:
        notifications = StatusSection(
            ident="notifications", title="Notifications", lines=_alert_lines(found), tables=(_backlog(found),)
        )
        sweeps = StatusSection(ident="sweeps", title="Sweeps", lines=tuple(_nameless_sweep_lines(found)))
        return (
            sweeps,
            notifications,
            StatusSection(ident="processes", title="Last runs", tables=(_runs(found, with_reasons=False),)),
        )
    return (
        StatusSection(ident="sweeps", title="Sweeps", lines=tuple(_sweep_lines(found, currency))),
        StatusSection(
            ident="notifications",
            title="Notifications",
            lines=_alert_lines(found),
            tables=(_backlog(found), *([_undelivered(found)] if found.undelivered else [])),
        ),
        StatusSection(
            ident="services",
            title="Services",
            lines=() if errors else (("last errors", "none recorded"),),
            tables=(_errors(errors, as_of=found.now),) if errors else (),
        ),
        StatusSection(ident="processes", title="Last runs", tables=(_runs(found, with_reasons=True),)),
        StatusSection(ident="reports", title="Reports", tables=(_reports(found),) if found.teams else ()),
    )


def status_tables(sections: tuple[StatusSection, ...], found: InstallationStatus) -> tuple[PageTable, ...]:
    """Return the tables of a status; the first has its lines."""
    lines = tuple((section.title, label, text) for section in sections for label, text in section.lines)
    facts = PageTable(name="status", title="Status", columns=("section", "what", "status"), rows=lines, as_of=found.now)
    return facts, *(table for section in sections for table in section.tables)


def _sweep_lines(found: InstallationStatus, currency: str) -> Iterator[Line]:
    yield from _newest_lines(found)
    if not found.uses_bulk:
        yield "bulk responses", "switched off (SCALEOPS_BULK=off)"
    for line in describe_standings(found.bulk):
        subject, _, standing = line.partition(": ")
        yield subject, standing
    if found.newest_closed is not None:
        yield "unallocated", describe_newest(found.unallocated, currency)
    yield "watch sweeps", describe_watch(found.watch, every=found.watch_every)
    for cluster in found.lost_clusters:
        since = "" if cluster.lost_since is None else f" since {format_utc(cluster.lost_since)}"
        yield "unreachable", f"cluster {cluster.name}: no data from ScaleOps{since}"
    yield from _unmeasured_lines(found)


def _unmeasured_lines(found: InstallationStatus) -> Iterator[Line]:
    """Yield a line for each reason, the most frequent first."""
    by_reason: dict[str, list[str]] = {}
    for ref, reason in found.unmeasured.items():
        by_reason.setdefault(reason, []).append(ref)
    ordered = sorted(by_reason.items(), key=lambda one: (-len(one[1]), one[0]))
    for reason, refs in ordered[:_MAX_REASONS]:
        yield (
            "not measured",
            f"{format_count(len(refs), 'component')} ({format_names(sorted(refs), max_names=_MAX_NAMED)}): {reason}",
        )
    if rest := ordered[_MAX_REASONS:]:
        yield "not measured", f"{format_count(sum(len(refs) for _, refs in rest), 'component')} more, for other reasons"


def _newest_lines(found: InstallationStatus) -> Iterator[Line]:
    sweep = found.newest_closed
    if sweep is None:
        yield "newest sweep", "none yet"
    else:
        in_part = ", some in part only" if found.unmeasured_figures else ""
        listed = "" if sweep.listing_complete else "; the catalog listing is incomplete"
        reached = "" if found.cadence is None else f"; {format_interval(found.cadence)} after the sweep before"
        future = "; that is in the future: a clock was wrong, or is" if is_future(sweep.as_of, found.now) else ""
        measured = f"{sweep.measured} of {format_count(sweep.expected, 'component')} measured{in_part}{listed}"
        planned = f"planned every {format_interval(found.collect_every)}"
        yield "newest sweep", f"{format_utc(sweep.as_of)}: {measured}{reached}, {planned}{future}"
    for running in found.open_sweeps:
        yield "open sweep", f"{format_utc(running.as_of)}: {running.measured} of {running.expected} measured so far"
    yield "next slot", format_utc(found.next_slot)


def _nameless_sweep_lines(found: InstallationStatus) -> Iterator[Line]:
    yield from _newest_lines(found)
    for figure in sorted({one.figure for one in found.unmeasured_figures}):
        clusters = {one.cluster for one in found.unmeasured_figures if one.figure == figure}
        yield "not measured", f"{figure} on {format_count(len(clusters), 'cluster')}"
    yield from _nameless_standings(found.bulk)
    if found.watch is not None:
        failed = "; it failed" if found.watch.newest.failure else ""
        yield (
            "watch sweeps",
            f"every {format_interval(found.watch_every)}; the newest of {format_utc(found.watch.newest.as_of)}{failed}",
        )
    if found.lost_clusters:
        yield "unreachable", f"{format_count(len(found.lost_clusters), 'cluster')}: no data from ScaleOps"


def _nameless_standings(standings: tuple[BulkStanding, ...]) -> Iterator[Line]:
    for subject, name in ((BulkSubject.INVENTORY, "inventory"), (BulkSubject.COSTS, "bulk costs")):
        checks = [one.newest for one in standings if one.newest.subject is subject and one.newest.cluster]
        if checks:
            yield name, f"trusted for {sum(check.trusted for check in checks)} of {format_count(len(checks), 'cluster')}"


def _alert_lines(found: InstallationStatus) -> tuple[Line, ...]:
    states = ", ".join(f"{one.messages} {one.status}" for one in found.backlog)
    return ("open alerts", str(found.open_alerts)), ("outbox", states or "empty")


def _backlog(found: InstallationStatus) -> PageTable:
    return PageTable(
        name="outbox",
        title="Messages by status",
        columns=("status", "messages", "oldest"),
        rows=tuple((one.status.value, one.messages, one.oldest if one.status in _WAITING else None) for one in found.backlog),
        as_of=found.now,
    )


def _undelivered(found: InstallationStatus) -> PageTable:
    more = found.undelivered_messages - len(found.undelivered)
    return PageTable(
        name="undelivered",
        title=f"Messages that need a person, and {more} more" if more > 0 else "Messages that need a person",
        columns=("message", "status", "to", "created", "reason", "what_to_do"),
        rows=tuple(_undelivered_row(record) for record in found.undelivered),
        as_of=found.now,
    )


def _undelivered_row(record: OutboxRecord) -> tuple[Cell, ...]:
    message = record.message
    to, reason = f"{message.channel} {message.target}", record.last_error or message.reason
    return message.key, record.status.value, to, message.created_at, reason, remedy_of(record)


def remedy_of(record: OutboxRecord) -> str:
    """Return what a person can do about a message that was not delivered."""
    retry = f"scaleops-worker outbox retry {shell_word(record.message.key)}"
    match record.status:
        case MessageStatus.UNKNOWN if record.not_before is not None:
            return f"Nothing yet: it is looked up at {format_utc(record.not_before)}."
        case MessageStatus.UNKNOWN:
            return f"Look for it at its destination; if it is missing: {retry}"
        case MessageStatus.EXPIRED:
            return f"It was not sent in time. If it is still needed: {retry}"
        case _:
            return f"Correct the cause, then: {retry}"


def _errors(errors: Sequence[LastError], *, as_of: datetime) -> PageTable:
    return PageTable(
        name="services",
        title="Last error of each service",
        columns=("service", "last_error", "reason", "now"),
        rows=tuple(
            (one.service, one.at, one.reason, "works again" if one.is_over else "not known to work since") for one in errors
        ),
        as_of=as_of,
    )


def _runs(found: InstallationStatus, *, with_reasons: bool) -> PageTable:
    """Return when each stage last succeeded and failed, and when each queue was last served."""
    rows = []
    for stage, group in groupby(found.heartbeats, key=lambda one: one.stage):
        of_kind = {one.kind: one for one in group}
        ok, failed, served = (of_kind.get(kind) for kind in (HeartbeatKind.OK, HeartbeatKind.FAILED, HeartbeatKind.CANARY))
        if ok is not None or failed is not None:
            reason = str(failed.details.get("reason", "")) if failed is not None and with_reasons else ""
            rows.append((f"stage {stage}", None if ok is None else ok.at, None if failed is None else failed.at, reason))
        if served is not None:
            rows.append((f"queue {stage}", served.at, None, ""))
    columns = ("what", "last_success", "last_failure", "reason")
    shown = rows if with_reasons else [row[:3] for row in rows]
    return PageTable(
        name="runs",
        title="Last runs of stages and queues",
        columns=columns if with_reasons else columns[:3],
        rows=tuple(shown),
        as_of=found.now,
    )


def _reports(found: InstallationStatus) -> PageTable:
    return PageTable(
        name="reports",
        title="Reports",
        columns=("team", "report", "last_report", "outcome", "next_due", "last_error"),
        rows=tuple(
            (label_of_team(one.team), one.report, one.last_week, one.last_outcome, one.next_due, one.last_error)
            for one in sorted(found.teams, key=lambda one: one.report != WEEKLY_REPORT)
        ),
        as_of=found.now,
    )
