"""Pages as on-call engineers read them: what the phone shows, what to do, and what PagerDuty accepts."""

import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from alerts.lifecycle import Notice
from alerts.observations import AlertId, BudgetFigures, Finding, MemberFigures, OutageFigures, RequestFigures
from alerts.policy import PagingMode, Rule
from alerts.states import OpenIncident
from domain.messages import EventAction, Message
from domain.workload import WorkloadKey
from reports import pagerduty_events
from reports.notices import AlertSubject, MessageContext
from simulator.pagerduty import check_event
from tests.factories import CHECKOUT, PAYMENTS, make_key
from tests.unit.alert_scenario import ALERT, AlertScenario, finding, met, sweep
from tests.unit.test_report_golden import compare_with_golden

CONTEXT = MessageContext(
    title="Checkout",
    instance="scaleops.example",
    currency="EUR",
    zone="Europe/Madrid",
    measured_every=timedelta(minutes=15),
    owner="Payments (group:default/payments)",
    slack_channel="C0TEAM",
    page="https://worker.example/components/component/default/checkout",
    links=(
        ("Open component page", "https://worker.example/components/component/default/checkout"),
        ("Runbook", "https://wiki/x"),
    ),
    subjects={CHECKOUT: AlertSubject(title="Checkout", page="https://worker.example/components/component/default/checkout")},
)
PAGE = OpenIncident(target="f" * 16, route="the annotation pagerduty.com/integration-key on the component", dedup_key="k")
NOW = sweep(1)
MIB = 2.0**20


def opening(*findings: Finding) -> Notice:
    return AlertScenario().observe(met(1, *(findings or (finding(kills=4),))))[0]


def resized(found: Finding, **changes: Any) -> Finding:
    assert isinstance(found.figures, RequestFigures)
    return replace(found, figures=replace(found.figures, **changes))


def triggered(notice: Notice, context: MessageContext = CONTEXT) -> dict[str, Any]:
    message = pagerduty_events.pagerduty_trigger(notice, context, number=2, page=PAGE, now=NOW)
    return body_of(message)


def body_of(message: Message) -> dict[str, Any]:
    (rendering,) = message.renderings
    body: dict[str, Any] = json.loads(json.dumps(rendering.payload))
    assert check_event({**body, "routing_key": "r" * 32}) == []
    return body


def summary_of(notice: Notice, **changes: Any) -> str:
    return str(triggered(notice, replace(CONTEXT, **changes))["payload"]["summary"])


@pytest.mark.parametrize(
    ("title", "name", "summary"),
    [
        ("Checkout", "checkout", "checkout (east/shop) OOM-killed 4x in 24 h: memory 768 MiB, needs 1.2 GiB"),
        ("Shop Checkout", "api", "Shop Checkout: api (east/shop) OOM-killed 4x in 24 h: memory 768 MiB, needs 1.2 GiB"),
    ],
)
def test_a_summary_names_component_workload_cluster_evidence_and_what_is_needed(title: str, name: str, summary: str) -> None:
    sizes = {"memory_request_bytes": 768 * MIB, "memory_recommended_bytes": 1229 * MIB}
    found = resized(finding(name, kills=4), cpu_request_millicores=900, cpu_recommended_millicores=250, **sizes)
    assert summary_of(opening(found), title=title) == summary


def test_a_summary_is_about_the_worst_workload_and_counts_the_others() -> None:
    notice = opening(finding("api", kills=1), finding("worker", kills=7), finding("zebra", kills=2))
    summary = summary_of(notice)
    assert summary.startswith("Checkout: worker (east/shop) OOM-killed 7x in 24 h: memory 256 MiB, needs 768 MiB")
    assert summary.endswith("; 2 more workloads")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"memory_recommended_bytes": 256 * MIB, "keeps_memory": True}, "memory 256 MiB, ScaleOps recommends no more"),
        ({"memory_request_bytes": None}, "memory unknown, recommendation unknown"),
        ({"oom_kills_24h": None}, "under-provisioned: memory 256 MiB, needs 768 MiB"),
    ],
)
def test_what_is_unknown_or_not_recommended_is_said(changes: dict[str, Any], says: str) -> None:
    assert says in summary_of(opening(resized(finding(), **changes)))


def test_details_are_sentences_in_reading_order_and_numbers_are_raw() -> None:
    body = triggered(opening())
    details = body["payload"]["custom_details"]
    assert list(details) == [
        "do now",
        "memory",
        "CPU",
        "OOM kills",
        "first seen",
        "last measured",
        "owner",
        "Slack",
        "why paged",
        "acknowledge",
        "how to acknowledge",
        "age",
        "raw",
    ]
    assert all(isinstance(text, str) for name, text in details.items() if name != "raw")
    assert "kubectl -n shop set resources deployment/api --requests=cpu=900m,memory=768Mi" in details["do now"].splitlines()
    assert details["memory"] == "256 MiB → 768 MiB per pod"
    assert details["last measured"] == "Mon 7 Sep 2026, 08:00 CEST"
    assert details["raw"]["found"][0]["memory_recommended_bytes"] == 768 * MIB
    assert [link["href"] for link in body["links"]] == [address for _, address in CONTEXT.links]
    payload = body["payload"]
    assert (payload["severity"], payload["source"], payload["class"]) == ("critical", "scaleops.example", "under-provisioned")
    assert (payload["component"], payload["group"]) == (str(CHECKOUT), str(PAYMENTS))


def test_a_danger_lowers_nothing() -> None:
    notice = opening(resized(finding(kills=4), cpu_recommended_millicores=100))
    assert "cpu=" not in triggered(notice)["payload"]["custom_details"]["do now"]


@pytest.mark.parametrize("kind", ["Job", "Rollout"])
def test_a_kind_that_kubectl_cannot_set_gets_the_yaml(kind: str) -> None:
    found = finding(kills=1)
    assert found.workload is not None
    do_now = triggered(opening(replace(found, workload=replace(found.workload, type=kind))))["payload"]["custom_details"][
        "do now"
    ]
    assert "kubectl -n" not in do_now
    assert "    memory: 768Mi" in do_now


def test_a_page_without_a_recommendation_says_so() -> None:
    unknown = resized(finding(kills=2), cpu_recommended_millicores=None, memory_recommended_bytes=None)
    assert (
        "the recommendation is unknown. Raise its memory by hand"
        in triggered(opening(unknown))["payload"]["custom_details"]["do now"]
    )


def test_ten_thousand_workloads_are_trimmed_and_counted() -> None:
    notice = replace(opening(), findings=tuple(finding(f"{n}-{'x' * 240}", kills=3) for n in range(10_000)))
    body = triggered(notice, replace(CONTEXT, title="C" * 5000))
    assert len(json.dumps(body).encode()) < pagerduty_events.MAX_EVENT_BYTES
    raw = body["payload"]["custom_details"]["raw"]
    assert len(raw["found"]) + raw["omitted to fit"] == 10_000
    assert len(body["payload"]["summary"]) <= 1024


def test_a_page_says_when_it_was_last_measured_and_how_old_it_can_be() -> None:
    details = triggered(replace(opening(), seen_as_of=sweep(-3)))["payload"]["custom_details"]
    assert details["last measured"] == "Sun 6 Sep 2026, 08:00 CEST"
    assert "up to 15 minutes before" in details["age"]


def test_a_resolve_takes_the_key_and_the_route_that_opened_it() -> None:
    message = pagerduty_events.pagerduty_follow_up(ALERT, EventAction.RESOLVE, number=7, page=PAGE, reason="It cleared.", now=NOW)
    assert body_of(message) == {"event_action": "resolve", "dedup_key": "k"}
    assert (message.target, message.reason) == (PAGE.target, f"It cleared. Sent by {PAGE.route}.")


def about(rule: Rule, *findings: Finding) -> Notice:
    return replace(opening(), alert=AlertId(rule=rule, about=CHECKOUT), findings=findings)


def whole(figures: Any) -> Finding:
    return replace(finding(), subject="as a whole", workload=None, has_evidence=False, page=PagingMode.ALWAYS, figures=figures)


EVENTS = {
    "oom-kills": opening(finding(kills=4), replace(finding("worker"), workload=make_key("worker", cluster="west"))),
    "no-recommendation": opening(resized(finding(kills=2), memory_recommended_bytes=None, cpu_recommended_millicores=None)),
    "odd-names": opening(
        replace(finding(kills=1), workload=WorkloadKey(cluster="<b>", namespace="a b", type="Deployment", name="x;\u202ereboot"))
    ),
    "over-provisioned": about(Rule.OVER_PROVISIONED, resized(finding(kills=0), memory_recommended_bytes=128 * MIB)),
    "budget": about(
        Rule.BUDGET,
        whole(
            BudgetFigures(month_to_date=Decimal(600), forecast=Decimal(1200), monthly_budget=Decimal(900), known_days=10, days=15)
        ),
    ),
    "storm": about(Rule.STORM, whole(MemberFigures(alert=ALERT, workloads=2, worst=finding(kills=4)))),
    "outage": about(Rule.OUTAGE, whole(OutageFigures(unknown=4, components=10))),
}


@pytest.mark.parametrize("name", EVENTS)
def test_a_page_matches_its_golden_file(name: str) -> None:
    compare_with_golden(f"pagerduty-{name}.json", json.dumps(triggered(EVENTS[name]), indent=1, ensure_ascii=False) + "\n")
