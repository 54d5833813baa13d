"""Two closing snapshots by owner: those of each component of a team, or of each team of the platform."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from domain.closing_point import ClosingPoint
from domain.refs import EntityRef
from domain.snapshots import Measurement, Snapshot
from domain.workload import WorkloadKey

OwnerOf = Callable[[Snapshot], EntityRef]


def component_of(snapshot: Snapshot) -> EntityRef:
    """Return the component: split into components."""
    return snapshot.ref


def team_of(snapshot: Snapshot) -> EntityRef:
    """Return the owner then: split into teams."""
    return snapshot.team


def split_closing(
    now: ClosingPoint, then: ClosingPoint, owner_of: OwnerOf
) -> Mapping[EntityRef, tuple[ClosingPoint, ClosingPoint]]:
    """Return what each owner had now and then. A workload of several owners is with each of them.

    What another owner has in the other snapshot is named in `owned_elsewhere`, so that it compares as moved.
    """
    mine_now, mine_then = _by_owner(now, owner_of), _by_owner(then, owner_of)
    holders_now, holders_then = _holders(mine_now), _holders(mine_then)
    return {
        owner: (
            _only(now, mine_now.get(owner, ()), of=mine_then.get(owner, ()), holders=holders_now),
            _only(then, mine_then.get(owner, ()), of=mine_now.get(owner, ()), holders=holders_then),
        )
        for owner in sorted(mine_now.keys() | mine_then.keys())
    }


def _by_owner(closing: ClosingPoint, owner_of: OwnerOf) -> Mapping[EntityRef, tuple[Measurement, ...]]:
    found: dict[EntityRef, list[Measurement]] = {}
    for measurement in closing.measurements:
        found.setdefault(owner_of(measurement.snapshot), []).append(measurement)
    return {owner: tuple(mine) for owner, mine in found.items()}


def _holders(by_owner: Mapping[EntityRef, tuple[Measurement, ...]]) -> Mapping[WorkloadKey, EntityRef]:
    """Return the owner of each workload; of several the first."""
    found: dict[WorkloadKey, EntityRef] = {}
    for owner in sorted(by_owner, reverse=True):
        found.update(dict.fromkeys((point.key for one in by_owner[owner] for point in one.points), owner))
    return found


def _only(
    closing: ClosingPoint, mine: tuple[Measurement, ...], *, of: tuple[Measurement, ...], holders: Mapping[WorkloadKey, EntityRef]
) -> ClosingPoint:
    """Return an owner's part of a closing point; `of` are its measurements in the other one."""
    held = {point.key for one in mine for point in one.points}
    lacking = {point.key for one in of for point in one.points} - held
    elsewhere = {key: holders[key] for key in lacking if key in holders}
    return replace(closing, measurements=mine, owned_elsewhere={**closing.owned_elsewhere, **elsewhere})
