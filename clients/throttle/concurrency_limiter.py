"""The share of one process in the calls that all processes together may have in flight against one service.

    IDLE ──a call──> REPORTING: once a second, and at once after a 429 or 503 ──a report without calls──> IDLE

Calls pass the semaphore; a thread reports their outcomes to the shared state and applies the share that follows. Without a shared
state, or while it is unavailable, the process decides by its own reports alone.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Final

import structlog
from pydantic import TypeAdapter, ValidationError

from clients.http.messages import retry_after_s
from clients.throttle.limit_algorithm import MAX_PAUSE_S, BackoffReason, CallPriority, LimiterState, UsageReport, allocate, update
from clients.throttle.semaphore import ResizableSemaphore

log = structlog.get_logger(__name__)

REPORT_INTERVAL_S: Final = 1.0
INITIAL_LIMIT: Final = 2
"""Calls in flight before the first report: a call does not wait for the shared state."""
_MIN_REPORT_GAP_S: Final = 0.1
_RECENT_SUCCESS_S: Final = 10.0
_THROTTLED: Final = frozenset({429, 503})
_FIRST_ERROR_STATUS: Final = 400
_STATE: Final = TypeAdapter(LimiterState)

UpdateSharedState = Callable[[Callable[[bytes | None, float], bytes]], bool]
"""Replaces the shared state by a function of it and of the store's time in seconds, atomically; the function may be called several
times. Returns False if the store is unavailable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LimiterStatus:
    """The limit after a report."""

    limit: int
    """Calls in flight that all participants may have together."""
    share: int
    """Of this process; 0 while it makes no calls."""
    backoff_reason: BackoffReason | None = None
    """Set if this report lowered the limit."""


@dataclass(slots=True)
class _Counts:
    """Of the calls since the last report, as in a `UsageReport`."""

    successes: int = 0
    throttled: int = 0
    timeouts: int = 0
    pause_s: float = 0.0


class ConcurrencyLimiter:
    """Safe for any number of threads and an event loop. Make it after a fork, not before.

    Args:
        ceiling: calls in flight of this process when there is no limit.
    """

    def __init__(
        self,
        service: str,
        ceiling: int,
        *,
        priority: CallPriority,
        update_shared_state: UpdateSharedState | None = None,
        report_interval_s: float = REPORT_INTERVAL_S,
    ) -> None:
        self.priority = priority
        self.on_status: Callable[[LimiterStatus], None] | None = None
        """Called after each report, in the reporting thread."""
        self._service = service
        self._ceiling = ceiling
        self._update_shared_state = update_shared_state
        self._report_interval_s = report_interval_s
        self._participant = uuid.uuid4().hex[:12]
        self._initial_limit = ceiling if update_shared_state is None else min(ceiling, INITIAL_LIMIT)
        self.semaphore = ResizableSemaphore(self._initial_limit)
        self._lock = threading.Lock()
        self._counts = _Counts()
        self._shared = LimiterState()
        """As of the last report to the shared state."""
        self._local: LimiterState | None = None
        """Set while this process decides alone."""
        self._share = ceiling
        self._paused_until = 0.0
        self._succeeded_at: float | None = None
        self._is_idle = True
        self._is_lowered = False
        """As logged last."""
        self._closing = threading.Event()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None

    def before_call(self) -> float:
        """Record that a call acquired the semaphore; return how long it has to pause first, seconds."""
        if self._is_idle:
            with self._lock:
                if self._thread is None:
                    self._thread = threading.Thread(target=self._run, name="limiter", daemon=True)
                    self._thread.start()
            self._wake.set()
        return max(0.0, self._paused_until - time.monotonic())

    def after_response(self, status: int, headers: Mapping[str, str]) -> None:
        """Record a response."""
        now = time.monotonic()
        if status in _THROTTLED:
            pause_s = min(retry_after_s(headers) or 0.0, MAX_PAUSE_S)
            with self._lock:
                self._paused_until = max(self._paused_until, now + pause_s)
                self._counts.throttled += 1
                self._counts.pause_s = max(self._counts.pause_s, pause_s)
            self._wake.set()
        elif status < _FIRST_ERROR_STATUS:
            self._succeeded_at = now
            with self._lock:
                self._counts.successes += 1

    def after_timeout(self) -> None:
        """Record a call without a response in time."""
        with self._lock:
            self._counts.timeouts += 1

    def has_recent_success(self) -> bool:
        """Return True if another call of this process succeeded lately: a 429 then means a limit, not an outage."""
        now = time.monotonic()
        pause_s = max(0.0, self._paused_until - now)
        return self._succeeded_at is not None and now - self._succeeded_at < _RECENT_SUCCESS_S + pause_s

    def close(self) -> None:
        """Send a final report and stop."""
        self._closing.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._closing.is_set():
            self._wake.wait(self._report_interval_s)
            self._wake.clear()
            report = self._take_report()
            was_idle, self._is_idle = self._is_idle, not report.wanted
            if not (was_idle and self._is_idle):
                self._apply(report)
            if self._is_idle:
                self.semaphore.resize(min(self.semaphore.size, self._initial_limit))
            self._closing.wait(_MIN_REPORT_GAP_S)  # many 429s at once become one report
        if not self._is_idle:
            self._apply(UsageReport(priority=self.priority, ceiling=self._ceiling))

    def _take_report(self) -> UsageReport:
        with self._lock:
            counts, self._counts = self._counts, _Counts()
        wanted = self.semaphore.take_peak()
        return UsageReport(priority=self.priority, ceiling=self._ceiling, wanted=wanted, **asdict(counts))

    def _apply(self, report: UsageReport) -> None:
        state, now = self._update_shared(report) or self._update_local(report)
        shares = allocate(state, now)
        if self._participant in shares:
            self._share = shares[self._participant]
            self.semaphore.resize(self._share)
        with self._lock:
            self._paused_until = max(self._paused_until, time.monotonic() + state.paused_until - now)
        reason = report.backoff_reason if state.decreased_at == now else None
        if reason is not None and not self._is_lowered:
            log.info("concurrency limit lowered", service=self._service, limit=state.total, reason=reason.value)
        elif state.limit is None and self._is_lowered and state.participants:
            log.info("concurrency limit restored", service=self._service)
        self._is_lowered = state.limit is not None
        if self.on_status is not None:
            self.on_status(LimiterStatus(limit=state.total, share=shares.get(self._participant, 0), backoff_reason=reason))

    def _update_local(self, report: UsageReport) -> tuple[LimiterState, float]:
        now = time.monotonic()
        limit = float(self._share) if self._share < self._ceiling else None
        self._local = update(self._local or LimiterState(limit=limit, updated_at=now), self._participant, report, now)
        return self._local, now

    def _update_shared(self, report: UsageReport) -> tuple[LimiterState, float] | None:
        """Report to the shared state. None if there is none, or it is unavailable."""
        updated = LimiterState(), 0.0

        def change(stored: bytes | None, now: float) -> bytes:
            nonlocal updated
            # A decrease that the store lost is restored by the first process that knows of it.
            newest = max(_parse(stored), self._shared, key=lambda state: state.decreased_at)
            updated = update(newest, self._participant, report, now), now
            return _STATE.dump_json(updated[0])

        if self._update_shared_state is None or not self._update_shared_state(change):
            return None
        self._local, self._shared = None, updated[0]
        return updated


def _parse(stored: bytes | None) -> LimiterState:
    """Parse the stored state; one of another version counts as none."""
    try:
        return _STATE.validate_json(stored or b"{}")
    except ValidationError:
        return LimiterState()
