"""How many calls all processes together may have in flight against one service: the decision, pure.

    the ceilings hold ──refused, silent or slow──> cut ──> climbs along a cubic curve ──> the ceilings hold
                                                    ^          │ refused, silent or slow
                                                    └──────────┘

Refused is 429 or 503. Silent is one answer in ten that does not come in time. Slow is twice the usual time of the same routes, for
three rounds in a row. The curve is that of TCP CUBIC (RFC 9438, 4.1): quickly back to where it was cut, long there, quickly beyond.

What is usual is learned while nothing is held back because of it. Slowness alone cuts to a quarter of the ceilings at most; what is
slow even then is not slow because of us, and becomes usual: a network that got slower costs a minute, not the sweep.

Times are seconds of one clock, whichever; durations are in the names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

MEMBER_FOR_S: Final = 5.0
"""A process that reported nothing for so long has died, or asks nothing."""
LONGEST_HOLD_S: Final = 20.0
"""Of a service that asks for more patience everybody waits so long, and then asks again."""
SETTLES_IN_S: Final = 1.5
"""Until all have heard of a cut; it shows only after that and one call's time more."""
ROUND_S: Final = 1.0
ENOUGH_CALLS: Final = 10
"""To judge how long they took."""

_CUT: Final = 0.7
"""RFC 9438, 4.6."""
_DEEPEST_CUT: Final = 0.5
_CUT_WHEN_SLOW: Final = 0.8
_BACK_IN_S: Final = 15.0
"""From a cut to where it was cut."""
_SILENT_SHARE: Final = 0.1
_SLOW_RATIO: Final = 2.0
_SLOW_BY_S: Final = 0.1
"""What is slower by less may be this machine's own doing."""
_SLOW_ROUNDS: Final = 3
_SLOW_KEEPS: Final = 0.25
_FIRST_CALLS: Final = 50
"""Until so many calls, what is usual is their plain mean, and nothing is judged by it."""
_LEARNS_IN_S: Final = 180.0
_RELEARNS_IN_S: Final = 10.0
_LONGEST_CALL_S: Final = 10.0
_FORGOTTEN_AFTER_S: Final = 600.0
"""A cut that stood in nobody's way for so long, or that nobody asked anything after, says nothing about now."""


class Priority(StrEnum):
    """For whom a process asks."""

    SWEEP = "sweep"
    """Nobody waits."""
    LIVE = "live"
    """Somebody waits for the answer."""


class BackoffReason(StrEnum):
    """Why the limit was cut."""

    REFUSED = "refused"
    SILENT = "silent"
    SLOW = "slow"


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Good answers of a route."""

    calls: int = 0
    seconds: float = 0.0
    """Of all together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageReport:
    """What one process did and met since its last report."""

    kind: Priority
    ceiling: int
    """So many calls it may have in flight when nothing limits it."""
    in_flight: int = 0
    """At most at one time."""
    wanted: int = 0
    """In flight and waiting, at most at one time. 0: it asks nothing any more."""
    good: Mapping[str, Timing] = field(default_factory=dict)
    refused: int = 0
    silent: int = 0
    hold_s: float = 0.0
    """How long the service asked to be left alone, from now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Participant:
    """A process that asks."""

    kind: Priority
    ceiling: int
    in_flight: int
    wanted: int
    seen_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Usual:
    """How long a call of a route usually takes, and of how many calls that is known."""

    seconds: float
    calls: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What all processes met since the last judgement."""

    began_at: float
    good: Mapping[str, Timing] = field(default_factory=dict)
    refused: int = 0
    silent: int = 0

    @property
    def calls(self) -> int:
        """Good answers of all routes."""
        return sum(timing.calls for timing in self.good.values())

    @property
    def seconds(self) -> float:
        """What they took together."""
        return sum(timing.seconds for timing in self.good.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class LimiterState:
    """What all processes share."""

    limit: float | None = None
    """None: only the ceilings hold."""
    members: Mapping[str, Participant] = field(default_factory=dict)
    held_until: float = 0.0
    live_at: float = 0.0
    """When somebody last waited for an answer."""
    advanced_at: float = 0.0
    round: Window | None = None
    usual: Mapping[str, Usual] = field(default_factory=dict)
    slow_rounds: int = 0
    cut: BackoffReason | None = None
    """Why it was cut last."""
    cut_at: float = 0.0
    cut_from: float = 0.0
    cut_to: float = 0.0
    climbed_s: float = 0.0
    """Since the cut, while the limit was in the way."""

    @property
    def ceiling(self) -> int:
        """What all may have together when nothing limits them."""
        return sum(member.ceiling for member in self.members.values())

    @property
    def in_flight(self) -> int:
        """What all had together lately, at most."""
        return sum(member.in_flight for member in self.members.values())

    @property
    def total(self) -> int:
        """How many calls may be in flight together. Never less than one a process."""
        most = self.ceiling
        return most if self.limit is None else max(len(self.members), min(most, int(self.limit)))


def advance(common: LimiterState, name: str, report: UsageReport, now: float) -> LimiterState:
    """Take a report of one process and decide anew."""
    common = _with_member(_in_time(_unless_old(common, now), now), name, report, now)
    held_until = max(common.held_until, now + min(report.hold_s, LONGEST_HOLD_S)) if report.hold_s else common.held_until
    elapsed_s = min(now - common.advanced_at, 2 * ROUND_S)
    common = replace(common, held_until=held_until, advanced_at=now, round=_with_report(common.round, report, now))
    return _judge(_climb(common, elapsed_s, now), now)


def recalled(kept: LimiterState | None, known: LimiterState, now: float) -> LimiterState:
    """Answer what is kept, with the cut that a process knows of and that was forgotten there."""
    known = _unless_old(known, now)
    if kept is None:
        return known
    if known.cut_at <= kept.cut_at:
        return kept
    return replace(
        kept,
        limit=known.limit,
        usual=known.usual,
        cut=known.cut,
        cut_at=min(known.cut_at, now),
        cut_from=known.cut_from,
        cut_to=known.cut_to,
        climbed_s=known.climbed_s,
    )


def alone(common: LimiterState, name: str, *, share: int, now: float) -> LimiterState:
    """Answer what a process goes on with by itself, by another clock, when it can no longer hear of the others."""
    member = common.members.get(name)
    is_limited = common.limit is not None and member is not None and share < member.ceiling
    scale = share / common.limit if is_limited and common.limit else 1.0
    return LimiterState(
        limit=float(share) if is_limited else None,
        usual=common.usual,
        cut=common.cut if is_limited else None,
        cut_at=now if is_limited else 0.0,
        cut_from=common.cut_from * scale,
        cut_to=common.cut_to * scale,
        climbed_s=common.climbed_s,
        advanced_at=now,
    )


def _unless_old(common: LimiterState, now: float) -> LimiterState:
    """Keep of a record that nobody touched for long only how long calls usually take."""
    return LimiterState(usual=common.usual) if now - common.advanced_at > _FORGOTTEN_AFTER_S else common


def _in_time(common: LimiterState, now: float) -> LimiterState:
    """Answer the same with no instant in the future: clocks are set back sometimes."""
    if common.advanced_at <= now:
        return common
    return replace(
        common,
        advanced_at=now,
        held_until=min(common.held_until, now + LONGEST_HOLD_S),
        live_at=min(common.live_at, now),
        cut_at=min(common.cut_at, now),
        members={name: replace(member, seen_at=min(member.seen_at, now)) for name, member in common.members.items()},
        round=None,
    )


def _with_member(common: LimiterState, name: str, report: UsageReport, now: float) -> LimiterState:
    members = {other: member for other, member in common.members.items() if other != name and now - member.seen_at < MEMBER_FOR_S}
    if report.wanted:
        members[name] = Participant(
            kind=report.kind,
            ceiling=report.ceiling,
            in_flight=min(report.in_flight, report.ceiling),
            wanted=min(report.wanted, report.ceiling),
            seen_at=now,
        )
    live_at = now if report.kind is Priority.LIVE and report.wanted else common.live_at
    return replace(common, members=members, live_at=live_at)


def _with_report(round_: Window | None, report: UsageReport, now: float) -> Window:
    if round_ is None:
        round_ = Window(began_at=now)
    good = dict(round_.good)
    for route, timing in report.good.items():
        known = good.get(route, Timing())
        good[route] = Timing(calls=known.calls + timing.calls, seconds=known.seconds + timing.seconds)
    return replace(round_, good=good, refused=round_.refused + report.refused, silent=round_.silent + report.silent)


def _climb(common: LimiterState, elapsed_s: float, now: float) -> LimiterState:
    """Climb while somebody wants more than there is."""
    if common.limit is None:
        return common
    if sum(member.wanted for member in common.members.values()) < common.total:
        return replace(common, limit=None) if now - common.cut_at > _FORGOTTEN_AFTER_S else common
    climbed_s = common.climbed_s + elapsed_s
    step = max(1.0, common.cut_from - common.cut_to)
    limit = max(common.limit, common.cut_from + step * ((climbed_s - _BACK_IN_S) / _BACK_IN_S) ** 3)
    # Beyond the ceilings of those who ask just now there may be others who pause.
    return replace(common, limit=None if limit > 2 * common.ceiling else limit, climbed_s=climbed_s)


def _judge(common: LimiterState, now: float) -> LimiterState:
    met = common.round
    if met is None or not common.members:
        return common
    if met.refused or met.silent > _SILENT_SHARE * (met.calls + met.silent):
        reason = BackoffReason.REFUSED if met.refused else BackoffReason.SILENT
        if not _has_settled(common, met, now):
            # What was sent before everybody had heard of the last cut says nothing about it.
            return replace(common, round=Window(began_at=now), slow_rounds=0)
        through = met.calls / (met.calls + met.refused + met.silent)
        return _cut(common, reason, max(_DEEPEST_CUT, min(_CUT, through)), now)
    if now - met.began_at < ROUND_S or met.calls < ENOUGH_CALLS:
        return common
    is_slow = _is_slow(met, common.usual)
    slow_rounds = common.slow_rounds + 1 if is_slow else 0
    lowest = max(float(len(common.members)), _SLOW_KEEPS * common.ceiling)
    is_lowest = min(common.total, common.in_flight) <= lowest
    if slow_rounds >= _SLOW_ROUNDS and not is_lowest and _has_settled(common, met, now):
        return _cut(common, BackoffReason.SLOW, _CUT_WHEN_SLOW, now, lowest=lowest)
    suppressed = common.limit is not None and common.cut is BackoffReason.SLOW
    usual = _learn(
        common.usual,
        met,
        elapsed_s=min(now - met.began_at, 10 * ROUND_S),
        may_rise_in_s=_RELEARNS_IN_S if is_lowest and is_slow else None if is_slow or suppressed else _LEARNS_IN_S,
    )
    return replace(common, usual=usual, slow_rounds=slow_rounds, round=Window(began_at=now))


def _has_settled(common: LimiterState, met: Window, now: float) -> bool:
    call_s = min(_LONGEST_CALL_S, met.seconds / met.calls) if met.calls else 0.0
    return common.cut is None or now - common.cut_at >= SETTLES_IN_S + call_s


def _cut(common: LimiterState, reason: BackoffReason, factor: float, now: float, *, lowest: float = 1.0) -> LimiterState:
    before = min(common.total, common.in_flight)
    # While few calls are in flight, a refusal says little about how many may be.
    after = max(lowest, before * factor, common.total * _DEEPEST_CUT)
    return replace(
        common,
        limit=after,
        cut=reason,
        cut_at=now,
        cut_from=max(float(before), after),
        cut_to=after,
        climbed_s=0.0,
        slow_rounds=0,
        round=Window(began_at=now),
    )


def _is_slow(met: Window, usual: Mapping[str, Usual]) -> bool:
    """Compare what the calls took with what the same calls usually take."""
    known = [
        (timing, usual[route].seconds)
        for route, timing in met.good.items()
        if route in usual and usual[route].calls >= _FIRST_CALLS
    ]
    calls = sum(timing.calls for timing, _ in known)
    took = sum(timing.seconds for timing, _ in known)
    usually = sum(timing.calls * seconds for timing, seconds in known)
    return took > _SLOW_RATIO * usually and took - usually > _SLOW_BY_S * calls


def _learn(usual: Mapping[str, Usual], met: Window, *, elapsed_s: float, may_rise_in_s: float | None) -> dict[str, Usual]:
    learned = dict(usual)
    for route, timing in met.good.items():
        if timing.calls:
            learned[route] = _learned(usual.get(route), timing, elapsed_s=elapsed_s, may_rise_in_s=may_rise_in_s)
    return learned


def _learned(known: Usual | None, timing: Timing, *, elapsed_s: float, may_rise_in_s: float | None) -> Usual:
    mean = timing.seconds / timing.calls
    if known is None:
        return Usual(seconds=mean, calls=timing.calls)
    if known.calls < _FIRST_CALLS:
        calls = known.calls + timing.calls
        return Usual(seconds=(known.seconds * known.calls + timing.seconds) / calls, calls=calls)
    learns_in_s = may_rise_in_s if mean > known.seconds else _LEARNS_IN_S
    if learns_in_s is None:
        return known
    return replace(known, seconds=known.seconds + min(1.0, elapsed_s / learns_in_s) * (mean - known.seconds))
