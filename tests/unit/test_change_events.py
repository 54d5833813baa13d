"""Change events as PagerDuty shows them next to incidents, and what PagerDuty refuses."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from domain.advice import Issue
from domain.messages import EventAction, Message
from domain.tracking import RecommendationEnd
from domain.workload import WorkloadKey
from reports.change_events import automated_event, done_event
from simulator.pagerduty import check_change
from tests.factories import CHECKOUT, make_key
from tests.unit.report_samples import NOW, recommendation
from tests.unit.test_report_golden import compare_with_golden

MIB = 2.0**20
COMMON: dict[str, Any] = {
    "title": "Checkout",
    "target": "f" * 16,
    "instance": "scaleops.example",
    "links": [("Open in Backstage", "https://backstage.example/catalog/default/component/checkout")],
    "now": NOW,
}


def done(issue: Issue, *, memory: tuple[float, float] | None = None, workload: WorkloadKey | None = None) -> Message:
    one = recommendation("checkout", "api", issue, 30, RecommendationEnd.DONE)
    if memory is not None:
        one = replace(one, advised=replace(one.advised, memory_request_bytes=memory[0], memory_recommended_bytes=memory[1]))
    return done_event(one if workload is None else replace(one, key=replace(one.key, workload=workload)), **COMMON)


ODD = WorkloadKey(cluster="<b>", namespace="a b", type="Deployment", name="x;\u202ereboot" + "\U0001f600" * 300)
EVENTS = {
    "done-under-provisioned": done(Issue.UNDER_PROVISIONED, memory=(256 * MIB, 1229 * MIB)),
    "done-over-provisioned": done(Issue.OVER_PROVISIONED, memory=(2048 * MIB, 512 * MIB)),
    "done-unknown-sizes": done(Issue.OVER_PROVISIONED),
    "automated": automated_event(make_key("api"), CHECKOUT, at=NOW - timedelta(hours=6), **COMMON),
    "odd-names": done(Issue.UNDER_PROVISIONED, workload=ODD),
}


@pytest.mark.parametrize("name", EVENTS)
def test_a_change_event_is_accepted_and_matches_its_golden_file(name: str) -> None:
    message = EVENTS[name]
    assert message.action is EventAction.CHANGE
    body = json.loads(json.dumps(message.renderings[0].payload))
    assert check_change({**body, "routing_key": "r" * 32}) == []
    compare_with_golden(f"pagerduty-change-{name}.json", json.dumps(body, indent=1, ensure_ascii=False) + "\n")


VALID: dict[str, Any] = {"routing_key": "r" * 32, "payload": {"summary": "done", "source": "x"}, "links": []}


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"routing_key": "r" * 20}, "'routing_key' is incorrect"),
        ({"routing_key": ""}, "'routing_key' is missing"),
        ({"payload": None}, "'payload' is missing"),
        ({"payload": {"source": "x"}}, "'payload.summary' is missing"),
        ({"payload": {"summary": "s" * 1025}}, "'payload.summary' is too long"),
        ({"payload": {"summary": "s", "timestamp": "yesterday"}}, "not a valid ISO 8601"),
        ({"payload": {"summary": "s", "custom_details": ["x"]}}, "'payload.custom_details' must be an object"),
        ({"links": [{"text": "x"}]}, "'links[0].href' is missing"),
        ({"links": [{"href": "javascript:x"}]}, "'links[0].href' is missing"),
        ({"dedup_key": "k"}, "'dedup_key' is not a field of a change event"),
        ({"event_action": "trigger"}, "'event_action' is not a field of a change event"),
    ],
)
def test_pagerduty_refuses_a_malformed_change_event(change: dict[str, Any], error: str) -> None:
    assert check_change(VALID) == []
    assert error in "; ".join(check_change({**VALID, **change}))
