"""Self-monitoring: finds problems of this installation and notifies the platform channel when they last.

ok ──a problem lasts NOTIFY_AFTER──> notified: one notice with all problems
notified ──the same kinds of problems, the same day──> no further notice ──another kind, or another day──> notified again
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from domain.clock import format_utc
from domain.messages import Message
from domain.problems import Problem, Runbook
from domain.routes import Route, platform_route
from reports.notices import platform_notice
from store import Heartbeat, HeartbeatKind
from tasks.context import Policy, StageContext
from tasks.maintenance.status import InstallationStatus, read_status

CANARY_MAX_AGE: Final = timedelta(minutes=10)
NOTIFY_AFTER: Final = timedelta(minutes=15)
"""Problems that end sooner are not reported."""
_DIGITS: Final = re.compile(r"\d+")


@dataclass(frozen=True, kw_only=True)
class HealthSnapshot:
    """The health of the installation at one instant."""

    status: InstallationStatus
    problems: tuple[Problem, ...]
    reports_overdue: int
    """Teams with an earlier report whose newest due week has none."""


@dataclass(frozen=True, kw_only=True)
class MonitoringResult:
    """The result of one check."""

    problems: tuple[Problem, ...]
    is_notified: bool
    """A notice was put into the outbox by this check."""


def check_health(context: StageContext) -> HealthSnapshot:
    """Read the health of the installation; write nothing.

    Raises:
        StoreUnavailable: the database cannot be used.
    """
    status = read_status(context)
    problems = (*status.problems, *unserved_queues(status.heartbeats, status.now))
    return HealthSnapshot(status=status, problems=problems, reports_overdue=_overdue(status))


def monitor(context: StageContext) -> MonitoringResult:
    """Check the health, record since when there are problems, and put a notice into the outbox once they have lasted.

    Raises:
        StoreUnavailable: the database cannot be used.
    """
    health = check_health(context)
    now, problems = health.status.now, health.problems
    with context.store.transaction() as transaction:
        since = _problems_since(transaction.heartbeats.last("monitor", HeartbeatKind.PROGRESS), problems, now)
        details = {"since": since.isoformat() if since else None}
        transaction.heartbeats.record("monitor", HeartbeatKind.PROGRESS, at=now, details=details)
        notice = None
        if since is not None and now - since >= NOTIFY_AFTER:
            notice = build_notice(problems, context.policy, now=now)
        is_notified = bool(transaction.outbox.put([notice])) if notice is not None else False
    return MonitoringResult(problems=problems, is_notified=is_notified)


def unserved_queues(heartbeats: Sequence[Heartbeat], now: datetime) -> Iterator[Problem]:
    """Yield a problem for each queue whose newest canary is too old."""
    for heartbeat in heartbeats:
        if heartbeat.kind is HeartbeatKind.CANARY and now - heartbeat.at > CANARY_MAX_AGE:
            since = format_utc(heartbeat.at)
            sentence = f"no worker has served the queue {heartbeat.stage} since {since}; is one running?"
            yield Problem(runbook=Runbook.QUEUE_UNSERVED, sentence=sentence)


def build_notice(problems: Sequence[Problem], policy: Policy, *, now: datetime) -> Message | None:
    """Return one notice of all problems, or None without a platform channel. Its key is the day and the kinds of problems."""
    route = platform_route(policy.routes)
    if not isinstance(route, Route):
        return None
    kinds = "\n".join(sorted({_DIGITS.sub("", problem.sentence) for problem in problems}))
    return platform_notice(
        key=f"watch:{now:%Y-%m-%d}:{hashlib.sha256(kinds.encode()).hexdigest()[:12]}",
        title="scaleops-worker needs attention",
        lines=[f"• {problem}" for problem in problems],
        reason=f"These problems have lasted for at least {NOTIFY_AFTER // timedelta(minutes=1)} minutes. They are reported once a day.",
        runbooks=[problem.runbook for problem in problems],
        route=route,
        pages=policy.pages,
        now=now,
    )


def _overdue(status: InstallationStatus) -> int:
    return sum(1 for team in status.teams if team.last_week and team.last_week != team.newest_due)


def _problems_since(last: Heartbeat | None, problems: Sequence[Problem], now: datetime) -> datetime | None:
    if not problems:
        return None
    before = last.details.get("since") if last is not None else None
    return datetime.fromisoformat(before) if isinstance(before, str) else now
