"""Who of the processes gets how many of the calls that may be in flight together: the decision, pure.

A quarter is for those whose callers wait (live). Sweeps borrow it when nobody waited for a while; live ones take more than it
only from what sweeps leave. Among the processes of a kind each gets what it wants, and where that is too much, an equal part.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from clients.throttle.limit_algorithm import LimiterState, Participant, Priority

LIVE_PART: Final = 4
"""One of so many is reserved for live calls."""
LIVE_LINGERS_S: Final = 5.0
"""So long after the last live call their part is still kept free."""


def allocate(common: LimiterState, now: float) -> dict[str, int]:
    """Answer the share of each member: at least one, at most its ceiling, together the total of `common` or one each."""
    live = {name: member for name, member in common.members.items() if member.kind is Priority.LIVE}
    sweep = {name: member for name, member in common.members.items() if member.kind is not Priority.LIVE}
    total = common.total
    if common.limit is None or total >= common.ceiling:
        return {name: member.ceiling for name, member in common.members.items()}
    for_live = _part_for_live(live, sweep, total, was_asked=now - common.live_at < LIVE_LINGERS_S)
    for_sweep = max(total - for_live, len(sweep))
    return _divide(for_live, live) | _divide(for_sweep, sweep)


def _part_for_live(live: Mapping[str, Participant], sweep: Mapping[str, Participant], total: int, *, was_asked: bool) -> int:
    if not sweep:
        return total
    reserved = max(1, round(total / LIVE_PART), len(live)) if live or was_asked else 0
    left_by_sweep = total - sum(member.wanted for member in sweep.values())
    wanted = sum(member.wanted for member in live.values())
    part = min(max(wanted, reserved), max(reserved, left_by_sweep), total - len(sweep))
    if not live:
        return part
    of_no_use_to_sweep = total - sum(member.ceiling for member in sweep.values())
    return min(max(part, of_no_use_to_sweep), sum(member.ceiling for member in live.values()))


def _divide(part: int, members: Mapping[str, Participant]) -> dict[str, int]:
    """Give one each, then to whoever has least and wants more, then what nobody wants to whoever has least."""
    given = dict.fromkeys(members, 1)
    left = part - len(given)
    for bounds in ({name: member.wanted for name, member in members.items()}, _ceilings(members)):
        while left > 0:
            open_to_more = [name for name, share in given.items() if share < bounds[name]]
            if not open_to_more:
                break
            least = min(given[name] for name in open_to_more)
            for name in sorted(name for name in open_to_more if given[name] == least)[:left]:
                given[name] += 1
                left -= 1
    return given


def _ceilings(members: Mapping[str, Participant]) -> dict[str, int]:
    return {name: member.ceiling for name, member in members.items()}
