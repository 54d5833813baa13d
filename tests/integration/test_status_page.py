"""The status page and the command show the same; what was not delivered has its remedy, and each service its last error."""

from datetime import timedelta

import pytest

from domain.messages import Channel
from domain.problems import Runbook
from simulator.serving import Simulator
from store import HeartbeatKind, Store
from tasks.maintenance.status import read_status, status_of
from tasks.maintenance.status_json import status_as_json
from tasks.maintenance.status_sections import status_sections
from tests.factories import make_message
from tests.integration.history_sample import NOW, serve_with_history
from tests.services.gateways import ServedGateway, ServeGateway
from tests.stage_factories import make_stage_context

LEASE = timedelta(seconds=100)


@pytest.fixture
def gateway(serve_gateway: ServeGateway, simulator: Simulator) -> ServedGateway:
    return serve_with_history(serve_gateway, simulator)


def test_the_page_is_the_status_of_the_command(gateway: ServedGateway) -> None:
    with gateway.dependencies.store.reading() as rows:
        found = status_of(rows, gateway.dependencies.policy, now=NOW, sealer=None)
    served = gateway.client.get("/status?format=json", headers=gateway.as_ci()).json()
    assert served == status_as_json(found, "USD")
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
    (table,) = [one for section in status_sections(found, "EUR") for one in section.tables if one.name == "undelivered"]
    assert (table.title, len(table.rows)) == ("Messages that need a person, and 10 more", 50)
