"""Which components claim a workload, as the newest closed sweep saw it."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from domain.refs import EntityRef
from domain.workload import WorkloadKey
from store.schema import snapshot_points, snapshots, sweeps, workload_points


class WorkloadOwners:
    """Claims of the newest closed sweep."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def claimants_of(self, key: WorkloadKey) -> tuple[EntityRef, ...]:
        """Answer the components whose own the workload is, by reference; none when it is in no closed sweep."""
        newest = select(func.max(sweeps.c.as_of)).where(sweeps.c.closed_at.is_not(None)).scalar_subquery()
        chosen = (
            select(snapshots.c.entity_ref)
            .join(snapshot_points, snapshot_points.c.snapshot_id == snapshots.c.id)
            .join(workload_points, workload_points.c.id == snapshot_points.c.point_id)
            .where(
                workload_points.c.as_of == newest,
                workload_points.c.cluster == key.cluster,
                workload_points.c.namespace == key.namespace,
                workload_points.c.type == key.type,
                workload_points.c.name == key.name,
                snapshots.c.as_of == newest,
            )
        )
        return tuple(self._connection.execute(chosen.order_by(snapshots.c.entity_ref)).scalars())
