"""The status page and the command show the same; what was not delivered has its remedy, and each service its last error."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from actions.live.measure import unmeasured
from domain.messages import Channel
from domain.problems import Runbook
from simulator.serving import Simulator
from store import HeartbeatKind, Store
from tasks.maintenance.service_errors import last_errors, read_last_errors
from tasks.maintenance.status import read_status, status_of
from tasks.maintenance.status_json import status_as_json
from tasks.maintenance.status_sections import status_sections
from tests.factories import SLOT, make_component, make_message
from tests.integration.history_sample import NOW, serve_with_history
from tests.services.gateways import ServedGateway, ServeGateway
from tests.stage_factories import make_stage_context, record_sweep

LEASE = timedelta(seconds=100)


@pytest.fixture
def gateway(serve_gateway: ServeGateway, simulator: Simulator) -> ServedGateway:
    return serve_with_history(serve_gateway, simulator)


def test_the_page_is_the_status_of_the_command(gateway: ServedGateway) -> None:
    with gateway.dependencies.store.reading() as rows:
        found = status_of(rows, gateway.dependencies.policy, now=NOW, sealer=None)
        errors = last_errors(rows, found)
    served = gateway.client.get("/status?format=json", headers=gateway.as_ci()).json()
    assert served == status_as_json(found, errors, "USD")
    html = gateway.client.get("/status", headers=gateway.as_ci()).text
    for problem in found.problems:
        assert f'{problem} <span class="small">Run book: {problem.runbook.path}</span>' in html
    limited = gateway.client.get("/status?format=json", headers=gateway.as_user("user:default/bob")).json()
    assert limited.keys() < served.keys()
    assert not [name for name in ("checkout", "finder", "payments", "C0") if name in str(limited)]


def test_an_undelivered_message_and_the_last_error_of_each_service_are_shown(gateway: ServedGateway) -> None:
    store = gateway.dependencies.store
    with store.transaction() as rows:
        failed = rows.outbox.claim_due(NOW, channel=Channel.SLACK, lease=LEASE, owner="w")
        assert failed is not None
        rows.outbox.mark_failed(failed, reason="Slack rejected it: channel_not_found")
        rows.heartbeats.record("collect", HeartbeatKind.FAILED, at=NOW, details={"reason": "Backstage answered 503"})
    with store.transaction() as rows:
        sent = rows.outbox.claim_due(NOW + timedelta(seconds=1), channel=Channel.SLACK, lease=LEASE, owner="w")
        assert sent is not None
        rows.outbox.mark_sent(sent, NOW + timedelta(seconds=1), variant=None, location=None)
    html = gateway.client.get("/status", headers=gateway.as_ci()).text
    assert f"scaleops-worker outbox retry {failed.message.key}" in html
    errors = gateway.client.get("/status?format=json&table=services", headers=gateway.as_ci()).json()["rows"]
    assert [(one["service"], one["reason"], one["now"]) for one in errors] == [
        ("ScaleOps", "ScaleOps did not answer", "not known to work since"),
        ("Backstage catalog", "Backstage answered 503", "not known to work since"),
        ("Slack", "Slack rejected it: channel_not_found", "works again"),
    ]


def test_every_undelivered_message_is_counted_though_few_are_listed(sqlite_store: Store) -> None:
    with sqlite_store.transaction() as rows:
        rows.outbox.put([make_message(f"k{number}", stream=f"s{number}") for number in range(60)])
        failed = rows.outbox.claim_due(NOW, channel=Channel.SLACK, lease=LEASE, owner="w")
        assert failed is not None
        rows.outbox.mark_failed(failed, reason="Slack rejected it: channel_not_found")
        rows.outbox.expire(NOW + timedelta(days=4))
    found = read_status(make_stage_context(sqlite_store, NOW))
    (problem,) = [one for one in found.problems if one.runbook is Runbook.MESSAGES_UNDELIVERED]
    assert problem.sentence.startswith("60 messages failed, expired or may not have arrived")
    (table,) = [one for section in status_sections(found, (), "EUR") for one in section.tables if one.name == "undelivered"]
    assert (table.title, len(table.rows)) == ("Messages that need a person, and 10 more", 50)


DOWN = "ScaleOps did not answer POST /api/v1/workloads: timed out"


@pytest.mark.parametrize(
    ("reasons", "found"),
    [
        pytest.param([[DOWN, "a bad selector", "a bad selector"]], (0, False), id="beside a more frequent reason"),
        pytest.param([[DOWN], ["a bad selector"]], (0, True), id="in a sweep before the newest with unknown components"),
        pytest.param([[f"not measured in time: {DOWN}"]], (0, False), id="as a cause"),
        pytest.param([["POST /api/v1/workloads was not sent to ScaleOps: no time was left for it"]], (0, False), id="not sent"),
        pytest.param([["nothing of the selector 'x' can be sent to ScaleOps: it needs a key"]], None, id="no error of ScaleOps"),
    ],
)
def test_the_last_error_of_scaleops_is_found_whatever_else_was_unknown(
    sqlite_store: Store, reasons: Sequence[Sequence[str]], found: tuple[int, bool] | None
) -> None:
    for number, of_sweep in enumerate(reasons):
        as_of = SLOT + number * timedelta(hours=6)
        components = [make_component(f"c{index}") for index in range(len(of_sweep))]
        measured = [unmeasured(one, as_of=as_of, reason=reason) for one, reason in zip(components, of_sweep, strict=True)]
        record_sweep(sqlite_store, as_of, *measured, components=components)
    context = make_stage_context(sqlite_store, SLOT + timedelta(days=1))
    errors = read_last_errors(context, read_status(context))
    wanted = [] if found is None else [("ScaleOps", SLOT + found[0] * timedelta(hours=6), found[1])]
    assert [(one.service, one.at, one.is_over) for one in errors] == wanted
    assert [one.reason for one in errors] == [reason for reason in reasons[0] if found is not None and "Scale" in reason]
