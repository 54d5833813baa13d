"""The output of an action for a person: amounts have their unit and period, unknown is a word, and no word is broken."""

from typing import Any

import click
import pytest

from cli.action_tables import show_output
from cli.output import fit_columns, show_table

WHERE = {"workloadName": "api", "type": "Deployment", "clusterName": "east", "namespace": "shop"}


def printed(capsys: pytest.CaptureFixture[str], rows_name: str, row: dict[str, Any], **output: Any) -> list[str]:
    show_output({"currency": "EUR", "warnings": ["careful"], rows_name: [WHERE | row], **output}, rows_name)
    return [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]


def test_recommendations_have_units(capsys: pytest.CaptureFixture[str]) -> None:
    row = {
        "priority": "high",
        "issue": "over-provisioned",
        "currentCPU": 1500,
        "recommendedCPU": 482.2,
        "savingsAvailable": 1234.5,
    }
    memory = {"currentMemory": 2**31, "advisedMemory": None}
    summary = {"totalRecommendations": 1, "highPriority": 1, "totalPotentialSavings": None}
    lines = printed(capsys, "recommendations", row | memory, summary=summary, period="month")
    assert lines == [
        "priority workload where CPU per pod memory per pod savings a month",
        "high: over-provisioned api (Deployment) east / shop 1500m → 483m 2048Mi → unknown €1,234.50",
        "1 recommendation, 1 of high priority; savings per month: unknown",
        "! careful",
    ]


@pytest.mark.parametrize(
    ("flags", "state"),
    [
        (
            {"isUnderProvisioned": True, "isOverProvisioned": False, "auto": True, "oomCountLast24h": 3},
            "under-provisioned, automated, 3 OOM kills in 24 h",
        ),
        (
            {"isUnderProvisioned": False, "isOverProvisioned": True, "auto": False, "oomCountLast24h": 0},
            "over-provisioned, not automated",
        ),
        (
            {"isUnderProvisioned": None, "isOverProvisioned": False, "auto": None, "oomCountLast24h": None},
            "unknown whether under-provisioned, unknown whether automated, OOM kills unknown",
        ),
    ],
)
def test_the_state_of_a_workload_is_in_words(capsys: pytest.CaptureFixture[str], flags: dict[str, Any], state: str) -> None:
    counts = dict.fromkeys(("totalWorkloads", "automatedWorkloads", "overProvisionedCount", "underProvisionedCount"), 1)
    lines = printed(capsys, "workloads", flags, summary=counts, period="month")
    assert lines[1] == f"api (Deployment) east / shop {state} unknown → unknown unknown → unknown unknown"
    assert lines[2].endswith("savings per month: unknown available, unknown realised")


def test_cost_and_traffic_name_their_period(capsys: pytest.CaptureFixture[str]) -> None:
    cost = {"totalCost": 61.54, "spotPercent": 25.0, "savingsAvailable": 40.78}
    sums = {
        "totalCost": 61.54,
        "totalHourlyCost": 0.37,
        "totalSavingsAvailable": 40.78,
        "totalWorkloads": 2,
        "workloadsWithCost": 1,
    }
    lines = printed(capsys, "costAnalysis", cost, summary=sums, period="7d")
    assert lines[:2] == ["workload where cost, 7 days on spot savings, 7 days", "api (Deployment) east / shop €61.54 25% €40.78"]
    assert lines[2] == "€61.54 for 7 days (€0.37 an hour), known of 1 of 2 workloads; savings available in this time: €40.78"

    network: dict[str, Any] = {
        "networkCostEnabled": None,
        "error": "500 server error",
        "totalNetworkCost": None,
        "totalTraffic": 58399999998,
        "destinations": [],
    }
    totals = {"totalWorkloads": 1, "measuredWorkloads": 0, "totalNetworkCost": 0.5, "totalTraffic": None}
    lines = printed(capsys, "workloadNetworkData", network, summary=totals, period="24h")
    assert lines[1] == "api (Deployment) east / shop 500 server error unknown 54.39 GiB 0"
    assert lines[2] == "0 of 1 workload measured; €0.50 and unknown in 24 hours"


@pytest.mark.parametrize(
    ("available", "widths"),
    [
        (40, [8, 15]),
        (19, [6, 11]),  # what is left goes to the column that breaks into most lines
        (14, [5, 7]),
        (13, None),
    ],
)
def test_a_narrow_table_breaks_between_words(available: int, widths: list[int] | None) -> None:
    assert fit_columns(["a", "b"], [["three wo", "one two threeee"]], available=available) == widths


def test_a_row_is_a_block_of_lines_where_its_words_do_not_fit(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"TTY_COMPATIBLE": "1", "NO_COLOR": "1", "TERM": "xterm", "COLUMNS": "30"}.items():
        monkeypatch.setenv(name, value)
    show_table(["alert", "phase", "paused"], [["budget:component:default/x", "firing, error", ""]])
    assert [line.rstrip() for line in click.unstyle(capsys.readouterr().out).splitlines()] == [
        "budget:component:default/x",
        "  phase  firing, error",
    ]
