"""How many calls all processes together may have in flight against one service, and the share of each: pure functions.

    UNLIMITED ──429, 503 or time-outs──> LIMITED: lowered by a factor; raised by a constant rate while more calls are wanted
        ^                                   │
        └────── limit above all ceilings ───┘

Additive increase, multiplicative decrease. Retry-After pauses every process. Shares are max-min fair; a quarter of the limit is
reserved for interactive calls; background calls use it while there are none. Times are seconds of one clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

PARTICIPANT_TTL_S: Final = 5.0
"""A participant without a report for this long is dropped."""
MAX_PAUSE_S: Final = 20.0
"""Upper bound for honouring Retry-After."""
PROPAGATION_S: Final = 1.5
"""Until every process has applied a decrease and its effect shows; there is no second decrease before."""
STATE_TTL_S: Final = 600.0
"""A state without an update for this long is discarded."""
INTERACTIVE_SHARE: Final = 0.25
INTERACTIVE_LINGER_S: Final = 5.0
"""The interactive share stays reserved for this long after the last interactive call."""

_DECREASE_FACTOR: Final = 0.7
_MIN_FACTOR: Final = 0.5
"""If most calls were throttled; also the largest decrease when few calls were in flight, which says little about the capacity."""
_RECOVERY_S: Final = 120.0
"""From nothing to the ceilings of all participants."""
_TIMEOUT_SHARE: Final = 0.1
"""A smaller share of timed-out calls is not a sign of overload."""


class CallPriority(StrEnum):
    """What the calls of a process are for."""

    BACKGROUND = "background"
    INTERACTIVE = "interactive"
    """A person or agent waits for the response."""


class BackoffReason(StrEnum):
    """Why the limit was lowered."""

    THROTTLED = "throttled"
    """429 or 503."""
    TIMEOUT = "timeout"


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageReport:
    """The calls of one process since its last report."""

    priority: CallPriority
    ceiling: int
    """Calls in flight that the process may have when there is no limit."""
    wanted: int = 0
    """Peak of calls in flight and waiting. 0: the process leaves."""
    successes: int = 0
    throttled: int = 0
    timeouts: int = 0
    pause_s: float = 0.0
    """What is left of the service's Retry-After."""
    reported_at: float = 0.0

    @property
    def backoff_reason(self) -> BackoffReason | None:
        """The reason to lower the limit, if any."""
        if self.throttled:
            return BackoffReason.THROTTLED
        is_timing_out = self.timeouts > _TIMEOUT_SHARE * (self.successes + self.timeouts)
        return BackoffReason.TIMEOUT if is_timing_out else None


@dataclass(frozen=True, slots=True, kw_only=True)
class LimiterState:
    """What all processes share."""

    limit: float | None = None
    """None: unlimited, only the ceilings apply."""
    participants: Mapping[str, UsageReport] = field(default_factory=dict)
    """The last report of each process that makes calls."""
    paused_until: float = 0.0
    interactive_at: float = 0.0
    """The last report of an interactive call."""
    updated_at: float = 0.0
    decreased_at: float = 0.0

    @property
    def ceiling(self) -> int:
        """The calls in flight of all participants when there is no limit."""
        return sum(participant.ceiling for participant in self.participants.values())

    @property
    def wanted(self) -> int:
        """The calls in flight that all participants want."""
        return sum(participant.wanted for participant in self.participants.values())

    @property
    def total(self) -> int:
        """The calls in flight that all participants may have: at least one each."""
        return self.ceiling if self.limit is None else max(len(self.participants), min(self.ceiling, int(self.limit)))


def update(state: LimiterState, name: str, report: UsageReport, now: float) -> LimiterState:
    """Apply the report of one process."""
    state = _discard_stale(state, now)
    elapsed_s = min(now - state.updated_at, PROPAGATION_S)
    paused_until = max(state.paused_until, now + min(report.pause_s, MAX_PAUSE_S)) if report.pause_s else state.paused_until
    state = replace(_with_report(state, name, report, now), paused_until=paused_until, updated_at=now)
    if not state.participants:
        return state
    if report.backoff_reason is None:
        return _increase(state, elapsed_s)
    return _decrease(state, report, now) if now - state.decreased_at >= PROPAGATION_S else state


def allocate(state: LimiterState, now: float) -> dict[str, int]:
    """Return the share of each participant: at least one, at most its ceiling, together at most the total of `state`."""
    participants, total = state.participants, state.total
    if total >= state.ceiling:
        return {name: participant.ceiling for name, participant in participants.items()}
    interactive = {name: each for name, each in participants.items() if each.priority is CallPriority.INTERACTIVE}
    background = {name: each for name, each in participants.items() if each.priority is CallPriority.BACKGROUND}
    is_reserved = bool(interactive) or now - state.interactive_at < INTERACTIVE_LINGER_S
    reserve = max(1, round(total * INTERACTIVE_SHARE), len(interactive)) if is_reserved else 0
    for_background = total - min(reserve, total - len(background))
    if interactive:
        wanted = sum(each.wanted for each in background.values())
        beyond_interactive = total - sum(each.ceiling for each in interactive.values())
        for_background = max(min(for_background, wanted), beyond_interactive)
    return _divide(for_background, background) | _divide(total - for_background, interactive)


def _discard_stale(state: LimiterState, now: float) -> LimiterState:
    if now < state.updated_at:  # the clock was set back
        return LimiterState(limit=state.limit, updated_at=now)
    return LimiterState(updated_at=now) if now - state.updated_at > STATE_TTL_S else state


def _with_report(state: LimiterState, name: str, report: UsageReport, now: float) -> LimiterState:
    participants = {other: each for other, each in state.participants.items() if now - each.reported_at < PARTICIPANT_TTL_S}
    participants.pop(name, None)
    if not report.wanted:
        return replace(state, participants=participants)
    participants[name] = replace(report, wanted=min(report.wanted, report.ceiling), reported_at=now)
    return replace(
        state,
        participants=participants,
        interactive_at=now if report.priority is CallPriority.INTERACTIVE else state.interactive_at,
    )


def _increase(state: LimiterState, elapsed_s: float) -> LimiterState:
    """Raise the limit while more calls are wanted than it permits."""
    if state.limit is None or state.wanted < state.total:
        return state
    limit = state.limit + elapsed_s * state.ceiling / _RECOVERY_S
    return replace(state, limit=None if limit > state.ceiling else limit)


def _decrease(state: LimiterState, report: UsageReport, now: float) -> LimiterState:
    factor = _MIN_FACTOR if report.throttled > report.successes else _DECREASE_FACTOR
    limit = max(1.0, min(state.total, state.wanted) * factor, state.total * _MIN_FACTOR)
    return replace(state, limit=limit, decreased_at=now)


def _divide(amount: int, participants: Mapping[str, UsageReport]) -> dict[str, int]:
    """Max-min fair allocation; the surplus is spread evenly."""
    shares = dict.fromkeys(participants, 1)
    left = amount - len(shares)
    for bounds in (
        {name: participant.wanted for name, participant in participants.items()},
        {name: participant.ceiling for name, participant in participants.items()},
    ):
        while left > 0 and (below := [name for name, share in shares.items() if share < bounds[name]]):
            lowest = min(shares[name] for name in below)
            for name in sorted(name for name in below if shares[name] == lowest)[:left]:
                shares[name] += 1
                left -= 1
    return shares
