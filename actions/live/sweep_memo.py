"""The memo of one sweep: what several components need is asked of ScaleOps once, whoever asks first.

Flags (once), policies (once a cluster) and network (once a workload and window) are remembered; workloads and cost belong to one
component and pass through. Threads that ask for the same thing at the same time wait for one call. A failure is told to all who
wait. Flags and policies, which many depend on, are asked for again a few times then, so that a hiccup does not spoil the sweep and an
outage does not become a storm; the network of one workload is not, for all who claim it share the one answer.
"""

from __future__ import annotations

import threading
import zlib
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Generic, TypeVar

from pydantic import TypeAdapter

from actions.ports import ScaleOps
from clients.http.errors import ServiceError
from domain.workload import CostRow, Destination, PolicyDefinition, Workload, WorkloadKey

T = TypeVar("T")

MOST_FAILURES: Final = 3
"""After so many failures to answer for flags or policies the last one stands for the rest of the sweep."""

_DESTINATIONS: Final = TypeAdapter(tuple[Destination, ...])
_LONG_BYTES: Final = 1024


class MemoizedScaleOps:
    """ScaleOps, with a memory for one sweep. Make a new one for each sweep."""

    def __init__(self, scaleops: ScaleOps) -> None:
        self._scaleops = scaleops
        self._flags: _Memo[Mapping[str, bool]] = _Memo()
        self._policies: _Memo[tuple[PolicyDefinition, ...]] = _Memo()
        self._network: _Memo[bytes] = _Memo(most_failures=1)

    def workloads(self, labels: tuple[str, ...]) -> tuple[Workload, ...]:
        """Ask ScaleOps."""
        return self._scaleops.workloads(labels)

    def costs(
        self, *, cluster: str, namespaces: tuple[str, ...], types: tuple[str, ...], labels: tuple[str, ...], cost_range: str
    ) -> tuple[CostRow, ...]:
        """Ask ScaleOps."""
        return self._scaleops.costs(cluster=cluster, namespaces=namespaces, types=types, labels=labels, cost_range=cost_range)

    def network_flags(self) -> Mapping[str, bool]:
        """Ask ScaleOps once."""
        return self._flags.get("flags", self._scaleops.network_flags)

    def policies(self, cluster: str) -> tuple[PolicyDefinition, ...]:
        """Ask ScaleOps once a cluster."""
        return self._policies.get(cluster, lambda: self._scaleops.policies(cluster))

    def network(self, key: WorkloadKey, *, start: datetime, end: datetime) -> tuple[Destination, ...]:
        """Ask ScaleOps once a workload. Kept packed: nearly all are asked for by one component only, yet all must be kept."""
        own: list[tuple[Destination, ...]] = []

        def ask() -> bytes:
            own.append(self._scaleops.network(key, start=start, end=end))
            return _pack(_DESTINATIONS.dump_json(own[0]))

        packed = self._network.get((key, start, end), ask)
        return own[0] if own else _DESTINATIONS.validate_json(_unpack(packed))


def _pack(document: bytes) -> bytes:
    """Compress what is long; a short one would save less than it costs."""
    return zlib.compress(document, level=1) if len(document) >= _LONG_BYTES else document


def _unpack(packed: bytes) -> bytes:
    return packed if packed.startswith(b"[") else zlib.decompress(packed)


@dataclass(slots=True)
class _Entry(Generic[T]):
    turn: threading.Lock = field(default_factory=threading.Lock)
    answer: T | None = None
    failure: ServiceError | None = None
    failures: int = 0


class _Memo(Generic[T]):
    """Answers by question; each question has its own turn, so that different ones do not wait for each other."""

    def __init__(self, *, most_failures: int = MOST_FAILURES) -> None:
        self._most_failures = most_failures
        self._entries: dict[Hashable, _Entry[T]] = {}
        self._adding = threading.Lock()

    def get(self, question: Hashable, ask: Callable[[], T]) -> T:
        with self._adding:
            entry = self._entries.setdefault(question, _Entry())
        if entry.answer is not None:
            return entry.answer
        seen = entry.failures
        with entry.turn:
            if entry.answer is not None:
                return entry.answer
            if entry.failure is not None and (entry.failures != seen or entry.failures >= self._most_failures):
                raise entry.failure.copy()  # one exception object must not collect the tracebacks of many threads
            try:
                entry.answer = ask()
            except ServiceError as failure:
                entry.failure = failure
                entry.failures += 1
                raise
            return entry.answer
