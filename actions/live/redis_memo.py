"""ScaleOps, with what every component needs remembered for all workers of one sweep: asked once, whichever process asks first.

It stands behind `asked_once.MemoizedScaleOps`, which remembers within one chunk. What was shared is forgotten by itself. The network of a
workload is not shared: two words with Redis for each cost more than the few calls they save (docs/decisions/0018).
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final, Protocol, TypeVar

from pydantic import TypeAdapter

from actions.ports import ScaleOps
from domain.workload import CostRow, Destination, PolicyDefinition, Workload, WorkloadKey

T = TypeVar("T")

KEEP_FOR: Final = timedelta(hours=1)
"""Longer than a sweep lasts; a sweep has its own names, so nothing old is ever read."""

_FLAGS: Final = TypeAdapter(Mapping[str, bool])


class SharedCache(Protocol):
    """Where answers are shared."""

    def get_or_compute(self, name: str, compute: Callable[[], bytes], *, ttl: timedelta) -> bytes:
        """Answer a question that somebody asked already, or ask it while everybody else waits."""


class RedisMemoizedScaleOps:
    """ScaleOps with the shared memory of one sweep. Failures are not remembered."""

    def __init__(self, scaleops: ScaleOps, memory: SharedCache, *, as_of: datetime) -> None:
        self._scaleops = scaleops
        self._memory = memory
        self._sweep = f"sweep:{as_of:%Y%m%dT%H%M}"

    def workloads(self, labels: tuple[str, ...]) -> tuple[Workload, ...]:
        """Ask ScaleOps."""
        return self._scaleops.workloads(labels)

    def costs(
        self, *, cluster: str, namespaces: tuple[str, ...], types: tuple[str, ...], labels: tuple[str, ...], cost_range: str
    ) -> tuple[CostRow, ...]:
        """Ask ScaleOps."""
        return self._scaleops.costs(cluster=cluster, namespaces=namespaces, types=types, labels=labels, cost_range=cost_range)

    def network_flags(self) -> Mapping[str, bool]:
        """Ask ScaleOps once for all workers."""
        return self._once("flags", self._scaleops.network_flags, write=_FLAGS.dump_json, read=_FLAGS.validate_json)

    def policies(self, cluster: str) -> tuple[PolicyDefinition, ...]:
        """Ask ScaleOps once a cluster for all workers."""
        return self._once(
            f"policies:{cluster}", lambda: self._scaleops.policies(cluster), write=_write_policies, read=_read_policies
        )

    def network(self, key: WorkloadKey, *, start: datetime, end: datetime) -> tuple[Destination, ...]:
        """Ask ScaleOps."""
        return self._scaleops.network(key, start=start, end=end)

    def _once(self, name: str, ask: Callable[[], T], *, write: Callable[[T], bytes], read: Callable[[bytes], T]) -> T:
        own: list[T] = []

        def pack() -> bytes:
            own.append(ask())
            return zlib.compress(write(own[0]), level=1)

        packed = self._memory.get_or_compute(f"{self._sweep}:{name}", pack, ttl=KEEP_FOR)
        # What we have just been told ourselves need not be read again.
        return own[0] if own else read(zlib.decompress(packed))


def _write_policies(policies: tuple[PolicyDefinition, ...]) -> bytes:
    return json.dumps([[policy.name, policy.definition] for policy in policies]).encode()


def _read_policies(written: bytes) -> tuple[PolicyDefinition, ...]:
    return tuple(PolicyDefinition(name=name, definition=definition) for name, definition in json.loads(written))
