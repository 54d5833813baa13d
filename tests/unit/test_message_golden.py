"""Golden files of the messages about alerts in Slack, one for each kind: what people read, and its blocks.

Refreshed like those of reports (`tests/unit/test_report_golden.py`).
"""

import json
from dataclasses import replace
from decimal import Decimal

import pytest

from alerts import observations
from alerts.lifecycle import Notice
from alerts.policy import Rule
from alerts.storm import SummaryReason
from domain.figures import FigureKind
from domain.messages import Message
from domain.problems import Runbook
from domain.routes import Route
from reports import notices
from reports.page_addresses import PageAddresses
from simulator.blocks import check_blocks
from tests.unit.alert_scenario import ALERT, AlertScenario, clear, finding, met
from tests.unit.test_alert_summaries import CART, cost_rose, danger, summarised
from tests.unit.test_notices import NOW, about, opening, posted
from tests.unit.test_report_golden import compare_with_golden

PAGE = "https://worker.example/components/component/default/checkout?until=1&sig=x"


def resolved() -> Notice:
    scenario = AlertScenario()
    scenario.observe(met(1, *opening().findings))
    scenario.observe(clear(2))
    return scenario.observe(clear(3))[0]


def over_provisioned() -> Notice:
    too_much = observations.RequestFigures(
        cpu_request_millicores=900,
        cpu_recommended_millicores=250,
        memory_request_bytes=768 * 2**20,
        memory_recommended_bytes=256 * 2**20,
        oom_kills_24h=0,
        savings_available_per_month=Decimal(120),
        cost_7d=Decimal(60),
    )
    found = replace(finding(kills=0), figures=too_much, amount=Decimal(120))
    about_savings = observations.AlertId(rule=Rule.OVER_PROVISIONED, about=ALERT.about)
    return replace(opening(), alert=about_savings, findings=(found,), paging_findings=())


def cluster_lost() -> Message:
    return notices.platform_notice(
        key="cluster:lost:east:2026-09-07",
        title="Cluster east unreachable",
        lines=["No response of ScaleOps names it."],
        reason="It had workloads in the sweep before.",
        runbooks=[Runbook.CLUSTER_LOST],
        route=Route(target="C9", rule="WORKER_PLATFORM_CHANNEL"),
        pages=PageAddresses(base=None),
        now=NOW,
    )


MESSAGES: dict[str, Message] = {
    "under-provisioned": posted(opening("api", "worker"), page=PAGE),
    "under-provisioned-resolved": posted(resolved(), page=PAGE),
    "over-provisioned": posted(over_provisioned(), page=PAGE),
    "cost-increase": posted(cost_rose(), page=PAGE),
    "budget": posted(
        about(
            Rule.BUDGET,
            observations.BudgetFigures(
                month_to_date=Decimal(600), forecast=Decimal(1200), monthly_budget=Decimal(900), known_days=10, days=15
            ),
        ),
        page=PAGE,
    ),
    "unmeasured": posted(about(Rule.UNMEASURED, observations.UnmeasuredFigures(reason="the selector has no label"))),
    "outage": posted(about(Rule.OUTAGE, observations.OutageFigures(unknown=4, components=10, what=FigureKind.COST))),
    "storm": posted(about(Rule.STORM, observations.MemberFigures(alert=ALERT, workloads=2), amount=2)),
    "summary-of-the-first-sweep": summarised(danger(CART, 3), danger(ALERT, 1, 4), reason=SummaryReason.FIRST_SWEEP),
    "summary": summarised(danger(ALERT, 2), cost_rose()),
    "cluster-lost": cluster_lost(),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_matches_its_golden_file(name: str) -> None:
    renderings = [{"variant": str(one.variant), "payload": dict(one.payload)} for one in MESSAGES[name].renderings]
    check_blocks(MESSAGES[name].renderings[0].payload["blocks"])
    compare_with_golden(f"slack-{name}.json", json.dumps(renderings, indent=1, ensure_ascii=False) + "\n")
