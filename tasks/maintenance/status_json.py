"""The status as one JSON object: that of the command and that of the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from domain.measures import Unknown, known_or
from domain.messages import Json
from domain.money import percent_number
from domain.problems import runbook_address
from domain.unallocated import SweepUnallocated
from store.queries.outbox_rows import OutboxRecord
from tasks.maintenance.service_errors import LastError
from tasks.maintenance.status import InstallationStatus
from tasks.maintenance.status_sections import remedy_of

_WITHOUT_NAMES: Final = frozenset(
    {"now", "newestSweep", "openSweeps", "nextSlot", "openAlerts", "outbox", "backlog", "oldestPending"}
)


def status_as_json(
    found: InstallationStatus, errors: Sequence[LastError], currency: str, *, with_names: bool = True
) -> Mapping[str, Json]:
    """Return the status. Without names: only what names no entity, cluster or channel."""
    whole = _as_json(found, errors, currency)
    return whole if with_names else {key: value for key, value in whole.items() if key in _WITHOUT_NAMES}


def _as_json(found: InstallationStatus, errors: Sequence[LastError], currency: str) -> dict[str, Json]:
    sweep = found.newest_closed
    return {
        "now": found.now.isoformat(),
        "newestSweep": {
            "asOf": sweep.as_of.isoformat(),
            "expected": sweep.expected,
            "measured": sweep.measured,
            "unknown": sweep.unknown,
            "everySeconds": round(found.collect_every.total_seconds()),
            "cadenceSeconds": round(found.cadence.total_seconds()) if found.cadence else None,
        }
        if sweep
        else None,
        "openSweeps": [running.as_of.isoformat() for running in found.open_sweeps],
        "nextSlot": found.next_slot.isoformat(),
        "watch": {
            "asOf": found.watch.newest.as_of.isoformat(),
            "source": str(found.watch.newest.source),
            "failure": found.watch.newest.failure or None,
            "failingSince": found.watch.failing_since.isoformat() if found.watch.failing_since else None,
            "everySeconds": round(found.watch_every.total_seconds()),
            "cadenceSeconds": round(found.watch.cadence.total_seconds()) if found.watch.cadence else None,
        }
        if found.watch
        else None,
        "heartbeats": [{"stage": one.stage, "kind": one.kind.value, "at": one.at.isoformat()} for one in found.heartbeats],
        "unmeasured": dict(found.unmeasured),
        "unmeasuredFigures": [
            {"figure": one.figure, "cluster": one.cluster, "workloads": one.workloads, "reason": one.reason}
            for one in found.unmeasured_figures
        ],
        "lostClusters": [cluster.name for cluster in found.lost_clusters],
        "bulk": [
            {
                "subject": one.newest.subject.value,
                "cluster": one.newest.cluster or None,
                "trusted": one.newest.trusted,
                "since": one.since.isoformat(),
                "reason": one.newest.reason or None,
            }
            for one in found.bulk
        ],
        "unallocated": _unallocated_as_json(found.unallocated, currency),
        "openAlerts": found.open_alerts,
        "outbox": {str(name): count for name, count in found.outbox.items()},
        "backlog": [
            {"status": one.status.value, "messages": one.messages, "oldest": one.oldest.isoformat()} for one in found.backlog
        ],
        "oldestPending": found.oldest_pending.isoformat() if found.oldest_pending else None,
        "undelivered": [_undelivered_as_json(record) for record in found.undelivered],
        "lastErrors": [
            {"service": one.service, "at": one.at.isoformat(), "reason": one.reason, "isOver": one.is_over} for one in errors
        ],
        "teams": [
            {
                "team": str(one.team),
                "report": one.report,
                "lastWeek": one.last_week or None,
                "lastOutcome": one.last_outcome,
                "nextDue": one.next_due.isoformat(),
                "lastError": one.last_error or None,
            }
            for one in found.teams
        ],
        "problems": [
            {"sentence": one.sentence, "runbook": runbook_address(one.runbook, found.docs_url)} for one in found.problems
        ],
    }


def _undelivered_as_json(record: OutboxRecord) -> dict[str, Json]:
    message = record.message
    return {
        "key": message.key,
        "status": record.status.value,
        "channel": message.channel.value,
        "target": message.target,
        "createdAt": message.created_at.isoformat(),
        "reason": record.last_error or message.reason,
        "whatToDo": remedy_of(record),
    }


def _unallocated_as_json(found: SweepUnallocated | None, currency: str) -> dict[str, Json] | None:
    if found is None or found.as_of is None or isinstance(found.cost, Unknown):
        return None
    share, cost = found.cost.share, known_or(found.cost.unallocated.amount, None)
    return {
        "asOf": found.as_of.isoformat(),
        "cost": None if cost is None else float(cost),
        "currency": currency,
        "sharePercent": percent_number(share),
    }
