"""The pace of one process against one service: its share of the calls that all processes together may have in flight.

Calls pass the gate, and what they met is noted; nothing else is done on their way. A thread reports once a second while there are
calls, and at once when one was refused. The board is where the reports of all processes meet. Without one, or while it is away, the
process decides by its own reports alone.

    asleep ──a call──> awake: a report a second, the gate as wide as the share ──no calls for two reports──> farewell, asleep
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final, NamedTuple, Protocol

from pydantic import TypeAdapter, ValidationError

from clients.http.retry_after import retry_after_s
from clients.throttle.allocation import allocate
from clients.throttle.limit_algorithm import (
    LONGEST_HOLD_S,
    BackoffReason,
    LimiterState,
    Priority,
    Timing,
    UsageReport,
    advance,
    alone,
    recalled,
)
from clients.throttle.semaphore import PeakUsage, ResizableSemaphore

log = logging.getLogger(__name__)

PERIOD_S: Final = 1.0
AT_FIRST: Final = 2
"""So many calls go out before the board has told us our share; a caller must not wait for it."""
_GAP_S: Final = 0.1
"""Between two reports, at least."""
_BOARD_AWAY_FOR_S: Final = 5.0
_GETS_THROUGH_FOR_S: Final = 10.0
_MOST_NOTES: Final = 20_000
_MOST_ROUTES: Final = 24
_OTHER_ROUTES: Final = "other"
_REFUSED: Final = frozenset({429, 503})
_FIRST_BAD: Final = 400
_COMMON: Final = TypeAdapter(LimiterState)


class SharedState(Protocol):
    """Where the processes of an installation keep what they share."""

    def update(self, change: Callable[[bytes | None, float], bytes]) -> bool:
        """Replace what is kept by what `change` makes of it and of the board's own time in seconds, as if nobody else did.

        Answers no when the board cannot be used. `change` may be called several times. None: nothing is kept.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class LimiterStatus:
    """Where a process stands after a report."""

    total: int
    """Calls that all processes that ask may have in flight together."""
    share: int
    """Ours of them; 0 while we ask nothing."""
    cut: BackoffReason | None = None
    """Our report led to a cut, for this reason."""


class _Note(NamedTuple):
    """A call that was answered well, refused (`is_refused`) or, with neither, not answered in time."""

    route: str = ""
    seconds: float = 0.0
    is_refused: bool = False


class ConcurrencyLimiter:
    """Safe for any number of threads and an event loop. Make it after a fork, not before.

    `most` is how many calls this process may have in flight when nothing limits it.
    """

    def __init__(
        self, service: str, most: int, *, kind: Priority, board: SharedState | None = None, period_s: float = PERIOD_S
    ) -> None:
        self.kind = kind
        self._period_s = period_s
        self._service = service
        self._most = most
        self._board = board
        self._name = uuid.uuid4().hex[:12]
        self.gate = ResizableSemaphore(self._at_first)
        self._notes: deque[_Note] = deque(maxlen=_MOST_NOTES)
        self._shared = LimiterState()
        """What the board held when we saw it last."""
        self._own: LimiterState | None = None
        """What we decide by while there is no board."""
        self._board_is_back_at = 0.0
        self._share = most
        self._held_until = 0.0
        self._hold_heard_until = 0.0
        self._got_through_at: float | None = None
        self._quiet_reports = 0
        self._is_awake = False
        self._closing = threading.Event()
        self._kicked = threading.Event()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._listeners: list[Callable[[LimiterStatus], None]] = []

    def listen(self, listener: Callable[[LimiterStatus], None]) -> None:
        """Tell a listener, in a thread of ours, where we stand after each report."""
        self._listeners.append(listener)

    def call_begins(self) -> float:
        """Note that a call has passed the gate; answer for how many seconds the service wants to be left alone."""
        if not self._is_awake:
            self._wake()
        if not self._held_until:
            return 0.0
        left = self._held_until - time.monotonic()
        if left <= 0:
            self._held_until = 0.0
        return max(0.0, left)

    def call_answered(self, route: str, *, status: int, seconds: float, headers: Mapping[str, str]) -> None:
        """Note how a call was answered."""
        if status in _REFUSED:
            until = time.monotonic() + min(retry_after_s(headers) or 0.0, LONGEST_HOLD_S)
            self._hold_heard_until = max(self._hold_heard_until, until)
            self._held_until = max(self._held_until, until)
            self._notes.append(_Note(is_refused=True))
            self._kicked.set()
        elif status < _FIRST_BAD:
            self._notes.append(_Note(route, seconds))
            self._got_through_at = time.monotonic()

    def call_was_silent(self) -> None:
        """Note that a call got no answer in time."""
        self._notes.append(_Note())

    def gets_through(self) -> bool:
        """Say whether other calls of this process were answered well just now: then a refusal means too many, not none."""
        held_for_s = max(0.0, self._held_until - time.monotonic())
        return self._got_through_at is not None and time.monotonic() - self._got_through_at < _GETS_THROUGH_FOR_S + held_for_s

    def close(self) -> None:
        """Report no more; give our share back."""
        self._closing.set()
        self._kicked.set()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    @property
    def _at_first(self) -> int:
        return self._most if self._board is None else min(self._most, AT_FIRST)

    def _wake(self) -> None:
        with self._starting:
            if self._is_awake or self._closing.is_set():
                return
            self._is_awake = True
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="pace", daemon=True)
                self._thread.start()
            self._kicked.set()

    def _run(self) -> None:
        while not self._closing.is_set():
            self._kicked.wait(self._period_s if self._is_awake else None)
            self._kicked.clear()
            if not self._closing.is_set():
                self._report()
            self._closing.wait(_GAP_S)  # refusals gather for a moment: a hundred of them are one report
        if self._is_awake:
            self._decide(UsageReport(kind=self.kind, ceiling=self._most))

    def _report(self) -> None:
        report = self._gather(self.gate.look())
        self._quiet_reports = 0 if report.wanted or report.good else self._quiet_reports + 1
        if self._quiet_reports <= 1:
            # One report without calls may be a pause between two of them, in which the share is kept.
            self._decide(replace(report, wanted=max(1, report.wanted)))
            return
        self._is_awake = False
        if self.gate.look().now:  # a call came meanwhile, and saw us awake
            self._is_awake = True
            return
        self._decide(replace(report, wanted=0))
        if self._board is not None:
            self.gate.resize(self._at_first)

    def _gather(self, crowd: PeakUsage) -> UsageReport:
        took: dict[str, list[float]] = {}
        refused = silent = 0
        while self._notes:
            route, seconds, is_refused = self._notes.popleft()
            if route:
                took.setdefault(route if route in took or len(took) < _MOST_ROUTES else _OTHER_ROUTES, []).append(seconds)
            elif is_refused:
                refused += 1
            else:
                silent += 1
        return UsageReport(
            kind=self.kind,
            ceiling=self._most,
            in_flight=crowd.inside,
            wanted=crowd.wanting,
            good={route: Timing(calls=len(each), seconds=sum(each)) for route, each in took.items()},
            refused=refused,
            silent=silent,
            hold_s=max(0.0, self._hold_heard_until - time.monotonic()),
        )

    def _decide(self, report: UsageReport) -> None:
        decided = self._on_the_board(report)
        if decided is None:
            now = time.monotonic()
            before = self._own or alone(self._shared, self._name, share=self._share, now=now)
            self._own = after = advance(before, self._name, report, now)
            decided = before, after, now
        else:
            self._own, self._shared = None, decided[1]
        before, after, now = decided
        shares = allocate(after, now)
        if self._name in shares:
            self._share = shares[self._name]
            self.gate.resize(self._share)
        if after.held_until > now:
            self._held_until = max(self._held_until, time.monotonic() + after.held_until - now)
        is_cut = after.cut is not None and after.cut_at != before.cut_at
        if is_cut:
            log.info("calls to %s were cut to %d in flight, for they were %s", self._service, after.total, after.cut)
        standing = LimiterStatus(total=after.total, share=shares.get(self._name, 0), cut=after.cut if is_cut else None)
        for listener in self._listeners:
            listener(standing)

    def _on_the_board(self, report: UsageReport) -> tuple[LimiterState, LimiterState, float] | None:
        if self._board is None or time.monotonic() < self._board_is_back_at:
            return None
        decided: list[tuple[LimiterState, LimiterState, float]] = []

        def change(kept: bytes | None, now: float) -> bytes:
            before = recalled(_read(kept), self._shared, now)
            after = advance(before, self._name, report, now)
            decided.append((before, after, now))
            return _COMMON.dump_json(after)

        if self._board.update(change):
            return decided[-1]
        self._board_is_back_at = time.monotonic() + _BOARD_AWAY_FOR_S
        return None


def _read(kept: bytes | None) -> LimiterState | None:
    """Read what is on the board; what another version wrote there is as good as nothing."""
    if kept is None:
        return None
    try:
        return _COMMON.validate_json(kept)
    except ValidationError:
        return None
