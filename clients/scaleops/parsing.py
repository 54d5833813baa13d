"""Parses the JSON of ScaleOps into `domain.workload`, row by row and field by field: only the fields used, money as exact Decimal.

A value that was left out, sent as null, or sent in a form that cannot be read is None; the last kind is named. A row that cannot be
read at all is set aside with the reason, and costs no other row. A response of another shape is an error: it is not empty. A list
that is null, or missing from an object without other members, is empty: ScaleOps sends that when nothing matches.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields
from decimal import Decimal
from typing import Any, Final, TypeVar, cast

from domain import limits
from domain.limits import PlausibleRange
from domain.workload import CostRow, Destination, Flow, PolicyDefinition, Rows, SetAsideRow, Workload, WorkloadKey

T = TypeVar("T")

WORKLOADS: Final = "workloads"
"""The member that holds the rows of the workload list."""
COST_ROWS: Final = "aggregatedWorkloads"
"""The member that holds the rows of the cost report."""
_MAX_TEXT_LENGTH: Final = 512
"""Names of Kubernetes have at most 253 characters."""
_MAX_SET_ASIDE: Final = 1000
"""More rows than this are no accident: the response is of another shape."""
_DECIMAL: Final = re.compile(r"[+-]?(\d{1,40}(\.\d{0,40})?|\.\d{1,40})([eE][+-]?\d{1,3})?", re.ASCII)
_BOOLEANS: Final[Mapping[object, bool]] = {"true": True, "false": False, "1": True, "0": False, "yes": True, "no": False}
_VALUES: Final = tuple(one.name for one in fields(Workload) if one.name not in {"key", "id", "unreadable"})
_KINDS_OF_EVENTS: Final = {
    "start_array": "a list",
    "start_map": "an object",
    "string": "a text",
    "number": "a number",
    "boolean": "a boolean",
}
_FLOWS: Final = ("totalCost", "intraAZCost", "crossAZCost", "totalTraffic", "intraAZTraffic", "crossAZTraffic")


class UnexpectedSchema(ValueError):
    """The response is of another shape; the message says where, and what is wrong."""


class _UnreadableRow(ValueError):
    """Nothing can be done with the row; the message says why."""


def to_workloads(document: object) -> Rows[Workload]:
    """Read `POST /api/v1/dashboard/byNamespace`. Raises UnexpectedSchema."""
    return _rows(_list(document, WORKLOADS), WORKLOADS, _workload)


def to_inventory(rows: Iterable[object]) -> Iterator[Workload]:
    """Yield the workloads of rows as they are read. A workload of which nothing is known takes the place of a row that cannot be read."""
    for position, row in enumerate(rows, start=1):
        try:
            yield _workload(_Fields(row))
        except _UnreadableRow as bad:
            key = _set_aside(position, row, str(bad)).key_for("the inventory")
            workload_id = _text(row.get("id")) if isinstance(row, dict) else None
            nothing: dict[str, Any] = dict.fromkeys(_VALUES)
            yield Workload(key=key, id=workload_id, **nothing)


def require_member(events: Iterable[tuple[str, str, object]], member: str) -> None:
    """Accept a document without rows, given its parse events, if it is of the expected shape.

    Raises:
        UnexpectedSchema: it is of another shape, so it is not empty.
    """
    members = 0
    for prefix, event, _ in events:
        if not prefix and event not in {"start_map", "map_key", "end_map"}:
            message = f"the document: {_KINDS_OF_EVENTS.get(event, 'null')} in place of an object"
            raise UnexpectedSchema(message)
        if prefix == member and event not in {"start_array", "null"}:
            message = f"{member}: {_KINDS_OF_EVENTS.get(event, 'null')} in place of a list"
            raise UnexpectedSchema(message)
        if prefix == member:
            return
        members += not prefix and event == "map_key"
    if members:
        message = f"{member}: it is missing, among {members} other members"
        raise UnexpectedSchema(message)


def to_cost_rows(document: object) -> Rows[CostRow]:
    """Read `POST /detailedCostReport/getWorkloads`. Rows with a null id belong to no workload. Raises UnexpectedSchema."""
    return to_bulk_costs(_list(document, COST_ROWS))


def to_bulk_costs(rows: Iterable[object]) -> Rows[CostRow]:
    """Read the rows of a cost report as they arrive, like `to_cost_rows`."""
    return _rows(rows, COST_ROWS, _cost_row, skip=lambda row: isinstance(row, dict) and row.get("id") is None)


def to_flags(document: object) -> dict[str, bool | None]:
    """Read `GET /api/v1/networkCost/networkCostEnabled`: for each cluster whether its network is monitored; None: unknown.

    Raises:
        UnexpectedSchema: there is no map. Without it nothing is known.
    """
    name = "networkCostEnabled"
    flags = _object(document).get(name)
    if not isinstance(flags, dict):
        message = f"{name}: {_kind_of(flags)} in place of an object"
        raise UnexpectedSchema(message)
    return {str(cluster): _boolean(flag) for cluster, flag in flags.items()}


def to_destinations(document: object) -> Rows[Destination]:
    """Read `GET /api/v1/workload-network`, which is also a bare array, or null for no traffic. Raises UnexpectedSchema."""
    wrapped = {"destinations": document} if document is None or isinstance(document, list) else document
    return _rows(_list(wrapped, "destinations"), "destinations", _destination)


def to_policies(document: object) -> Rows[PolicyDefinition]:
    """Read `GET /api/v1/policies`: custom resources, unchanged. Raises UnexpectedSchema."""
    return _rows(_list(document, "policies"), "policies", _policy)


class _Fields:
    """The fields of one row. Collects the names of those that cannot be read."""

    def __init__(self, row: object) -> None:
        if not isinstance(row, dict):
            message = f"it is {_kind_of(row)}, not an object"
            raise _UnreadableRow(message)
        self.row: Mapping[str, Any] = row
        self._unreadable: dict[str, None] = {}

    @property
    def unreadable(self) -> tuple[str, ...]:
        return tuple(self._unreadable)

    def text(self, name: str) -> str | None:
        """Return a text, also if it was sent as a whole number."""
        return self._read(name, _text)

    def required_text(self, name: str) -> str:
        sent = self.row.get(name)
        value = sent if isinstance(sent, str) and len(sent) <= _MAX_TEXT_LENGTH else self.text(name)
        if value is None or not value.strip():
            problem = "is missing" if sent is None else f"is {_kind_of(sent)}, not a name"
            message = f"{name} {problem}"
            raise _UnreadableRow(message)
        return value

    def flag(self, name: str) -> bool | None:
        sent = self.row.get(name)
        return sent if isinstance(sent, bool) else self._read(name, _boolean)

    def money(self, name: str) -> Decimal | None:
        return self._number(name, limits.MONEY)

    def quantity(self, name: str, accepted: PlausibleRange) -> float | None:
        sent = self.row.get(name)
        if type(sent) is int and accepted.accepts(sent):
            return sent
        value = self._number(name, accepted)
        return None if value is None else int(value) if value == value.to_integral_value() else float(value)

    def count(self, name: str) -> int | None:
        """Return a whole number, also if it was sent as 2.0."""
        sent = self.row.get(name)
        if type(sent) is int and limits.COUNT.accepts(sent):
            return sent
        value = self._read(name, lambda sent: _whole(_number(sent, limits.COUNT)))
        return None if value is None else int(value)

    def flow(self, name: str) -> Flow | None:
        """Return total, egress and ingress; traffic is in bytes."""
        value = self.row.get(name)
        if not isinstance(value, dict):
            return None
        accepted = limits.BYTES if name.endswith("Traffic") else limits.MONEY
        return Flow(**{part: _number(value.get(part), accepted) for part in ("total", "egress", "ingress")})

    def _number(self, name: str, accepted: PlausibleRange) -> Decimal | None:
        sent = self.row.get(name)  # as `_read`, without a function for each of a million numbers
        value = None if sent is None else _number(sent, accepted)
        if value is None and sent is not None:
            self._unreadable[name] = None
        return value

    def _read(self, name: str, read: Callable[[object], T | None]) -> T | None:
        sent = self.row.get(name)
        if sent is None:
            return None
        value = read(sent)
        if value is None:
            self._unreadable[name] = None
        return value


def _workload(fields: _Fields) -> Workload:
    key = WorkloadKey(
        cluster=fields.required_text("clusterName"),
        namespace=fields.required_text("namespace"),
        type=fields.required_text("type"),
        name=fields.required_text("workloadName"),
    )
    values: dict[str, Any] = {
        "id": fields.text("id"),
        "policy_name": fields.text("policyName"),
        "automated": fields.flag("auto"),
        "under_provisioned": fields.flag("isUnderProvisioned"),
        "over_provisioned": fields.flag("isOverProvisioned"),
        "replicas": fields.count("replicas"),
        "cpu_request_millicores": fields.quantity("cpuRequests", limits.MILLICORES),
        "cpu_recommended_millicores": fields.quantity("cpuRecommended", limits.MILLICORES),
        "memory_request_bytes": fields.quantity("memRequests", limits.BYTES),
        "memory_recommended_bytes": fields.quantity("memRecommended", limits.BYTES),
        "savings_available_per_month": fields.money("savingsAvailable"),
        "active_savings_per_month": fields.money("activeSavings"),
        "oom_kills_24h": fields.count("oomCountLast24h"),
    }
    return Workload(key=key, **values, unreadable=fields.unreadable)


def _cost_row(fields: _Fields) -> CostRow:
    values: dict[str, Any] = {
        "id": fields.required_text("id"),
        "workload_name": fields.text("workloadName"),
        "total_cost": fields.money("totalCost"),
        "hourly_cost": fields.money("hourlyCost"),
        "spot_hours": fields.quantity("spotHours", limits.POD_HOURS),
        "spot_percent": fields.quantity("spotPercent", limits.PERCENT),
        "on_demand_hours": fields.quantity("onDemandHours", limits.POD_HOURS),
        "on_demand_percent": fields.quantity("onDemandPercent", limits.PERCENT),
        "savings_available": fields.money("savingsAvailable"),
    }
    return CostRow(**values, unreadable=fields.unreadable)


def _destination(fields: _Fields) -> Destination:
    total_cost, intra_az_cost, cross_az_cost, total_traffic, intra_az_traffic, cross_az_traffic = map(fields.flow, _FLOWS)
    return Destination(
        name=fields.text("Name"),
        namespace=fields.text("Namespace"),
        workload_type=fields.text("WorkloadType"),
        replicas=fields.count("replicas"),
        total_cost=total_cost,
        intra_az_cost=intra_az_cost,
        cross_az_cost=cross_az_cost,
        total_traffic=total_traffic,
        intra_az_traffic=intra_az_traffic,
        cross_az_traffic=cross_az_traffic,
    )


def _policy(fields: _Fields) -> PolicyDefinition:
    metadata = fields.row.get("metadata")
    if not isinstance(metadata, dict):
        message = f"metadata is {_kind_of(metadata)}, not an object"
        raise _UnreadableRow(message)
    return PolicyDefinition(name=_Fields(metadata).required_text("name"), definition=fields.row)


def _rows(
    rows: Iterable[object], member: str, parse: Callable[[_Fields], T], *, skip: Callable[[object], bool] = lambda _: False
) -> Rows[T]:
    found: list[T] = []
    set_aside: list[SetAsideRow] = []
    for position, row in enumerate(rows, start=1):
        if skip(row):
            continue
        try:
            found.append(parse(_Fields(row)))
        except _UnreadableRow as bad:
            set_aside.append(_set_aside(position, row, str(bad)))
        if len(set_aside) > _MAX_SET_ASIDE:
            message = f"{member}: more than {_MAX_SET_ASIDE:,} rows cannot be read; {set_aside[0]}"
            raise UnexpectedSchema(message)
    if set_aside and not found:
        message = f"{member}: none of {len(set_aside)} rows can be read; {set_aside[0]}"
        raise UnexpectedSchema(message)
    return Rows.of(found, set_aside)


def _list(document: object, member: str) -> Iterator[object]:
    found = _object(document)
    if member not in found and found:
        message = f"{member}: it is missing, among {len(found)} other members"
        raise UnexpectedSchema(message)
    rows = found.get(member)
    if rows is not None and not isinstance(rows, list):
        message = f"{member}: {_kind_of(rows)} in place of a list"
        raise UnexpectedSchema(message)
    return iter(rows or ())


def _object(document: object) -> Mapping[str, object]:
    if not isinstance(document, dict):
        message = f"the document: {_kind_of(document)} in place of an object"
        raise UnexpectedSchema(message)
    return cast("Mapping[str, object]", document)


def _set_aside(position: int, row: object, reason: str) -> SetAsideRow:
    def part(name: str) -> str | None:
        return _text(row.get(name)) if isinstance(row, dict) else None

    name = part("workloadName") or part("id")
    label = f"row {position}" if name is None else f"row {position} ({name})"
    return SetAsideRow(label=label, reason=reason, cluster=part("clusterName"), namespace=part("namespace"), type=part("type"))


def _text(value: object) -> str | None:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value) if abs(value) < limits.MAX_TOTAL else None
    return value if isinstance(value, str) and len(value) <= _MAX_TEXT_LENGTH else None


def _boolean(value: object) -> bool | None:
    if isinstance(value, bool):
        return value
    spelled = str(value) if isinstance(value, int) else value.strip().lower() if isinstance(value, str) else None
    return _BOOLEANS.get(spelled)


def _number(value: object, accepted: PlausibleRange) -> Decimal | None:
    """Return a finite number within its range; None for anything else. JSON has one number type, so 1 and "1.0" are the same."""
    number: Decimal | None = None
    if isinstance(value, float):
        number = Decimal(repr(value))
    elif isinstance(value, Decimal):
        number = value
    elif isinstance(value, bool):
        return None
    elif isinstance(value, int):
        number = Decimal(value)
    elif isinstance(value, str) and _DECIMAL.fullmatch(value.strip()) is not None:
        number = Decimal(value.strip())
    return number if number is not None and accepted.accepts(number) else None


def _whole(number: Decimal | None) -> Decimal | None:
    return number if number is not None and number == number.to_integral_value() else None


def _kind_of(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float() | Decimal():
            return "a number"
        case str():
            return "a text" if value.strip() else "an empty text"
        case list():
            return "a list"
        case _:
            return "an object"
