"""The output of a live action for a person: a table with units, and the sums in a sentence. `--json` prints every field."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from cli.output import say, show_table
from domain.money import format_count, format_memory, format_money, format_percent
from reports.request_patch import format_quantity

Row = Mapping[str, Any]
"""A row of an output, or the output itself, as JSON."""
_UNKNOWN: Final = "unknown"


@dataclass(frozen=True, slots=True)
class _Column:
    heading: str
    """May name the `{period}` of the output."""
    cell: Callable[[Row, str], str]
    """Formats a row; the second argument is the currency."""
    is_right: bool = False


def show_output(output: Row, rows_name: str) -> None:
    """Print the rows, the sums and the warnings of an output."""
    columns, summary = _TABLES[rows_name]
    currency, rows = output["currency"], output[rows_name]
    if rows:
        headings = [column.heading.format(period=_period(output)) for column in columns]
        cells = [[column.cell(row, currency) for column in columns] for row in rows]
        right = [heading for heading, column in zip(headings, columns, strict=True) if column.is_right]
        show_table(headings, cells, right=right)
    say(summary({**output["summary"], "period": _period(output)}, currency))
    for warning in output["warnings"]:
        say(f"! {warning}")


def _period(output: Row) -> str:
    text = str(output.get("period", ""))
    return f"{text[:-1]} days" if text.endswith("d") else f"{text[:-1]} hours" if text.endswith("h") else text


def _money(name: str) -> Callable[[Row, str], str]:
    return lambda row, currency: _UNKNOWN if row.get(name) is None else format_money(Decimal(repr(row[name])), currency)


def _requests(resource: str, now: str, advised: str) -> Callable[[Row, str], str]:
    return lambda row, _: (
        f"{format_quantity(resource, row.get(now))} \N{RIGHTWARDS ARROW} {format_quantity(resource, row.get(advised))}"
    )


def _text(name: str) -> Callable[[Row, str], str]:
    return lambda row, _: _UNKNOWN if row.get(name) is None else str(row[name])


def _percent(row: Row, _: str) -> str:
    return _UNKNOWN if row.get("spotPercent") is None else format_percent(Decimal(repr(row["spotPercent"])) / 100)


def _traffic(row: Row, _: str) -> str:
    return _UNKNOWN if row.get("totalTraffic") is None else format_memory(row["totalTraffic"])


def _state(row: Row, _: str) -> str:
    """Return what is wrong with a workload, and its policy, in words."""
    kills = row.get("oomCountLast24h")
    flags = {
        "under-provisioned": row.get("isUnderProvisioned"),
        "over-provisioned": row.get("isOverProvisioned"),
        "automated": row.get("auto"),
    }
    words = [name if flag else "not automated" for name, flag in flags.items() if flag or (name == "automated" and flag is False)]
    words += [f"unknown whether {name}" for name, flag in flags.items() if flag is None]
    words += [f"policy {row['policyName']}"] if row.get("policyName") else []
    words += ["OOM kills unknown"] if kills is None else [f"{format_count(kills, 'OOM kill')} in 24 h"] if kills else []
    return ", ".join(words)


def _network(row: Row, _: str) -> str:
    """Return whether a network is monitored, or why that is not known."""
    return {True: "monitored", False: "not monitored", None: row.get("error") or _UNKNOWN}[row.get("networkCostEnabled")]


_WORKLOAD: Final = _Column("workload", lambda row, _: f"{row['workloadName']} ({row['type']})")
_WHERE: Final = _Column("where", lambda row, _: f"{row['clusterName']} / {row['namespace']}")
_SAVINGS: Final = _Column("savings a month", _money("savingsAvailable"), is_right=True)


def _sum_of_data(sums: Row, currency: str) -> str:
    return (
        f"{format_count(sums['totalWorkloads'], 'workload')}, {sums['automatedWorkloads']} automated, {sums['underProvisionedCount']} "
        f"under-provisioned, {sums['overProvisionedCount']} over-provisioned; savings per month: "
        f"{_money('totalSavingsAvailable')(sums, currency)} available, {_money('totalActiveSavings')(sums, currency)} realised"
    )


def _sum_of_cost(sums: Row, currency: str) -> str:
    coverage = f"known of {sums['workloadsWithCost']} of {format_count(sums['totalWorkloads'], 'workload')}"
    return (
        f"{_money('totalCost')(sums, currency)} for {sums['period']} ({_money('totalHourlyCost')(sums, currency)} an hour), {coverage}; "
        f"savings available in this time: {_money('totalSavingsAvailable')(sums, currency)}"
    )


def _sum_of_recommendations(sums: Row, currency: str) -> str:
    counted = format_count(sums["totalRecommendations"], "recommendation")
    return f"{counted}, {sums['highPriority']} of high priority; savings per month: {_money('totalPotentialSavings')(sums, currency)}"


def _sum_of_network(sums: Row, currency: str) -> str:
    counted = f"{sums['measuredWorkloads']} of {format_count(sums['totalWorkloads'], 'workload')} measured"
    return f"{counted}; {_money('totalNetworkCost')(sums, currency)} and {_traffic(sums, currency)} in {sums['period']}"


def _sum_of_policies(sums: Row, _: str) -> str:
    names: Sequence[str] = sums["uniquePolicies"]
    counted = f"{sums['workloadsWithPolicies']} of {format_count(sums['totalWorkloads'], 'workload')} with a policy"
    return f"{counted}: {', '.join(names)}" if names else counted


_TABLES: Final[Mapping[str, tuple[Sequence[_Column], Callable[[Row, str], str]]]] = {
    "workloads": (
        (
            _WORKLOAD,
            _WHERE,
            _Column("state", _state),
            _Column("CPU per pod", _requests("cpu", "cpuRequests", "cpuRecommended")),
            _Column("memory per pod", _requests("memory", "memRequests", "memRecommended")),
            _SAVINGS,
        ),
        _sum_of_data,
    ),
    "costAnalysis": (
        (
            _WORKLOAD,
            _WHERE,
            _Column("cost, {period}", _money("totalCost"), is_right=True),
            _Column("on spot", _percent, is_right=True),
            _Column("savings, {period}", _money("savingsAvailable"), is_right=True),
        ),
        _sum_of_cost,
    ),
    "recommendations": (
        (
            _Column("priority", lambda row, _: f"{row['priority']}: {row['issue']}"),
            _WORKLOAD,
            _WHERE,
            _Column("CPU per pod", _requests("cpu", "currentCPU", "recommendedCPU")),
            _Column("memory per pod", _requests("memory", "currentMemory", "advisedMemory")),
            _SAVINGS,
        ),
        _sum_of_recommendations,
    ),
    "workloadNetworkData": (
        (
            _WORKLOAD,
            _WHERE,
            _Column("network", _network),
            _Column("cost, {period}", _money("totalNetworkCost"), is_right=True),
            _Column("traffic, {period}", _traffic, is_right=True),
            _Column("peers", lambda row, _: str(len(row["destinations"])), is_right=True),
        ),
        _sum_of_network,
    ),
    "workloadPolicies": (
        (
            _WORKLOAD,
            _WHERE,
            _Column("policy", _text("policyName")),
            _Column("definition", lambda row, _: row.get("error") or ("known" if row.get("policyDefinition") else "none")),
        ),
        _sum_of_policies,
    ),
}
"""By the name of the rows in the output: the columns, and the sums in a sentence."""
