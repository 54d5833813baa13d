"""The installation looks at itself: what `status` calls a trouble, whether every queue is served, and who is told of it.

well ──a trouble lasts PATIENCE──> told to the platform channel, all troubles in one notice
told ──the same kinds of trouble, the same day──> nothing more ──another kind, or another day──> told again
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from domain.messages import Message
from domain.routes import Route, RoutePolicy, platform_route
from reports.notices import platform_notice
from reports.render.slack_blocks import escape
from store import Heartbeat
from tasks.context import Policy, StageContext
from tasks.maintenance.status import InstallationStatus, read_status
from tasks.report.report_data import schedules_of

CANARY: Final = "canary through "
"""What the pulses are named that each queue leaves every minute."""
CANARY_MAY_BE_OLD: Final = timedelta(minutes=10)
PATIENCE: Final = timedelta(minutes=15)
"""A trouble that is over by then is nobody's business."""
_SINCE: Final = "troubled"
_DIGITS: Final = re.compile(r"\d+")


@dataclass(frozen=True, kw_only=True)
class HealthSnapshot:
    """What one look shows."""

    status: InstallationStatus
    troubles: tuple[str, ...]
    """A sentence for each; none when all is well."""
    reports_overdue: int
    """Teams that were reported before, and whose newest due week was not yet."""


@dataclass(frozen=True, kw_only=True)
class MonitoringResult:
    """What came of one look."""

    troubles: tuple[str, ...]
    is_told: bool
    """The platform channel hears of it now."""


def check_health(context: StageContext) -> HealthSnapshot:
    """Look at the installation; nothing is written.

    Raises:
        StoreUnavailable: the database cannot be used.
    """
    status = read_status(context)
    troubles = (*status.troubles, *silent_queues(status.heartbeats, status.now))
    return HealthSnapshot(status=status, troubles=troubles, reports_overdue=_overdue(status, context.policy))


def watch(context: StageContext) -> MonitoringResult:
    """Look, remember since when there is trouble, and put a notice into the outbox when it has lasted.

    Raises:
        StoreUnavailable: the database cannot be used.
    """
    seen = check_health(context)
    now, troubles = seen.status.now, seen.troubles
    with context.store.transaction() as transaction:
        last = transaction.heartbeats.last(_SINCE)
        since = _since(last, troubles, now)
        transaction.heartbeats.record(_SINCE, at=now, details={"since": since.isoformat() if since else None})
        notice = notice_of(troubles, context.policy.routes, now=now) if since is not None and now - since >= PATIENCE else None
        is_told = bool(transaction.outbox.put([notice])) if notice is not None else False
    return MonitoringResult(troubles=troubles, is_told=is_told)


def silent_queues(pulses: Sequence[Heartbeat], now: datetime) -> Iterator[str]:
    """Name each queue whose canary came through once and does not any more."""
    for pulse in pulses:
        if pulse.name.startswith(CANARY) and now - pulse.at > CANARY_MAY_BE_OLD:
            queue = pulse.name.removeprefix(CANARY)
            yield f"nobody serves the queue {queue} since {pulse.at:%Y-%m-%d %H:%M} UTC; is a worker for it running?"


def notice_of(troubles: Sequence[str], routes: RoutePolicy, *, now: datetime) -> Message | None:
    """Write one notice of all troubles; None: there is no platform channel. One key a day for the same kinds of trouble."""
    route = platform_route(routes)
    if not isinstance(route, Route):
        return None
    kinds = "\n".join(sorted({_DIGITS.sub("", trouble) for trouble in troubles}))
    return platform_notice(
        key=f"watch:{now:%Y-%m-%d}:{hashlib.sha256(kinds.encode()).hexdigest()[:12]}",
        title="scaleops-worker needs a person",
        lines=[f"• {escape(trouble)}" for trouble in troubles],
        reason="It has been so for a while. The same is told once a day.",
        target=route.target,
        route=route.rule,
        now=now,
    )


def _overdue(status: InstallationStatus, policy: Policy) -> int:
    schedules = schedules_of(policy)
    due = {team.team: str(schedules.of(team.team).newest_due(status.now)) for team in status.teams}
    return sum(1 for team in status.teams if team.last_week and team.last_week != due[team.team])


def _since(last: Heartbeat | None, troubles: Sequence[str], now: datetime) -> datetime | None:
    if not troubles:
        return None
    before = last.details.get("since") if last is not None else None
    return datetime.fromisoformat(before) if isinstance(before, str) else now
