"""How many connections are served at once, in all and of one peer: below the limit of file descriptors, at which no more are accepted.

Idle connections count. Behind an ingress every connection is of one peer, so a peer may have half of them.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import Final

import structlog

log = structlog.get_logger(__name__)

MAX_CONNECTIONS: Final = 2048
RESERVED_DESCRIPTORS: Final = 64
"""For the database, log files and calls to other services, with SCALEOPS_MAX_CONCURRENCY on top."""
_LOG_EVERY_S: Final = 60.0


class ConnectionLimit:
    """The connections of one server, for one event loop."""

    def __init__(self, *, total: int, per_peer: int, timer: Callable[[], float] = time.monotonic) -> None:
        self.total = total
        self.per_peer = per_peer
        self._timer = timer
        self._count = 0
        self._of_peer: Counter[str] = Counter()
        self._refused = 0
        self._logged_at: float | None = None

    def admit(self, peer: str) -> bool:
        """Count a connection and return True; False if it is one too many. `release` ends one that was admitted."""
        if self._of_peer[peer] >= self.per_peer:
            self._refuse(peer, f"the peer has {self.per_peer} connections, half of the limit")
            return False
        if self._count >= self.total:
            self._refuse(peer, f"there are {self.total} connections, the limit by the number of file descriptors")
            return False
        self._of_peer[peer] += 1
        self._count += 1
        return True

    def release(self, peer: str) -> None:
        """End a connection."""
        self._of_peer[peer] -= 1
        self._count -= 1
        if not self._of_peer[peer]:
            del self._of_peer[peer]

    def _refuse(self, peer: str, reason: str) -> None:
        self._refused += 1
        now = self._timer()
        if self._logged_at is None or now - self._logged_at >= _LOG_EVERY_S:
            log.warning("connections refused", peer=peer, reason=reason, count=self._refused)
            self._refused, self._logged_at = 0, now


def limit_by_descriptors(upstream_calls: int) -> ConnectionLimit:
    """Return the limit for the number of file descriptors that this process may open."""
    total = max(2, min(MAX_CONNECTIONS, _max_descriptors() - RESERVED_DESCRIPTORS - upstream_calls))
    return ConnectionLimit(total=total, per_peer=max(1, total // 2))


def _max_descriptors() -> int:
    try:
        import resource  # noqa: PLC0415 - not on Windows
    except ImportError:
        return MAX_CONNECTIONS
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MAX_CONNECTIONS * 2 if soft == resource.RLIM_INFINITY else soft
