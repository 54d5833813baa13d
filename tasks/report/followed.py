"""The recommendations that a team's report follows up on: those of the components that it owned in the closing snapshot."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from domain.closing_point import ClosingPoint
from domain.refs import EntityRef
from domain.snapshots import Outcome
from domain.tracking import Recommendation
from store import Transaction


@dataclass(frozen=True, kw_only=True)
class FollowedPeriod:
    """From the closing snapshots of the week before, to those of the week. Each component has its own."""

    since: datetime
    """For components without an earlier closing snapshot."""
    until: datetime
    then: ClosingPoint | None
    now: ClosingPoint | None
    sweeps: tuple[datetime, ...]
    """The sweeps that may close the week."""


def find_followed(transaction: Transaction, team: EntityRef, period: FollowedPeriod) -> Iterable[Recommendation]:
    """Yield what was open, ended or judged in a period, as known at its end.

    A component belongs to its owner in the closing snapshot; one that left the catalog, to its last owner.
    """
    begins, ends = _as_ofs(period.then), _as_ofs(period.now)
    refs = frozenset() if period.now is None else frozenset(period.now.outcomes)
    found = transaction.recommendations.between(
        min([period.since, *begins.values()]), max([period.until, *ends.values()]), refs=refs, team=team
    )
    others = {one.key.entity for one in found} - refs
    elsewhere = transaction.closing.of_components(others, period.sweeps)
    for one in found:
        entity = one.key.entity
        since, until = begins.get(entity, period.since), ends.get(entity, period.until)
        known = one.at(until)
        last = max((at for at in (known.ended_at, known.judged_at) if at is not None), default=None)
        if entity not in elsewhere and one.opened_at <= until and (last is None or last > since):
            yield known


def _as_ofs(closing: ClosingPoint | None) -> dict[EntityRef, datetime]:
    snapshots = () if closing is None else (one.snapshot for one in closing.measurements)
    return {one.ref: one.as_of for one in snapshots if one.outcome is Outcome.MEASURED}
