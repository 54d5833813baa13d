"""The costs of one sweep: every row of a cluster in one call, for as long as the response proves complete.

                    ┌── the costs of a component agree ──> trusted: used, and a component in 64 is compared
    fetched, once ──┤
                    └── failed, ambiguous, foreign, a row missing or different ──> not trusted: each component's costs are fetched

A workload without a row is always asked for individually, which compares as well. One object serves all threads of a process.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from typing import Final

from pydantic import TypeAdapter

from actions.live.sweep_memo import MAX_FAILURES, SweepCache
from actions.ports import BulkScaleOps
from clients.http.errors import ErrorKind, ServiceError
from domain.bulk_trust import BulkCheck, BulkSubject, checks_of, find_disagreement, find_foreign_rows, index_costs, is_compared
from domain.ownership import normalized_id
from domain.refs import EntityRef
from domain.workload import CostRow, Workload

Rows = tuple[CostRow, ...]
RANGE: Final = "7d"

_ROWS: Final = TypeAdapter(Rows)


class CollectStopped(ServiceError):
    """The call was not made, because the collect is over. It says nothing about ScaleOps."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, kind=ErrorKind.CONNECTION, permanent=False)


@dataclass
class _ClusterCosts:
    """The rows of one cluster and what is known about them. Changes under its lock."""

    lock: Lock = field(default_factory=Lock)
    rows: Mapping[str, CostRow] | None = None
    """None: not fetched yet."""
    is_proven: bool = False
    reason: str = ""
    """Why it is not trusted."""
    failure: ServiceError | None = None
    """Why the rows could not be fetched."""
    failures: int = 0
    """Failed calls for the costs of a component to compare with."""


class BulkCosts:
    """The costs of all clusters for the sweep of `as_of`. With `shared`, a cluster is fetched once for all workers."""

    def __init__(self, as_of: datetime, *, shared: SweepCache | None = None) -> None:
        self.as_of = as_of
        self._shared = shared
        self._clusters: dict[str, _ClusterCosts] = {}
        self._used_by: defaultdict[EntityRef, set[str]] = defaultdict(set)
        self._adding = Lock()

    def rows_of(
        self, workloads: tuple[Workload, ...], fetch_own: Callable[[], Rows], *, ref: EntityRef, scaleops: BulkScaleOps
    ) -> Rows:
        """Return cost rows of one component in one cluster, and maybe of other workloads.

        Args:
            workloads: the workloads of the component there; at least one.
            fetch_own: fetches the rows of the component alone.
            ref: the component.
            scaleops: for the bulk response, if it is not fetched yet.

        Raises:
            ServiceError: `fetch_own` failed, and not every row is known otherwise.
        """
        cluster = workloads[0].key.cluster
        ids = {normalized_id(workload.id) for workload in workloads if workload.id is not None}
        costs = self._of(cluster)
        if not costs.is_proven and not costs.reason:
            with costs.lock:  # the other components wait for the first comparison
                if not costs.is_proven and not costs.reason:
                    return self._prove(costs, cluster, ids, scaleops, fetch_own)
        if costs.reason or costs.rows is None:
            return fetch_own()
        found = tuple(costs.rows[workload_id] for workload_id in ids if workload_id in costs.rows)
        if len(found) == len(ids) and not is_compared(ref, self.as_of):
            self._used_by[ref].add(cluster)
            return found
        try:
            own = fetch_own()
        except ServiceError:
            if len(found) < len(ids):
                raise
            self._used_by[ref].add(cluster)
            return found
        costs.reason = costs.reason or find_disagreement(costs.rows, own, ids=ids)
        return own

    def load(self, cluster: str, scaleops: BulkScaleOps) -> Mapping[str, CostRow]:
        """Return all rows of a cluster by normalized id, trusted or not; fetch them unless they are. Raises ServiceError."""
        costs = self._of(cluster)
        with costs.lock:
            return self._load(costs, cluster, scaleops)

    def used_by(self, ref: EntityRef) -> tuple[str, ...]:
        """Return, once, the clusters whose fetched rows a component was given."""
        return tuple(sorted(self._used_by.pop(ref, ())))

    def distrust(self, checks: Iterable[BulkCheck]) -> None:
        """Do not trust what another process found wrong in this sweep."""
        for check in checks_of(checks, BulkSubject.COSTS):
            if not check.trusted:
                costs = self._of(check.cluster)
                costs.reason = costs.reason or check.reason

    def reject_foreign_rows(self, listed: Mapping[str, Collection[str]]) -> None:
        """Do not trust the fetched rows of a cluster if some are of other clusters. `listed` are the normalized ids of each cluster."""
        for cluster, costs in tuple(self._clusters.items()):
            costs.reason = find_foreign_rows(cluster, costs.rows or (), listed) or costs.reason

    def checks(self) -> tuple[BulkCheck, ...]:
        """Return what was found about each cluster so far."""
        return tuple(
            BulkCheck(as_of=self.as_of, subject=BulkSubject.COSTS, cluster=cluster, trusted=not costs.reason, reason=costs.reason)
            for cluster, costs in sorted(self._clusters.items())
            if costs.is_proven or costs.reason
        )

    def _prove(
        self, costs: _ClusterCosts, cluster: str, ids: Collection[str], scaleops: BulkScaleOps, fetch_own: Callable[[], Rows]
    ) -> Rows:
        """Fetch the rows unless they are, compare them with a component's own rows, and return these."""
        try:
            rows = self._load(costs, cluster, scaleops)
        except ServiceError:
            return fetch_own()
        try:
            own = fetch_own()
        except CollectStopped:
            raise
        except ServiceError as error:
            costs.failures += 1
            if costs.failures == MAX_FAILURES:  # the components that wait here must not fail one after another
                costs.reason = f"nothing could be compared with it: {error}"
            raise
        costs.reason = costs.reason or find_disagreement(rows, own, ids=ids)
        costs.is_proven = not costs.reason and any(workload_id in rows for workload_id in ids)
        return own

    def _of(self, cluster: str) -> _ClusterCosts:
        with self._adding:
            return self._clusters.setdefault(cluster, _ClusterCosts())

    def _load(self, costs: _ClusterCosts, cluster: str, scaleops: BulkScaleOps) -> Mapping[str, CostRow]:
        if costs.failure is not None:
            raise costs.failure
        if costs.rows is None:
            try:
                indexed = index_costs(self._fetch(cluster, scaleops))
            except CollectStopped:
                raise
            except ServiceError as error:
                costs.failure, costs.reason = error, str(error)
                raise
            costs.rows, costs.reason = indexed.by_id, costs.reason or indexed.reason_not_trusted
        return costs.rows

    def _fetch(self, cluster: str, scaleops: BulkScaleOps) -> Rows:
        def fetch() -> Rows:
            return scaleops.all_costs(cluster, cost_range=RANGE)

        if self._shared is None:
            return fetch()
        return self._shared.get_or_fetch(f"costs:{cluster}", fetch, dump=_ROWS.dump_json, load=_ROWS.validate_json)
