"""What each full sweep found unallocated, and which sweep closes a week for it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import RowMapping, func, or_, select

from domain.inventory import InventoryCosts, InventoryWorkload, NamespaceCost
from domain.measures import Measured, Total, Unknown
from domain.unallocated import (
    InventoryCoverage,
    SweepUnallocated,
    UnallocatedCost,
    choose_closing_inventory,
    reason_not_trusted,
    summarize_unallocated,
)
from store.queries import points
from store.queries.bulk_checks import BulkChecks
from store.queries.rows import Queries, row_from
from store.schema import namespace_costs, unallocated_workloads
from store.upserts import upsert


class Unallocated(Queries):
    """Costs by sweep, cluster and namespace, and the largest unallocated workloads. Written by `collect`."""

    def put(self, as_of: datetime, costs: InventoryCosts) -> None:
        """Store the costs of a sweep; a repeat changes nothing."""
        namespaces = [_cost_row(as_of, one) for one in costs.namespaces]
        upsert(self._connection, namespace_costs, namespaces, key=("as_of", "cluster", "namespace"))
        largest = [{**row_from(one.key), "as_of": as_of, "cost_7d": one.cost_7d} for one in costs.largest]
        upsert(self._connection, unallocated_workloads, largest, key=("as_of", "cluster", "namespace", "type", "name"))

    def namespaces(self, as_of: datetime) -> tuple[NamespaceCost, ...]:
        """Return the costs of a sweep, by cluster and namespace; empty if its inventory was not trusted."""
        columns = namespace_costs.c
        chosen = select(namespace_costs).where(columns.as_of == as_of).order_by(columns.cluster, columns.namespace)
        return tuple(
            NamespaceCost(
                cluster=row["cluster"],
                namespace=row["namespace"],
                unallocated=_total(row, "unallocated"),
                allocated=_total(row, "allocated"),
            )
            for row in self._connection.execute(chosen).mappings()
        )

    def last_of_cluster(self, cluster: str, *, after: datetime, before: datetime) -> tuple[NamespaceCost, ...]:
        """Return the costs of a cluster in the newest sweep that has any, between two instants."""
        columns = namespace_costs.c
        chosen = select(func.max(columns.as_of)).where(columns.cluster == cluster, columns.as_of > after, columns.as_of < before)
        newest = self._connection.execute(chosen).scalar_one_or_none()
        return () if newest is None else tuple(cost for cost in self.namespaces(newest) if cost.cluster == cluster)

    def of_sweep(self, as_of: datetime, *, shared: Collection[str], cluster: str | None = None) -> Measured[UnallocatedCost]:
        """Return the unallocated cost of a sweep, or of one cluster; unknown if the inventory was not trusted."""
        costs = self.namespaces(as_of)
        if not costs:
            return Unknown(reason_not_trusted(BulkChecks(self._connection).of_sweep(as_of)))
        return summarize_unallocated([cost for cost in costs if cluster in (None, cost.cluster)], shared=shared)

    def closing(self, as_ofs: Collection[datetime], *, shared: Collection[str], cluster: str | None = None) -> SweepUnallocated:
        """Return the unallocated cost at the end of a week. `as_ofs`: the sweeps that may close it."""
        if not as_ofs:
            return SweepUnallocated(as_of=None, cost=Unknown("no sweep was closed at that time"))
        as_of = self.closing_sweep(as_ofs) or max(as_ofs)
        return SweepUnallocated(as_of=as_of, cost=self.of_sweep(as_of, shared=shared, cluster=cluster))

    def closing_sweep(self, as_ofs: Collection[datetime]) -> datetime | None:
        """Return the sweep of which the unallocated cost closes the week; None if none of them has one."""
        columns = namespace_costs.c
        chosen = (
            select(
                columns.as_of,
                func.sum(columns.unallocated_known).label("known"),
                func.sum(columns.unallocated_parts).label("parts"),
            )
            .where(columns.as_of.in_(as_ofs))
            .group_by(columns.as_of)
        )
        found = self._connection.execute(chosen)
        return choose_closing_inventory(InventoryCoverage(as_of=row.as_of, known=row.known, parts=row.parts) for row in found)

    def newest_trusted(self, *, shared: Collection[str]) -> SweepUnallocated | None:
        """Return the unallocated cost of the newest sweep that knows it; None if there is none."""
        columns = namespace_costs.c
        is_known = or_(func.sum(columns.unallocated_known) > 0, func.sum(columns.unallocated_parts) == 0)
        chosen = select(columns.as_of).group_by(columns.as_of).having(is_known).order_by(columns.as_of.desc()).limit(1)
        as_of = self._connection.execute(chosen).scalar_one_or_none()
        return None if as_of is None else SweepUnallocated(as_of=as_of, cost=self.of_sweep(as_of, shared=shared))

    def largest(
        self, as_of: datetime, *, limit: int, shared: Collection[str], cluster: str | None = None
    ) -> tuple[InventoryWorkload, ...]:
        """Return the workloads of the highest cost in a sweep, without those of shared namespaces."""
        chosen = select(unallocated_workloads).where(unallocated_workloads.c.as_of == as_of)
        if cluster is not None:
            chosen = chosen.where(unallocated_workloads.c.cluster == cluster)
        found = [(row["cost_7d"], points.key_of(row)) for row in self._connection.execute(chosen).mappings()]
        ordered = sorted(((cost, key) for cost, key in found if key.namespace not in shared), key=lambda one: (-one[0], one[1]))
        return tuple(InventoryWorkload(key=key, cost_7d=cost) for cost, key in ordered[:limit])


def _cost_row(as_of: datetime, cost: NamespaceCost) -> dict[str, object]:
    unknown: dict[str, str] = {}
    row: dict[str, object] = {"as_of": as_of, "cluster": cost.cluster, "namespace": cost.namespace}
    for name, total in (("unallocated", cost.unallocated), ("allocated", cost.allocated)):
        row |= {
            f"{name}_7d": points.value_or_null(total.amount, f"{name}_7d", unknown),
            f"{name}_known": total.known,
            f"{name}_parts": total.parts,
        }
    return {**row, "unknown": unknown}


def _total(row: RowMapping, name: str) -> Total:
    amount = points.measured(row[f"{name}_7d"], f"{name}_7d", row["unknown"])
    return Total(amount=amount, known=row[f"{name}_known"], parts=row[f"{name}_parts"])
