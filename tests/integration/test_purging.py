"""Messages, alert events and reports are deleted after their retention, unless something still needs them. On both databases."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from alerts.states import Phase
from domain.messages import Channel, DeliveryStatus, EventAction
from domain.tracking import RecommendationEnd
from simulator.serving import Simulator
from store import AlertEventRow, AlertStateRow, Store
from store.retention import BATCH, Retention
from tasks.maintenance.purging import PurgeResult, purge_expired
from tasks.pipeline import run_once
from tasks.report.stage import report_due
from tasks.summaries import format_purged
from tests.factories import NOW, PAYMENTS, SEARCH, SLOT, make_event, make_message, make_ref
from tests.integration.alert_installation import Installation, alert, fine, starved
from tests.integration.test_outbox_store import claimed, put, send
from tests.integration.test_report_stage import DUE, put_messages, sweep, two_weeks
from tests.integration.test_store_alerts import recommendation, run
from tests.stage_factories import make_stage_context, open_collect_bench

DAY = timedelta(days=1)
LATER = NOW + timedelta(days=100)
"""Longer than the retention of messages."""
YEARS = timedelta(days=800)
"""Longer than every retention."""


def purge(store: Store, now: datetime, **retention: timedelta) -> PurgeResult:
    return purge_expired(make_stage_context(store, now, retention=Retention(**retention)))


def keys(store: Store) -> set[str]:
    with store.reading() as t:
        return {entry.message.key for entry in t.outbox.listing(limit=10_000)}


def end(store: Store, key: str, status: DeliveryStatus) -> None:
    """Give the next due message, which is this one, its final status."""
    if status is DeliveryStatus.EXPIRED:
        with store.transaction() as t:
            assert [one.key for one in t.outbox.expire(NOW + 4 * DAY)] == [key]
        return
    taken = claimed(store)
    assert taken.message.key == key
    with store.transaction() as t:
        if status is DeliveryStatus.FAILED:
            assert t.outbox.mark_failed(taken, reason="the channel is archived")
        elif status is DeliveryStatus.UNKNOWN:
            assert t.outbox.mark_unknown(taken, look_up_at=None, reason="the connection broke")


def test_a_sent_message_is_deleted_with_its_attempts_after_three_months(store: Store) -> None:
    put(store, make_message("old"))
    send(store)
    with store.reading() as t:
        assert len(t.outbox.deliveries_of("old")) == 1
    kept_until = make_message("old").expires_at + Retention().daily
    assert purge(store, kept_until).messages == 0
    assert purge(store, kept_until + timedelta(seconds=1)) == PurgeResult(messages=1)
    with store.reading() as t:
        assert t.outbox.get("old") is None
        assert t.outbox.deliveries_of("old") == ()


@pytest.mark.parametrize(
    "status",
    [DeliveryStatus.EXPIRED, DeliveryStatus.FAILED, DeliveryStatus.UNKNOWN, DeliveryStatus.LEASED, DeliveryStatus.PENDING],
)
def test_what_a_person_may_still_have_to_check_stays(store: Store, status: DeliveryStatus) -> None:
    put(store, make_message("it"))
    if status is not DeliveryStatus.PENDING:
        end(store, "it", status)
    assert purge(store, LATER + YEARS).messages == (1 if status is DeliveryStatus.EXPIRED else 0)
    assert keys(store) == (set() if status is DeliveryStatus.EXPIRED else {"it"})


def test_a_cancelled_page_is_deleted(store: Store) -> None:
    put(store, make_event(EventAction.TRIGGER), make_event(EventAction.RESOLVE, 2))
    with store.transaction() as t:
        assert t.outbox.cancel_superseded() == 2
    assert purge(store, LATER).messages == 2


def test_what_an_unfinished_message_needs_stays(store: Store) -> None:
    """Its stream, which shows what may be open in PagerDuty; the thread it is posted into; its fallback."""
    put(store, make_message("root"), make_message("alone"))
    send(store), send(store)
    put(store, make_message("reply", thread_of="root"))
    with store.transaction() as t:
        t.outbox.put([make_event(EventAction.TRIGGER)])
        trigger = t.outbox.claim_due(NOW, channel=Channel.PAGERDUTY, lease=DAY, owner="me")
        assert trigger is not None
        assert t.outbox.mark_sent(trigger, NOW, variant=None, location=None)
        t.outbox.put([make_event(EventAction.RESOLVE, 2)])
    end(store, "reply", DeliveryStatus.FAILED)
    put(store, make_message("reply:fallback"))
    send(store)
    assert purge(store, LATER).messages == 1
    assert keys(store) == {
        "root",
        "reply",
        "reply:fallback",
        make_event(EventAction.TRIGGER).key,
        make_event(EventAction.RESOLVE, 2).key,
    }


def test_the_messages_of_an_open_alert_stay_until_it_resolves(store: Store) -> None:
    installation = Installation(store=store)
    installation.run({"checkout": [starved()]}, {"checkout": [starved()]})
    opened = keys(store)
    assert len(opened) >= 2
    _all_arrive(store)
    root = _root(installation)
    much_later = installation.now + timedelta(days=200)
    assert purge_expired(replace(installation.context, clock=lambda: much_later)).messages == 0
    assert root in keys(store)
    installation.number += 4 * 200
    installation.run({"checkout": [fine()]}, {"checkout": [fine()]})
    _all_arrive(store)
    assert installation.state(alert("checkout")).phase is Phase.QUIET
    after = installation.now + timedelta(days=200)
    assert purge_expired(replace(installation.context, clock=lambda: after)).messages >= len(opened)
    assert keys(store) == set()


def _root(installation: Installation) -> str:
    incident = installation.state(alert("checkout")).incident
    assert incident is not None
    assert incident.last_notification is not None
    assert incident.last_notification.post is not None
    return incident.last_notification.post.root


def _all_arrive(store: Store) -> None:
    with store.reading() as t:
        waiting = [entry.message for entry in t.outbox.listing([DeliveryStatus.PENDING])]
    for message in waiting:
        with store.transaction() as t:
            taken = t.outbox.claim_due(message.created_at, channel=message.channel, lease=DAY, owner="me")
            assert taken is not None
            assert t.outbox.mark_sent(taken, message.created_at, variant=None, location=None)


def test_many_messages_are_deleted_in_batches_around_those_that_stay(store: Store) -> None:
    stay = [make_message(f"stay{number}", stream="s", number=number) for number in range(BATCH // 10)]
    go = [make_message(f"go{number:04}") for number in range(2 * BATCH)]
    put(store, *stay, *go)
    with store.transaction() as t:
        assert t.outbox.expire(NOW + 4 * DAY) == (*stay, *go)
        t.outbox.put([make_message("waits", stream="s", number=len(stay))])
    assert purge(store, LATER).messages == len(go)
    assert keys(store) == {"waits", *(message.key for message in stay)}


def test_without_budget_nothing_is_deleted(sqlite_store: Store) -> None:
    put(sqlite_store, make_message("old"))
    send(sqlite_store)
    assert purge_expired(make_stage_context(sqlite_store, LATER), may_begin=lambda: False) == PurgeResult()
    assert keys(sqlite_store) == {"old"}


def test_a_weekly_report_is_never_made_twice_however_short_the_retention(store: Store) -> None:
    """Reports catch up for three days. The row of the run decides and stays; only its content is cleared."""
    two_weeks(store)
    sent = put_messages(report_due(make_stage_context(store, DUE)).made)
    _all_arrive(store)
    nothing = {"points": timedelta(), "daily": timedelta(), "weekly": timedelta()}
    now = DUE + timedelta(days=3, hours=1)
    purged = purge(store, now, **nothing)
    assert (purged.messages, purged.reports) == (len(sent), 3)
    assert keys(store) == set()
    assert report_due(make_stage_context(store, now)).made == ()
    with store.reading() as t:
        kept = t.reports.newest(PAYMENTS, "weekly")
    assert kept is not None
    assert (kept.week, kept.content) == ("2026-W47", None)


def test_events_of_a_quiet_alert_are_deleted_after_two_years_and_their_numbers_continue(store: Store) -> None:
    installation = Installation(store=store)
    installation.run({"checkout": [starved()]}, {"checkout": [starved()]}, {"checkout": [fine()]}, {"checkout": [fine()]})
    before = installation.state(alert("checkout"))
    assert before.phase is Phase.QUIET
    old = installation.now + Retention().weekly
    assert purge_expired(replace(installation.context, clock=lambda: old - timedelta(hours=1))).alert_events < before.events
    assert purge_expired(replace(installation.context, clock=lambda: old + timedelta(hours=1))).alert_events > 0
    with store.reading() as t:
        assert t.alerts.events_of(str(alert("checkout"))) == ()
    installation.number += 4 * 731
    messages = installation.run({"checkout": [starved()]}, {"checkout": [starved()]})
    assert any(message.action is EventAction.TRIGGER for message in messages)
    with store.reading() as t:
        numbers = [event.number for event in t.alerts.events_of(str(alert("checkout")))]
    assert numbers[0] == before.events + 1


def test_events_of_an_open_alert_stay_however_old(store: Store) -> None:
    with store.transaction() as t:
        for name, status in (("open", "firing"), ("over", "quiet")):
            events = [AlertEventRow(alert=name, number=number, at=NOW, details={}) for number in (1, 2)]
            t.alerts.append_events(events)
            state = AlertStateRow(
                alert=name, rule="unmeasured", ref=make_ref(name), team=SEARCH, status=status, updated_at=NOW, state={}
            )
            t.alerts.put_states([state])
        t.alerts.append_events([AlertEventRow(alert="over", number=3, at=NOW + YEARS, details={})])
    with store.transaction() as t:
        assert t.purge.drop_alert_events(before=NOW + DAY, quiet="quiet") == 2
        assert t.purge.drop_alert_events(before=NOW + DAY, quiet="quiet") == 0
        assert [event.number for event in t.alerts.events_of("open")] == [1, 2]
        assert [event.number for event in t.alerts.events_of("over")] == [3]


def test_an_ended_recommendation_is_deleted_and_an_open_one_stays(store: Store) -> None:
    ended = replace(recommendation("checkout"), ended_at=NOW, ending=RecommendationEnd.NO_LONGER_ADVISED)
    with store.transaction() as t:
        t.recommendations.put([ended, recommendation("finder")])
    assert purge(store, NOW + YEARS).recommendations == 1
    with store.reading() as t:
        assert t.recommendations.open() == (recommendation("finder"),)
        assert t.recommendations.between(NOW - DAY, NOW + DAY, refs=[make_ref("checkout")]) == ()


def test_the_content_of_a_report_is_kept_for_two_years(store: Store) -> None:
    with store.transaction() as t:
        t.reports.claim(run())
    assert purge(store, run().due_at + Retention().weekly).reports == 0
    assert purge(store, run().due_at + Retention().weekly + timedelta(seconds=1)).reports == 1
    assert purge(store, run().due_at + Retention().weekly + DAY).reports == 0


def test_run_once_purges_after_all_stages(store: Store, simulator: Simulator) -> None:
    with open_collect_bench(simulator, store, retention=Retention(points=DAY, daily=DAY, weekly=DAY)) as bench:
        bench.simulator.add_fault("backstage", status=503)
        sweep(store, SLOT - timedelta(days=9), {"checkout": 100})
        sweep(store, SLOT - timedelta(days=8), {"checkout": 100})
        put(store, replace(make_message("old"), created_at=SLOT - timedelta(days=9), expires_at=SLOT - timedelta(days=8)))
        with store.transaction() as t:
            assert len(t.outbox.expire(SLOT)) == 1
        done = run_once(bench.context)
        assert done.collect_failure
        assert done.purged == PurgeResult(sweeps=1, messages=1)
        assert format_purged(done.purged) == {"purge": "1 sweep, 1 message deleted at the end of their retention"}
        assert format_purged(run_once(bench.context).purged) == {}
        with store.reading() as t:
            assert t.heartbeats.last("purge") is not None
