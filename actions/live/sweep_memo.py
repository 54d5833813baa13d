"""ScaleOps responses that many components of one sweep need, fetched once.

Flags, policies (by cluster) and network (by workload and window) are memoized; workloads and cost belong to one component.
Threads that need the same entry wait for one call, and each gets its error if it fails. Failed flags and policies are fetched
again, up to `MAX_FAILURES` times; the network of a workload is not.
"""

from __future__ import annotations

import json
import threading
import zlib
from collections.abc import Callable, Hashable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Final, Generic, Protocol, TypeVar

from pydantic import TypeAdapter

from actions.ports import ScaleOps
from clients.http.single_flight import SingleFlight
from domain.workload import Destination, PolicyDefinition, Rows, SetAsideRow, WorkloadKey, set_aside_of

T = TypeVar("T")

MAX_FAILURES: Final = 3
"""After this many failed calls for flags or policies the last error applies for the rest of the sweep."""
SHARED_TTL: Final = timedelta(hours=1)
"""Longer than a sweep; keys name their sweep, so an old entry is never read."""

_DESTINATIONS: Final = TypeAdapter(tuple[tuple[Destination, ...], tuple[SetAsideRow, ...]])
_SET_ASIDE: Final = TypeAdapter(tuple[SetAsideRow, ...])
_FLAGS: Final = TypeAdapter(Mapping[str, bool | None])
_MIN_COMPRESSED_BYTES: Final = 4096
"""About six peers. Shorter entries of a sweep of 10,000 components are at most 35 MB together."""


class SharedCache(Protocol):
    """A cache that all workers share."""

    def get_or_compute(self, name: str, compute: Callable[[], bytes], *, ttl: timedelta) -> bytes:
        """Return the cached value, or compute it while other callers wait."""


class SweepCache:
    """The entries of one sweep in a cache that all workers share. Errors are not cached."""

    def __init__(self, cache: SharedCache, *, as_of: datetime) -> None:
        self._cache = cache
        self._sweep = f"sweep:{as_of:%Y%m%dT%H%M}"

    def get_or_fetch(self, name: str, fetch: Callable[[], T], *, dump: Callable[[T], bytes], load: Callable[[bytes], T]) -> T:
        """Return an entry, or fetch it once for all workers."""
        fetched: list[T] = []

        def compute() -> bytes:
            fetched.append(fetch())
            return zlib.compress(dump(fetched[0]), level=1)

        packed = self._cache.get_or_compute(f"{self._sweep}:{name}", compute, ttl=SHARED_TTL)
        return fetched[0] if fetched else load(zlib.decompress(packed))


class MemoizedScaleOps:
    """ScaleOps with a memo for one sweep. Create one for each sweep.

    With `shared`, flags and policies are fetched once for all workers. The network of a workload is not shared: two round trips
    to Redis cost more than the calls they save (docs/decisions/0016).
    """

    def __init__(self, scaleops: ScaleOps, *, shared: SweepCache | None = None) -> None:
        self.workloads, self.costs = scaleops.workloads, scaleops.costs  # of one component each: not memoized
        self._scaleops = scaleops
        self._shared = shared
        self._flags: _Memo[Mapping[str, bool | None]] = _Memo()
        self._policies: _Memo[tuple[PolicyDefinition, ...]] = _Memo()
        self._network: _Memo[bytes] = _Memo(max_failures=1)

    def network_flags(self) -> Mapping[str, bool | None]:
        """Fetch the flags, once."""
        fetch = self._scaleops.network_flags
        if self._shared is not None:
            fetch = partial(self._shared.get_or_fetch, "flags", fetch, dump=_FLAGS.dump_json, load=_FLAGS.validate_json)
        return self._flags.get("flags", fetch)

    def policies(self, cluster: str) -> tuple[PolicyDefinition, ...]:
        """Fetch the policies, once per cluster."""
        fetch = partial(self._scaleops.policies, cluster)
        if self._shared is not None:
            name = f"policies:{cluster}"
            fetch = partial(self._shared.get_or_fetch, name, fetch, dump=_dump_policies, load=_load_policies)
        return self._policies.get(cluster, fetch)

    def network(self, key: WorkloadKey, *, start: datetime, end: datetime) -> tuple[Destination, ...]:
        """Fetch the network, once per workload and window. Entries are compressed: few are read again, but all are kept."""
        fetched: list[tuple[Destination, ...]] = []

        def fetch() -> bytes:
            fetched.append(self._scaleops.network(key, start=start, end=end))
            return _compress(_DESTINATIONS.dump_json((fetched[0], set_aside_of(fetched[0]))))

        packed = self._network.get((key, start, end), fetch)
        return fetched[0] if fetched else Rows.of(*_DESTINATIONS.validate_json(_decompress(packed)))


def _dump_policies(policies: tuple[PolicyDefinition, ...]) -> bytes:
    set_aside = _SET_ASIDE.dump_python(set_aside_of(policies), mode="json")
    return json.dumps([[[policy.name, policy.definition] for policy in policies], set_aside]).encode()


def _load_policies(document: bytes) -> tuple[PolicyDefinition, ...]:
    policies, set_aside = json.loads(document)
    found = (PolicyDefinition(name=name, definition=definition) for name, definition in policies)
    return Rows.of(found, _SET_ASIDE.validate_python(set_aside))


def _compress(document: bytes) -> bytes:
    """Compress a long document; of short ones, compressing all of them takes more time than their memory is worth."""
    return zlib.compress(document, level=1) if len(document) >= _MIN_COMPRESSED_BYTES else document


def _decompress(packed: bytes) -> bytes:
    return packed if packed.startswith(b"[") else zlib.decompress(packed)


class _Memo(Generic[T]):
    """Values by key; calls for different keys do not wait for each other."""

    def __init__(self, *, max_failures: int = MAX_FAILURES) -> None:
        self._max_failures = max_failures
        self._values: dict[Hashable, T] = {}
        self._flights: dict[Hashable, SingleFlight[T]] = {}
        self._adding = threading.Lock()

    def get(self, key: Hashable, fetch: Callable[[], T]) -> T:
        value = self._values.get(key)
        if value is not None:
            return value
        with self._adding:
            flight = self._flights.setdefault(key, SingleFlight())

        def store() -> T:
            self._values[key] = fetch()
            return self._values[key]

        return flight.run(partial(self._values.get, key), store, is_error_cached=lambda _: flight.failures >= self._max_failures)
