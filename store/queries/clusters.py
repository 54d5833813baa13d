"""Clusters: when each was last seen, since when it is lost, and when that was notified."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select, update

from domain.figures import MEASURE_OF_KIND, FigureKind
from domain.refs import EntityRef
from domain.snapshots import Outcome
from domain.sweeps import ClusterState, UnmeasuredFigure
from domain.workload import UNREADABLE, WorkloadKey
from store.queries import points
from store.queries.rows import Queries
from store.schema import clusters, snapshot_points, snapshots, workload_points
from store.upserts import upsert


class Clusters(Queries):
    """Clusters by name. Written by `collect`; `evaluate` marks notified ones."""

    def all(self) -> tuple[ClusterState, ...]:
        """Return every cluster ever seen, by name."""
        found = self._connection.execute(select(clusters).order_by(clusters.c.name)).mappings()
        return tuple(ClusterState(**row) for row in found)

    def lost(self) -> tuple[ClusterState, ...]:
        """Return the clusters that are lost and not yet removed, by name."""
        return tuple(state for state in self.all() if state.lost_since is not None and state.removed_at is None)

    def in_sweep(self, as_of: datetime) -> frozenset[str]:
        """Return the clusters in which a sweep has workloads of measured components so far."""
        chosen = (
            select(workload_points.c.cluster)
            .join(snapshot_points, snapshot_points.c.point_id == workload_points.c.id)
            .join(snapshots, snapshots.c.id == snapshot_points.c.snapshot_id)
            .where(
                workload_points.c.as_of == as_of,
                workload_points.c.cluster != UNREADABLE,
                snapshots.c.outcome == Outcome.MEASURED.value,
            )
            .distinct()
        )
        return frozenset(self._connection.execute(chosen).scalars())

    def unmeasured_figures(self, as_of: datetime) -> tuple[UnmeasuredFigure, ...]:
        """Return the figures that a sweep knows of no workload of a cluster, with their most frequent reason. Not of lost clusters."""
        columns = workload_points.c
        known = [func.count(columns[column]).label(figure) for figure, column in points.FIGURE_COLUMNS.items()]
        of_sweep = select(columns.cluster, func.count().label("workloads"), *known).where(columns.as_of == as_of)
        lost = {state.name for state in self.lost()}
        found = []
        for row in self._connection.execute(of_sweep.group_by(columns.cluster).order_by(columns.cluster)).mappings().all():
            for figure in points.FIGURE_COLUMNS:
                if row[figure] == 0 and row["cluster"] not in lost:
                    reason = self._reason(as_of, row["cluster"], figure)
                    found.append(
                        UnmeasuredFigure(figure=figure, cluster=row["cluster"], workloads=row["workloads"], reason=reason)
                    )
        return tuple(found)

    def _reason(self, as_of: datetime, cluster: str, figure: FigureKind) -> str:
        chosen = select(workload_points.c.unknown).where(workload_points.c.as_of == as_of, workload_points.c.cluster == cluster)
        reasons: Counter[str] = Counter(
            unknown.get(MEASURE_OF_KIND[figure], "") for unknown in self._connection.execute(chosen).scalars()
        )
        return reasons.most_common(1)[0][0]

    def record_seen(self, names: Collection[str], *, as_of: datetime) -> None:
        """Record that a sweep saw these clusters: they are not lost. A loss that was notified stays so until its end is, too."""
        row = {"last_seen": as_of, "lost_since": None, "removed_at": None}
        upsert(self._connection, clusters, [{"name": name, **row} for name in sorted(names)], key=["name"])

    def record_lost(self, name: str, *, as_of: datetime) -> None:
        """Record that a sweep missed a cluster. The first such sweep is kept."""
        self._set(name, lost_since=func.coalesce(clusters.c.lost_since, as_of))

    def record_removed(self, name: str, *, as_of: datetime) -> None:
        """Record the sweep from which a cluster counts as removed."""
        self._set(name, removed_at=func.coalesce(clusters.c.removed_at, as_of))

    def mark_notified(self, name: str, *, at: datetime | None) -> None:
        """Record when the loss was notified; None: its end was."""
        self._set(name, notified_at=at)

    def previous_workloads(
        self, refs: Sequence[EntityRef], *, before: datetime, within: timedelta, cluster: str | None = None
    ) -> Mapping[EntityRef, tuple[WorkloadKey, ...]]:
        """Return the workloads of components, from their newest measured snapshot in the time `within` `before`.

        With a `cluster`, those in it; without, those of no removed cluster. Components without any are left out.
        """
        is_wanted = (
            workload_points.c.cluster.not_in(select(clusters.c.name).where(clusters.c.removed_at.is_not(None)))
            if cluster is None
            else workload_points.c.cluster == cluster
        )
        newest = (
            select(snapshots.c.entity_ref, func.max(snapshots.c.as_of).label("as_of"))
            .where(
                snapshots.c.entity_ref.in_(refs),
                snapshots.c.as_of < before,
                snapshots.c.as_of >= before - within,
                snapshots.c.outcome == Outcome.MEASURED.value,
            )
            .group_by(snapshots.c.entity_ref)
            .subquery()
        )
        columns = workload_points.c
        chosen = (
            select(snapshots.c.entity_ref, columns.cluster, columns.namespace, columns.type, columns.name)
            .join(newest, (newest.c.entity_ref == snapshots.c.entity_ref) & (newest.c.as_of == snapshots.c.as_of))
            .join(snapshot_points, snapshot_points.c.snapshot_id == snapshots.c.id)
            .join(workload_points, columns.id == snapshot_points.c.point_id)
            .where(is_wanted)
        )
        found: dict[EntityRef, list[WorkloadKey]] = {}
        for row in self._connection.execute(chosen).mappings():
            found.setdefault(row["entity_ref"], []).append(points.key_of(row))
        return {ref: tuple(sorted(keys)) for ref, keys in found.items()}

    def _set(self, name: str, **values: object) -> None:
        self._connection.execute(update(clusters).where(clusters.c.name == name).values(**values))
