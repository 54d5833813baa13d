"""The deliver stage against a Slack and a PagerDuty that misbehave."""

from datetime import timedelta

import pytest

from clients.slack.client import SlackClient
from domain.messages import DeliveryStatus, EventAction
from simulator.credentials import PAGERDUTY_ROUTING_KEY, SLACK_BOT_TOKEN
from tasks.deliver.stage import DeliverResult, deliver
from tests.factories import NOW, TEAM_CHANNEL, make_event, make_message, make_text
from tests.integration.delivery_bench import MINUTE, SECOND, DeliveryBench
from tests.stage_factories import OTHER_CHANNEL, PLATFORM_CHANNEL


def test_a_report_with_its_thread_goes_out_at_once_in_order(bench: DeliveryBench) -> None:
    replies = [make_message(f"r{number}", stream="r", number=number, thread_of="r1") for number in range(2, 6)]
    delivered = bench.send(*replies, make_message("r1", stream="r", number=1))
    assert (delivered.sent, delivered.rescheduled, delivered.problems, delivered.next_due) == (5, 0, (), None)
    root, *rest = bench.simulator.state.slack.messages
    assert bench.texts(TEAM_CHANNEL) == [f"content of r{number}" for number in range(1, 6)]
    assert {reply["thread_ts"] for reply in rest} == {root["ts"]}


def test_nothing_is_sent_twice_by_a_second_run(bench: DeliveryBench) -> None:
    bench.send(make_message("k1"), make_event(EventAction.TRIGGER))
    assert bench.deliver() == DeliverResult()
    assert len(bench.simulator.state.slack.messages) == len(bench.simulator.state.pagerduty.events) == 1


def test_progress_is_reported_per_message(bench: DeliveryBench) -> None:
    bench.put(make_message("k1"), make_message("k2"))
    sent: list[int] = []
    deliver(bench.context, progress=sent.append)
    assert sent == [1, 2]


def test_many_messages_for_one_channel_are_spread_without_sleeping(bench: DeliveryBench) -> None:
    first = bench.send(*[make_message(f"k{number:02}") for number in range(15)], make_message("elsewhere", target=OTHER_CHANNEL))
    assert len(bench.texts(TEAM_CHANNEL)) == 10
    assert bench.texts(OTHER_CHANNEL) == ["content of elsewhere"]
    assert first.next_due == NOW + 10 * SECOND
    bench.deliver(10 * SECOND)
    assert bench.texts(TEAM_CHANNEL) == [f"content of k{number:02}" for number in range(15)]


def test_a_temporary_failure_never_uses_the_next_rendering(bench: DeliveryBench) -> None:
    bench.simulator.add_fault("slack", status=500, times=1)
    bench.send(make_message("k1", renderings=(make_text("native"), make_text("in plain words"))))
    bench.deliver(MINUTE)
    assert bench.texts(TEAM_CHANNEL) == ["native"]


def test_slack_retry_after_is_honoured(bench: DeliveryBench) -> None:
    bench.simulator.add_fault("slack", status=429, headers={"Retry-After": "45"}, times=1)
    bench.put(make_message("k1"), make_message("k2"))
    first = bench.deliver()
    assert (first.unknown, first.sent, first.next_due) == (1, 0, NOW + 45 * SECOND)
    assert bench.deliver(44 * SECOND) == DeliverResult(next_due=NOW + 45 * SECOND)
    bench.deliver(SECOND)
    assert bench.texts(TEAM_CHANNEL) == ["content of k1", "content of k2"]


def test_a_throttled_channel_delays_no_other(bench: DeliveryBench) -> None:
    bench.simulator.add_fault("slack", status=429, headers={"Retry-After": "45"}, times=1)
    bench.send(make_message("k1"), make_message("k2", target=OTHER_CHANNEL))
    assert bench.texts(OTHER_CHANNEL) == ["content of k2"]


def test_a_strict_slack_gets_everything_in_the_end(bench: DeliveryBench) -> None:
    bench.simulator.state.slack.is_rate_limit_strict = True
    bench.put(*[make_message(f"k{number}") for number in range(4)])
    for _ in range(8):
        bench.deliver()
        bench.clock.advance(SECOND)
    assert bench.texts(TEAM_CHANNEL) == [f"content of k{number}" for number in range(4)]


@pytest.mark.parametrize("fault", [{"status": 500}, {"status": 503}, {"mode": "redirect"}])
def test_a_failing_slack_is_retried_ever_later(bench: DeliveryBench, fault: dict[str, object]) -> None:
    bench.simulator.add_fault("slack", route="chat.postMessage", times=3, **fault)
    bench.put(make_message("k1"))
    waits = []
    for _ in range(3):
        failed = bench.deliver()
        assert (failed.unknown, failed.sent) == (1, 0)
        assert failed.next_due is not None
        waits.append(failed.next_due - bench.clock())
        bench.clock.advance(waits[-1])
    assert waits[0] == MINUTE
    assert MINUTE <= waits[1] < waits[2] <= 2.5 * MINUTE
    assert bench.deliver().sent == 1
    assert bench.texts(TEAM_CHANNEL) == ["content of k1"]


def test_a_service_that_is_down_is_not_called_for_every_message(bench: DeliveryBench) -> None:
    bench.simulator.add_fault("slack", status=503)
    delivered = bench.send(
        *[make_message(f"k{number}", target=f"C0TEAM{number}") for number in range(9)], make_event(EventAction.TRIGGER)
    )
    assert bench.simulator.state.calls["slack"].total() == 3
    assert (delivered.unknown, delivered.sent) == (3, 1)
    assert delivered.next_due is not None
    assert delivered.next_due > NOW


def test_wrong_credentials_lose_no_report(bench: DeliveryBench) -> None:
    right = bench.services.slack
    bench.services.slack = SlackClient(token="xoxb-revoked", instance="test", base_url=bench.simulator.slack_url)
    delivered = bench.send(make_message("k1"), make_message("k2"))
    assert (delivered.rescheduled, delivered.failed) == (1, 0)
    assert "invalid_auth" in delivered.problems[0]
    assert bench.simulator.state.calls["slack"].total() == 1
    bench.services.slack = right
    bench.deliver(5 * MINUTE)
    assert bench.texts(TEAM_CHANNEL) == ["content of k1", "content of k2"]


def test_an_expired_message_is_reported_once(bench: DeliveryBench) -> None:
    bench.simulator.add_fault("slack", status=503)
    bench.send(make_message("k1"), make_message("k2", target=OTHER_CHANNEL))
    bench.simulator.state.faults = []
    assert bench.deliver(timedelta(days=3)).rescheduled == 2  # they are looked up first
    assert bench.deliver(MINUTE).expired == 2
    bench.deliver(MINUTE)
    (notice,) = bench.texts(PLATFORM_CHANNEL)
    assert "2 messages expired before being sent" in notice
    assert TEAM_CHANNEL in notice
    assert OTHER_CHANNEL in notice
    assert bench.texts(TEAM_CHANNEL) == []
    assert bench.entry("k1").status is DeliveryStatus.EXPIRED


def test_messages_that_always_fail_starve_no_other(bench: DeliveryBench) -> None:
    bench.simulator.add_fault("slack", route="chat.postMessage", contains=f'"channel": "{TEAM_CHANNEL}"', status=500)
    bench.put(*[make_message(f"k{number}") for number in range(4)], make_message("elsewhere", target=OTHER_CHANNEL))
    for _ in range(10):
        bench.deliver(MINUTE)
    assert bench.texts(OTHER_CHANNEL) == ["content of elsewhere"]


@pytest.mark.parametrize("value", ["inf", "nan", "1e12", "-5", "Fri, 31 Dec 9999 23:59:59 GMT", "x" * 5000])
@pytest.mark.parametrize("service", ["slack", "pagerduty"])
def test_no_retry_after_holds_anything_for_more_than_an_hour(bench: DeliveryBench, service: str, value: str) -> None:
    bench.simulator.add_fault(service, status=429, headers={"Retry-After": value}, times=1)
    bench.put(make_message("k1"), make_event(EventAction.TRIGGER, dedup_key="d1"))
    bench.deliver()
    bench.deliver(timedelta(hours=1))
    assert bench.texts(TEAM_CHANNEL) == ["content of k1"]
    assert bench.incidents() == [("d1", "triggered")]


def test_no_secret_is_in_any_problem_or_row(bench: DeliveryBench) -> None:
    for service in ("slack", "pagerduty"):
        bench.simulator.add_fault(service, status=403, body=f"you sent {SLACK_BOT_TOKEN} and {PAGERDUTY_ROUTING_KEY}")
    delivered = bench.send(make_message("k1"), make_event(EventAction.TRIGGER))
    with bench.store.reading() as t:
        rows = repr(t.outbox.listing())
    for secret in (SLACK_BOT_TOKEN, PAGERDUTY_ROUTING_KEY, PAGERDUTY_ROUTING_KEY[-6:]):
        assert secret not in repr(delivered)
        assert secret not in rows
