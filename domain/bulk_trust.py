"""Whether a bulk response, with every workload or every cost row of a cluster, may be trusted.

ScaleOps does not document either request, so both are compared in every full sweep with the calls made for single components.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final

from domain.clock import format_utc
from domain.money import format_count
from domain.ownership import normalized_id
from domain.refs import EntityRef, bucket_of
from domain.workload import CostRow

_TOLERANCE: Final = Decimal("0.02")
_SMALLEST_DIFFERENCE: Final = Decimal("0.05")
"""Two calls a few minutes apart see windows of seven days a few minutes apart."""
_ONE_COMPONENT_IN: Final = 64


class BulkSubject(StrEnum):
    """What a bulk response holds."""

    INVENTORY = "inventory"
    """Every workload of all clusters."""
    COSTS = "costs"
    """Every cost row of one cluster."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkCheck:
    """Whether one bulk response of a full sweep is trusted."""

    as_of: datetime
    subject: BulkSubject
    cluster: str
    trusted: bool
    reason: str
    """Why it is not; empty if it is."""


def checks_of(checks: Iterable[BulkCheck], subject: BulkSubject) -> tuple[BulkCheck, ...]:
    """Return the checks of one subject."""
    return tuple(check for check in checks if check.subject is subject)


def clusters_without_inventory(checks: Iterable[BulkCheck]) -> frozenset[str] | None:
    """Return the clusters whose workloads the inventory of a sweep lacks; None if it is not trusted for any cluster.

    That it was fetched whole is not enough: a sweep may close before its inventory arrives, and then nothing was compared.
    """
    found = checks_of(checks, BulkSubject.INVENTORY)
    untrusted = frozenset(check.cluster for check in found if not check.trusted)
    is_compared = any(check.cluster and check.trusted for check in found)
    return untrusted if is_compared and "" not in untrusted else None


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkStanding:
    """The newest check of one bulk response, and the sweep since which every check had that result."""

    newest: BulkCheck
    since: datetime


def describe_standings(standings: Collection[BulkStanding]) -> tuple[str, ...]:
    """Return lines for the inventory and for the costs: trusted since when, or not and why. Clusters are named where they differ."""
    lines: list[str] = []
    for subject, name in ((BulkSubject.INVENTORY, "inventory"), (BulkSubject.COSTS, "bulk costs")):
        found = [one for one in standings if one.newest.subject is subject]
        newest = max((one.newest.as_of for one in found), default=None)
        current = [one for one in found if one.newest.as_of == newest]
        failed: dict[tuple[datetime, str], list[str]] = {}
        for one in current:
            if not one.newest.trusted:
                failed.setdefault((one.since, one.newest.reason), []).append(one.newest.cluster)
        lines += [
            f"{name}: not trusted since {format_utc(since)}{_on(clusters)}: {reason}"
            for (since, reason), clusters in failed.items()
        ]
        trusted = [one for one in current if one.newest.trusted and (one.newest.cluster or not failed)]
        if trusted:
            where = _on([one.newest.cluster for one in trusted]) if failed else ""
            lines.append(f"{name}: trusted since {format_utc(max(one.since for one in trusted))}{where}")
    return tuple(lines)


def _on(clusters: Iterable[str]) -> str:
    names = ", ".join(cluster for cluster in clusters if cluster)
    return f" on {names}" if names else ""


def is_compared(ref: EntityRef, as_of: datetime) -> bool:
    """Return True if the sweep fetches the costs of this component again, to compare them; others in every sweep."""
    return bucket_of(f"{ref} {as_of.isoformat()}", _ONE_COMPONENT_IN) == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexedCosts:
    """The cost rows of one cluster by normalized id."""

    by_id: Mapping[str, CostRow]
    """Without the ids of which two rows differ: they may be of another cluster."""
    ambiguous: int
    """Ids of which two rows differ."""

    @property
    def reason_not_trusted(self) -> str:
        """Why the rows cannot be trusted, whatever they are compared with; empty if nothing is wrong with them."""
        return f"it has different rows for {format_count(self.ambiguous, 'workload')}" if self.ambiguous else ""


def index_costs(rows: Iterable[CostRow]) -> IndexedCosts:
    """Return the rows by id. A row that is repeated unchanged counts once."""
    found: dict[str, CostRow] = {}
    ambiguous: set[str] = set()
    for row in rows:
        first = found.setdefault(normalized_id(row.id), row)
        if first is not row and _compared_figures(first) != _compared_figures(row):
            ambiguous.add(normalized_id(row.id))
    by_id = {workload_id: row for workload_id, row in found.items() if workload_id not in ambiguous}
    return IndexedCosts(by_id=by_id, ambiguous=len(ambiguous))


def find_foreign_rows(cluster: str, rows: Iterable[str], listed: Mapping[str, Collection[str]]) -> str:
    """Return why the rows of a cluster cannot be trusted if some are of workloads of other clusters, or an empty string.

    Args:
        cluster: the cluster that was asked.
        rows: the normalized ids of its rows.
        listed: the normalized ids that the inventory has of each cluster. The same id may be in several.
    """
    own = listed.get(cluster, ())
    elsewhere = [ids for name, ids in listed.items() if name != cluster]
    foreign = sum(1 for workload_id in rows if workload_id not in own and any(workload_id in ids for ids in elsewhere))
    return f"it has rows of {format_count(foreign, 'workload')} of other clusters" if foreign else ""


def find_disagreement(bulk: Mapping[str, CostRow], own: Iterable[CostRow], *, ids: Collection[str]) -> str:
    """Return why the rows of a cluster cannot be trusted, or an empty string.

    Args:
        bulk: the rows of the cluster by normalized id.
        own: the rows of the call for one component.
        ids: the normalized ids of the component's workloads; rows of others are ignored.
    """
    compared = {workload_id: row for row in own if (workload_id := normalized_id(row.id)) in ids}
    missing = sum(1 for workload_id in compared if workload_id not in bulk)
    if missing:
        return f"{missing} of {len(compared)} compared workloads {'is' if missing == 1 else 'are'} missing in it"
    differing = sum(1 for workload_id, row in compared.items() if _has_other_figures(row, bulk[workload_id]))
    if differing:
        return f"the cost or pod-hours of {differing} of {len(compared)} compared workloads differ from the response for its component"
    return ""


def _has_other_figures(row: CostRow, other: CostRow) -> bool:
    return any(_differs(one, two) for one, two in zip(_compared_figures(row), _compared_figures(other), strict=True))


def _compared_figures(row: CostRow) -> tuple[Decimal | None, ...]:
    """Return what a sweep stores of a row."""
    hours = (row.spot_hours, row.on_demand_hours)
    return row.total_cost, *(None if one is None else Decimal(repr(one)) for one in hours)


def _differs(one: Decimal | None, other: Decimal | None) -> bool:
    if one is None or other is None:
        return one is not other
    return abs(one - other) > max(_SMALLEST_DIFFERENCE, _TOLERANCE * max(abs(one), abs(other)))
