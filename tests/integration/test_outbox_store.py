"""The outbox on SQLite and on PostgreSQL: claiming, marking, order, ends."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

import pytest
from sqlalchemy.exc import IntegrityError

from domain.messages import Channel, DeliveryStatus, EventAction, Message, Variant
from store import Store
from store.queries.outbox_rows import DeliveryResult, LeasedMessage, OutboxRecord, SlackLocation
from tests.factories import NOW, TEAM_CHANNEL, make_event, make_message, make_text, make_too_large
from tests.services.waiting import run_together
from tests.stage_factories import message_counts

LEASE = timedelta(seconds=120)
SECOND = timedelta(seconds=1)
PLACE = SlackLocation(channel=TEAM_CHANNEL, ts="1.000001")


def put(store: Store, *messages: Message) -> tuple[Message, ...]:
    with store.transaction() as t:
        return t.outbox.put(messages)


def claim(store: Store, now: datetime = NOW, *, channel: Channel = Channel.SLACK, owner: str = "me") -> LeasedMessage | None:
    with store.transaction() as t:
        return t.outbox.claim_due(now, channel=channel, lease=LEASE, owner=owner)


def claimed(store: Store, now: datetime = NOW, *, channel: Channel = Channel.SLACK, owner: str = "me") -> LeasedMessage:
    taken = claim(store, now, channel=channel, owner=owner)
    assert taken is not None
    return taken


def key_of(taken: LeasedMessage | None) -> str | None:
    return None if taken is None else taken.message.key


def send(store: Store, now: datetime = NOW, *, place: SlackLocation = PLACE) -> str:
    taken = claimed(store, now)
    with store.transaction() as t:
        assert t.outbox.mark_sent(taken, now, variant=Variant.TEXT, location=place)
    return taken.message.key


def entry(store: Store, key: str) -> OutboxRecord:
    with store.reading() as t:
        found = t.outbox.get(key)
    assert found is not None
    return found


def test_a_message_comes_back_as_it_was_written(store: Store) -> None:
    message = make_message("k1", thread_of="k0", renderings=(make_too_large("a <b> & c"), make_text("só")))
    put(store, message)
    assert entry(store, "k1").message == message
    assert claimed(store).message == message


def test_a_repeated_key_changes_nothing(store: Store) -> None:
    first = make_message("k1")
    assert put(store, first) == (first,)
    assert put(store, make_message("k1", renderings=(make_text("other words"),)), make_message("k2")) == (make_message("k2"),)
    assert entry(store, "k1").message == first


def test_two_messages_with_one_number_in_a_stream_are_an_error(store: Store) -> None:
    put(store, make_message("k1", stream="s", number=1))
    with pytest.raises(IntegrityError):
        put(store, make_message("k2", stream="s", number=1))


def test_a_claimed_message_is_leased_to_one_owner_until_the_lease_ends(store: Store) -> None:
    put(store, make_message("k1"))
    assert key_of(claim(store, owner="a")) == "k1"
    assert claim(store, NOW + LEASE - SECOND, owner="b") is None
    again = claimed(store, NOW + LEASE, owner="b")
    assert (again.message.key, again.attempt, again.unconfirmed_since) == ("k1", 2, NOW)


def test_who_lost_the_lease_marks_nothing(store: Store) -> None:
    put(store, make_message("k1"))
    late = claimed(store, owner="a")
    claimed(store, NOW + LEASE, owner="b")
    with store.transaction() as t:
        assert not t.outbox.mark_failed(late, reason="too late")
        assert not t.outbox.reschedule(late, until=NOW, reason="too late")
    assert entry(store, "k1").status is DeliveryStatus.LEASED


def test_two_claims_of_the_same_process_differ_by_their_attempt(store: Store) -> None:
    put(store, make_message("k1"))
    late = claimed(store)
    claimed(store, NOW + LEASE)
    with store.transaction() as t:
        assert not t.outbox.mark_sent(late, NOW + LEASE, variant=Variant.TEXT, location=PLACE)


def test_a_first_attempt_is_in_no_doubt(store: Store) -> None:
    put(store, make_message("k1"))
    assert claimed(store).unconfirmed_since is None


def test_what_was_put_off_is_due_again_at_its_time_and_in_no_doubt(store: Store) -> None:
    put(store, make_message("k1"))
    first = claimed(store)
    with store.transaction() as t:
        assert t.outbox.reschedule(first, until=NOW + timedelta(seconds=30), reason="429")
    assert claim(store, NOW + timedelta(seconds=29)) is None
    again = claimed(store, NOW + timedelta(seconds=30))
    assert (again.attempt, again.unconfirmed_since) == (2, None)


def test_what_is_unknown_is_due_for_a_look_and_in_doubt_since_its_first_attempt(store: Store) -> None:
    put(store, make_message("k1"))
    minute = timedelta(seconds=60)
    for times in range(2):
        taken = claimed(store, NOW + times * minute)
        with store.transaction() as t:
            t.outbox.mark_unknown(taken, look_up_at=NOW + (times + 1) * minute, reason="no answer")
    assert claim(store, NOW + 2 * minute - SECOND) is None
    assert claimed(store, NOW + 2 * minute).unconfirmed_since == NOW


def test_what_stays_unknown_is_never_due_again(store: Store) -> None:
    put(store, make_message("k1"))
    taken = claimed(store)
    with store.transaction() as t:
        t.outbox.mark_unknown(taken, look_up_at=None, reason="no response")
    assert claim(store, NOW + timedelta(days=1)) is None


def test_every_attempt_is_on_record(store: Store) -> None:
    put(store, make_message("k1"))
    first = claimed(store)
    with store.transaction() as t:
        assert [one.result for one in t.outbox.deliveries_of("k1")] == [DeliveryResult.STARTED]
        t.outbox.reschedule(first, until=NOW, reason="429")
    send(store)
    with store.reading() as t:
        put_off, sent = t.outbox.deliveries_of("k1")
    assert (put_off.result, put_off.detail) == (DeliveryResult.RESCHEDULED, "429")
    assert (sent.result, sent.variant, sent.location) == (DeliveryResult.SENT, Variant.TEXT, PLACE)


def test_a_stream_goes_out_in_its_order(store: Store) -> None:
    put(
        store,
        make_message("k2", stream="s", number=2, created_at=NOW - SECOND),
        make_message("k1", stream="s", number=1),
        make_message("other"),
    )
    assert [send(store), send(store), send(store)] == ["k1", "k2", "other"]


@pytest.mark.parametrize(
    ("end", "goes_on"),
    [
        (lambda t, taken: t.outbox.mark_failed(taken, reason="no"), True),
        (lambda t, taken: t.outbox.mark_unknown(taken, look_up_at=None, reason="?"), True),
        (lambda t, taken: t.outbox.mark_unknown(taken, look_up_at=NOW + LEASE, reason="?"), False),
        (lambda t, taken: t.outbox.reschedule(taken, until=NOW + LEASE, reason="429"), False),
    ],
)
def test_a_later_message_waits_only_for_what_is_not_over(store: Store, end: Callable[..., bool], *, goes_on: bool) -> None:
    put(store, make_message("k1", stream="s", number=1), make_message("k2", stream="s", number=2))
    first = claimed(store)
    assert claim(store) is None
    with store.transaction() as t:
        assert end(t, first)
    assert key_of(claim(store)) == ("k2" if goes_on else None)


def test_slack_does_not_hold_up_pagerduty_in_one_stream(store: Store) -> None:
    put(store, make_message("k1", stream="s", number=1))
    event = make_event(EventAction.TRIGGER)
    put(store, Message(**{name: getattr(event, name) for name in event.__slots__} | {"stream": "s", "number": 2}))
    assert key_of(claim(store, channel=Channel.PAGERDUTY)) == event.key


def test_a_reply_waits_for_what_it_answers_and_learns_its_place(store: Store) -> None:
    put(store, make_message("reply", thread_of="root", created_at=NOW - SECOND), make_message("root"))
    assert send(store, place=PLACE) == "root"
    assert claimed(store).thread == PLACE


def test_a_reply_to_nothing_goes_out_on_its_own(store: Store) -> None:
    put(store, make_message("reply", thread_of="never written"))
    assert claimed(store).thread is None


def test_a_reply_follows_its_root_to_where_it_fell_back(store: Store) -> None:
    put(store, make_message("root"), make_message("reply", thread_of="root"))
    root = claimed(store)
    with store.transaction() as t:
        t.outbox.mark_failed(root, reason="archived")
        t.outbox.put([make_message("root:fallback", target="C0PLATFORM")])
    elsewhere = SlackLocation(channel="C0PLATFORM", ts="2.000002")
    assert send(store, place=elsewhere) == "root:fallback"
    assert claimed(store).thread == elsewhere


def test_what_is_held_waits(store: Store) -> None:
    put(store, make_message("k1"), make_message("k2", target="C0OTHER"))
    with store.transaction() as t:
        assert t.outbox.postpone(Channel.SLACK, target=TEAM_CHANNEL, until=NOW + SECOND) == 1
    assert send(store) == "k2"
    assert claim(store) is None
    assert send(store, NOW + SECOND) == "k1"


def test_a_hold_never_brings_anything_forward(store: Store) -> None:
    put(store, make_message("k1"))
    with store.transaction() as t:
        t.outbox.postpone(Channel.SLACK, until=NOW + 2 * SECOND)
        t.outbox.postpone(Channel.SLACK, until=NOW + SECOND)
    assert claim(store, NOW + SECOND) is None


def test_what_was_not_sent_in_its_time_expires_once(store: Store) -> None:
    put(store, make_message("k1"), make_message("k2", created_at=NOW + timedelta(days=1)))
    late = NOW + timedelta(days=3)
    assert key_of(claim(store, late)) == "k2"
    with store.transaction() as t:
        assert [message.key for message in t.outbox.expire(late)] == ["k1"]
        assert t.outbox.expire(late) == ()
    assert entry(store, "k1").status is DeliveryStatus.EXPIRED


def test_what_is_unknown_past_its_time_is_settled_once(store: Store) -> None:
    put(store, make_message("k1"))
    taken = claimed(store)
    late = NOW + timedelta(days=3)
    with store.transaction() as t:
        t.outbox.mark_unknown(taken, look_up_at=late, reason="?")
        assert t.outbox.resolve_unknown(late - SECOND) == ()
        assert [message.key for message in t.outbox.resolve_unknown(late)] == ["k1"]
        assert t.outbox.resolve_unknown(late) == ()
    assert claim(store, late) is None


def test_an_unsent_trigger_and_its_resolve_cancel_each_other(store: Store) -> None:
    trigger, resolve = make_event(EventAction.TRIGGER, 1), make_event(EventAction.RESOLVE, 2)
    put(store, trigger, resolve, make_event(EventAction.TRIGGER, 1, dedup_key="another"))
    with store.transaction() as t:
        assert t.outbox.cancel_superseded() == 2
        assert t.outbox.cancel_superseded() == 0
    assert entry(store, trigger.key).status is DeliveryStatus.CANCELLED
    assert entry(store, resolve.key).status is DeliveryStatus.CANCELLED
    assert claimed(store, channel=Channel.PAGERDUTY).message.key == "alert:another:1:pagerduty"


def test_a_trigger_under_way_keeps_its_resolve(store: Store) -> None:
    put(store, make_event(EventAction.TRIGGER, 1), make_event(EventAction.RESOLVE, 2))
    claimed(store, channel=Channel.PAGERDUTY)
    with store.transaction() as t:
        assert t.outbox.cancel_superseded() == 0


def test_a_message_that_ended_badly_is_sent_again_by_hand(store: Store) -> None:
    put(store, make_message("k1"))
    taken = claimed(store)
    late = NOW + timedelta(days=4)
    with store.transaction() as t:
        t.outbox.mark_failed(taken, reason="no")
        assert t.outbox.retry("k1", late)
        assert not t.outbox.retry("nothing", late)
    assert send(store, late) == "k1"
    with store.transaction() as t:
        assert not t.outbox.retry("k1", late)


def test_the_outbox_says_what_stands_where(store: Store) -> None:
    put(store, make_message("k1"), make_message("k2", created_at=NOW + SECOND), make_message("k3", created_at=NOW + 2 * SECOND))
    send(store)
    with store.reading() as t:
        assert message_counts(t) == {DeliveryStatus.SENT: 1, DeliveryStatus.PENDING: 2}
        assert [one.message.key for one in t.outbox.listing()] == ["k3", "k2", "k1"]
        assert [one.message.key for one in t.outbox.listing([DeliveryStatus.SENT])] == ["k1"]
        assert t.outbox.oldest_pending() == NOW + SECOND
        assert t.outbox.next_due() == NOW + SECOND
        assert t.outbox.posts_since(TEAM_CHANNEL, NOW - SECOND) == 1
        assert t.outbox.posts_since(TEAM_CHANNEL, NOW) == 0
        assert t.outbox.get("nothing") is None


def test_an_empty_outbox_waits_for_nothing(store: Store) -> None:
    with store.reading() as t:
        assert t.outbox.next_due() is None
        assert t.outbox.oldest_pending() is None


def test_two_threads_share_the_messages_out_between_them(store: Store) -> None:
    put(store, *[make_message(f"k{number:02}") for number in range(40)])

    def take(owner: str) -> list[str]:
        return [one.message.key for one in iter(partial(claim, store, owner=owner), None)]

    taken = run_together(partial(take, "a"), partial(take, "b"))
    assert sorted(taken[0] + taken[1]) == [f"k{number:02}" for number in range(40)]
