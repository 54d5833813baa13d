"""Conversion between rows of `workload_points` and `WorkloadPoint`. NULL is unknown; `unknown` holds its reason."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, cast

from sqlalchemy import RowMapping

from domain.figures import MEASURE_OF_KIND, FigureKind
from domain.limits import OF_MEASURES, TOTAL
from domain.measures import Measured, Unknown
from domain.snapshots import MEASURES, TOTALS, NetworkOff, NetworkUse, WorkloadPoint
from domain.workload import WorkloadKey
from store.columns import storable
from store.queries.rows import row_from
from store.schema import workload_points

_SUMMED: Final = (*TOTALS, "replicas", "pod_hours_7d")
SUMMED_COLUMNS: Final = tuple(
    workload_points.c[name]
    for name in ("as_of", "cluster", "namespace", "type", "name", "unknown", "listed_since", "appeared", *_SUMMED)
)
"""The columns of a `SummedRow`."""
_NETWORK: Final = ("cost", "cross_az_cost", "cross_az_traffic_bytes")
NETWORK_COLUMNS: Final = (
    "as_of",
    "cluster",
    "namespace",
    "type",
    "name",
    "unknown",
    "network_monitored",
    *(f"network_{name}" for name in _NETWORK),
)
"""The columns that `key_of` and `network_of` read, and when it was measured."""
IMPLAUSIBLE: Final = "the stored value is beyond any plausible one"
FIGURE_COLUMNS: Final[Mapping[FigureKind, str]] = {**MEASURE_OF_KIND, FigureKind.NETWORK: "network_monitored"}
"""The column of a point that is NULL when a kind of figure is unknown."""
KEY: Final = ("as_of", "cluster", "namespace", "type", "name")
"""The unique key of a point."""


def row_of(point: WorkloadPoint) -> dict[str, Any]:
    """Return the row of a point."""
    unknown: dict[str, str] = {}
    row: dict[str, Any] = {"as_of": point.as_of, **row_from(point.key), "policy_name": point.policy_name}
    for name in MEASURES:
        value = getattr(point, name)
        row[name] = value if not isinstance(value, Unknown) else value_or_null(value, name, unknown)
    network = point.network
    row["network_as_of"] = point.network_as_of
    row["network_monitored"] = None if isinstance(network, Unknown) else isinstance(network, NetworkUse)
    if isinstance(network, Unknown):
        unknown["network"] = network.reason
    for name in _NETWORK:
        column = f"network_{name}"
        row[column] = value_or_null(getattr(network, name), column, unknown) if isinstance(network, NetworkUse) else None
    row["unknown"] = unknown
    row["unknowns"] = len(unknown)
    row["precedence"] = _precedence(row)
    return row


def _precedence(row: Mapping[str, Any]) -> int:
    """Return what decides between two measurements of one workload in one sweep; the smaller one is kept.

    Fewer unknowns count most, then newer network figures, then a checksum: two components that own a workload may get different figures
    of it, and which of them is kept must not depend on the order of writing.
    """
    unknowns: int = row["unknowns"]
    measured_at: datetime | None = row["network_as_of"]
    minutes = 0 if measured_at is None else int(measured_at.timestamp() // 60)
    figures = repr([row[name] for name in (*MEASURES, "unknown", *(f"network_{name}" for name in _NETWORK))])
    return (unknowns << 56) + ((_MAX_MINUTES - minutes) << 24) + (zlib.crc32(figures.encode()) >> 8)


_MAX_MINUTES: Final = 2**32 - 1


def point_of(row: RowMapping) -> WorkloadPoint:
    """Return the point of a row, equal to the one written."""
    reasons: dict[str, str] = row["unknown"]
    measures: dict[str, Any] = {name: measured(row[name], name, reasons) for name in MEASURES}
    return WorkloadPoint(
        as_of=cast("datetime", row["as_of"]),
        key=key_of(row),
        policy_name=row["policy_name"],
        network=network_of(row),
        network_as_of=row["network_as_of"],
        listed_since=row["listed_since"],
        appeared=bool(row["appeared"]),
        mean_cpu_request_millicores=row["mean_cpu_request_millicores"],
        mean_memory_request_bytes=row["mean_memory_request_bytes"],
        **measures,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SummedRow:
    """What sums, and comparisons of two costs, need of a point."""

    as_of: datetime
    key: WorkloadKey
    cost_7d: Measured[Decimal]
    savings_available_per_month: Measured[Decimal]
    active_savings_per_month: Measured[Decimal]
    replicas: Measured[int]
    pod_hours_7d: Measured[float]
    listed_since: datetime | None
    appeared: bool


def summed_row(row: RowMapping) -> SummedRow:
    """Return a point from its `SUMMED_COLUMNS`."""
    measures: dict[str, Any] = {name: measured(row[name], name, row["unknown"]) for name in _SUMMED}
    return SummedRow(
        as_of=row["as_of"], key=key_of(row), listed_since=row["listed_since"], appeared=bool(row["appeared"]), **measures
    )


def stored_key(key: WorkloadKey) -> WorkloadKey:
    """Return the key as it is read back: with characters replaced that no database stores."""
    text = f"{key.cluster}{key.namespace}{key.type}{key.name}"
    if storable(text) is text:
        return key
    return WorkloadKey(
        cluster=storable(key.cluster), namespace=storable(key.namespace), type=storable(key.type), name=storable(key.name)
    )


def key_of(row: RowMapping) -> WorkloadKey:
    """Return the workload's key."""
    return WorkloadKey(cluster=row["cluster"], namespace=row["namespace"], type=row["type"], name=row["name"])


def value_or_null(value: Any, column: str, unknown: dict[str, str]) -> Any:  # noqa: ANN401 - a measure of any type
    """Return the column's value, and put the reason of an unknown into `unknown`."""
    if isinstance(value, Unknown):
        unknown[column] = value.reason
        return None
    return value


def measured(value: Any, column: str, reasons: dict[str, str]) -> Any:  # noqa: ANN401 - a measure of any type
    """Return the value, or Unknown with its reason. What an older version stored beyond the plausible range is unknown, too."""
    if value is None:
        return Unknown(reasons[column])
    accepted = OF_MEASURES.get(column)
    return value if accepted is None or accepted.accepts(value) else Unknown(IMPLAUSIBLE)


def known_total(value: Any, column: str, reasons: dict[str, str]) -> Any:  # noqa: ANN401 - a sum, or its null
    """Return a stored sum like `measured`."""
    return measured(value, column, reasons) if value is None else value if TOTAL.accepts(value) else Unknown(IMPLAUSIBLE)


def network_of(row: RowMapping) -> Measured[NetworkUse | NetworkOff]:
    """Return the network of a row."""
    reasons: dict[str, str] = row["unknown"]
    watched = row["network_monitored"]
    if watched is None:
        return Unknown(reasons["network"])
    if not watched:
        return NetworkOff()
    values: dict[str, Measured[Decimal]] = {
        name: measured(row[f"network_{name}"], f"network_{name}", reasons) for name in _NETWORK
    }
    return NetworkUse(**values)
