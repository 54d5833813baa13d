"""Reads what grew behind the alerts about money that a sweep notifies of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final

from alerts.lifecycle import Notice
from alerts.observations import AlertId
from alerts.policy import Rule
from alerts.states import ENDINGS
from domain.closing_point import ClosingPoint
from domain.refs import OWNER_KINDS, EntityRef
from reports.builders.growth import describe_growth
from store import Transaction
from tasks.context import Policy
from tasks.evaluate.decisions import Decision, PostDecision, SummaryDecision

WEEK: Final = timedelta(days=7)
_EARLIEST: Final = timedelta(days=14)
_LATEST: Final = timedelta(days=3)
"""The sweep to compare with is the one nearest to a week before; where sweeps are missing, within these."""
_ABOUT_COST: Final = frozenset({Rule.COST_INCREASE, Rule.BUDGET})
MAX_EXPLAINED: Final = 100
"""Alerts of one sweep that are explained; more are not read one by one."""


def read_growth(
    transaction: Transaction, policy: Policy, decisions: Iterable[Decision], *, as_of: datetime
) -> Mapping[AlertId, tuple[str, ...]]:
    """Return what grew since the 7 days before, a line each, by alert; without an alert where the week before was not measured."""
    notices = [notice for decision in decisions for notice in _posted(decision) if _is_explained(notice)][:MAX_EXPLAINED]
    closed = transaction.sweeps.closed_between(as_of - _EARLIEST, as_of - _LATEST) if notices else ()
    if not closed:
        return {}
    before = min((sweep.as_of for sweep in closed), key=lambda one: abs(as_of - WEEK - one))
    found = {}
    for notice in notices:
        about = notice.alert.about
        now, then = (_point_of(transaction, about, one) for one in (as_of, before))
        if now.measurements and then.measurements:
            zone = policy.schedules.of(notice.team).zone.key
            found[notice.alert] = describe_growth(now, then, currency=policy.currency, zone=zone)
    return found


def _posted(decision: Decision) -> Iterable[Notice]:
    match decision:
        case PostDecision(notice=notice):
            return (notice,)
        case SummaryDecision(summary=summary):
            return summary.notices
        case _:
            return ()


def _is_explained(notice: Notice) -> bool:
    return notice.alert.rule in _ABOUT_COST and notice.kind not in ENDINGS


def _point_of(transaction: Transaction, about: EntityRef, as_of: datetime) -> ClosingPoint:
    if about.kind in OWNER_KINDS:
        return ClosingPoint(as_of=as_of, measurements=transaction.snapshots.of_team(about, as_of))
    return ClosingPoint(as_of=as_of, measurements=transaction.snapshots.of_components([about], as_of))
