"""The whole fault matrix: everything that can die or misbehave, at every moment at which that could break a promise."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any, Final

from domain.messages import DeliveryStatus
from domain.snapshots import Outcome
from store.queries.outbox import FALLBACK
from tests.acceptance.crossings import DELIVER, STAGES
from tests.acceptance.faults import (
    SOMEWHERE_ELSE,
    archive,
    begin_report_morning,
    go_to_report_morning,
    in_the_middle_of_a_report_morning,
    in_the_middle_of_a_sweep,
    kill_all,
    kill_at,
    kill_on_report_morning,
    kill_one,
    kill_thrice_at,
    make_well,
    misbehave,
    put_something_to_say,
    restart_database,
    restart_everything,
    restart_queues,
    ring_everything_again,
    stay_away,
    stop_workers,
)
from tests.acceptance.fleet import Fleet
from tests.services.databases import PostgresServer

SHARE_OF_AN_OUTAGE: Final = 0.3

THRICE: Final = (
    "sweep.advance/components.record_page:committed",
    "sweep.measure/scaleops.workloads:before",
    "sweep.measure/snapshots.put_all:before commit",
    "evaluate/alerts.put_states+outbox.put:before commit",
    "report/reports.claim+outbox.put:before commit",
    "deliver/slack.post:before",
    "deliver/slack.post:after",
    "deliver/pagerduty.send:after",
)
"""Where work is lost that has to be done again."""

Fault = tuple[str, Callable[[Fleet], timedelta]]
"""A name, and what happens; it answers how much simulated time it took to recover."""


def matrix(database: PostgresServer) -> Iterator[Fault]:
    """Name every fault and say how it happens."""
    yield from _deaths()
    for name, happen in _machines(database).items():
        yield f"{name}, mid-sweep", partial(_happen, moment=in_the_middle_of_a_sweep, happen=happen)
        yield f"{name}, on a report morning", partial(_happen, moment=in_the_middle_of_a_report_morning, happen=happen)
    yield "nobody there from 5:55 to 9:10 on a report morning", _nobody_there_for_the_sweep
    yield "nobody there from 8:55 to 9:50 on a report morning", partial(_nobody_there, until=timedelta(minutes=50))
    yield "nobody there from 8:55 to 11:30 on a report morning", partial(_nobody_there, until=timedelta(minutes=150))
    yield from _services()


def _deaths() -> Iterator[Fault]:
    for crossing in STAGES:
        for who in ("child", "worker"):
            yield f"kill -9 of a {who}: {crossing}", partial(kill_at, crossing=crossing, who=who)
    for crossing in THRICE:
        yield f"kill -9 of three children, one after another: {crossing}", partial(kill_thrice_at, crossing=crossing)
    for crossing in DELIVER:
        if "pagerduty" not in crossing and "outbox.mark_sent:" not in crossing:  # reports page nobody
            for who in ("child", "worker"):
                name = f"kill -9 of a {who} while reports are sent: {crossing}"
                yield name, partial(kill_on_report_morning, crossing=crossing, who=who)


def _machines(database: PostgresServer) -> dict[str, Callable[[Fleet], None]]:
    return {
        "kill -9 of one of two beats": partial(kill_one, kind="beat"),
        "kill -9 of every beat": lambda fleet: kill_all(fleet, "beat"),
        "kill -9 of every worker": lambda fleet: kill_all(fleet, "worker"),
        "kill -9 of every beat and worker": lambda fleet: kill_all(fleet, "beat", "worker"),
        "SIGTERM to every worker": stop_workers,
        "Redis FLUSHALL": lambda fleet: fleet.queues.flush(),
        "Redis restarted": restart_queues,
        "Redis 60 s away": partial(restart_queues, away_s=60),
        "PostgreSQL restarted": lambda _: restart_database(database),
        "PostgreSQL 10 s away": lambda _: restart_database(database, away_s=10),
        "everything restarted at once": lambda fleet: restart_everything(fleet, database),
        "every message again, early, late, out of order": ring_everything_again,
    }


def _services() -> Iterator[Fault]:
    slack: dict[str, dict[str, Any]] = {
        "429 with Retry-After, three posts": {"status": 429, "headers": {"Retry-After": "30"}},
        "500, three posts": {"status": 500},
        "accepts and drops the connection, three posts": {"mode": "accept-then-drop"},
        "drops the connection, three posts": {"mode": "drop"},
        "answers with a web page, three posts": {"mode": "html"},
    }
    for name, how in slack.items():
        trouble = {"service": "slack", "route": "chat.postMessage", "times": 3, **how}
        yield f"Slack {name}", partial(_troubled, **trouble)
        yield f"Slack {name}, on a report morning", partial(_troubled_morning, **trouble)
    yield "Slack accepts a post, drops the connection, and answers 500 for ten minutes", _silent_slack
    yield "Slack 429 for ten minutes, on a report morning", partial(_ten_minutes_of_a_morning, service="slack", status=429)
    yield "Slack: a channel is archived", _archived
    yield "Slack: a team's channel is archived, on a report morning", _archived_on_report_morning
    for status in (429, 500):
        yield f"PagerDuty {status} for ten minutes", partial(_ten_minutes, service="pagerduty", status=status)
    yield "PagerDuty accepts and drops the connection", partial(_troubled, service="pagerduty", mode="accept-then-drop", times=3)
    yield "ScaleOps 503, twenty calls", partial(_troubled, service="scaleops", status=503, times=20)
    yield "ScaleOps 429, twenty calls", partial(_troubled, service="scaleops", status=429, times=20)
    yield "ScaleOps 503 for ten minutes of a sweep", partial(_ten_minutes_of_a_sweep, service="scaleops", status=503)
    yield "ScaleOps down for a whole sweep", _scaleops_down
    yield "Backstage 500 for ten minutes of a sweep", partial(_ten_minutes_of_a_sweep, service="backstage", status=500)


def _happen(fleet: Fleet, moment: Callable[[Fleet, Callable[[], None]], timedelta], happen: Callable[[Fleet], None]) -> timedelta:
    return moment(fleet, lambda: happen(fleet))


def _nobody_there(fleet: Fleet, until: timedelta) -> timedelta:
    go_to_report_morning(fleet)
    begin_report_morning(fleet)
    stay_away(fleet, "beat", "worker", until=until)
    return fleet.live()


def _nobody_there_for_the_sweep(fleet: Fleet) -> timedelta:
    """The last sweep before the reports and the reports themselves are due at once."""
    go_to_report_morning(fleet, before=timedelta(hours=3, minutes=5))
    stay_away(fleet, "beat", "worker", until=timedelta(hours=3, minutes=15))
    return fleet.live()


def _troubled(fleet: Fleet, **how: object) -> timedelta:
    fleet.next_slot()
    misbehave(fleet, **how)
    put_something_to_say(fleet)
    return _live_and_heal(fleet)


def _troubled_morning(fleet: Fleet, **how: object) -> timedelta:
    go_to_report_morning(fleet)
    misbehave(fleet, **how)
    begin_report_morning(fleet)
    return _live_and_heal(fleet)


def _live_and_heal(fleet: Fleet) -> timedelta:
    took = fleet.live()
    make_well(fleet)
    return took


def _archived(fleet: Fleet) -> timedelta:
    """What was meant for it stands in the platform channel, once."""
    fleet.next_slot()
    archive(fleet, SOMEWHERE_ELSE)
    put_something_to_say(fleet)
    took = _live_and_heal(fleet)
    _require_stand_in(fleet, "by-hand:")
    return took


def _archived_on_report_morning(fleet: Fleet) -> timedelta:
    go_to_report_morning(fleet)
    archive(fleet, "C0SEARCH01")
    begin_report_morning(fleet)
    took = _live_and_heal(fleet)
    _require_stand_in(fleet, "report:weekly:group:default/search:")
    return took


def _require_stand_in(fleet: Fleet, beginning: str) -> None:
    since = fleet.now - timedelta(hours=3)
    with fleet.store.reading() as transaction:
        refused = [
            entry.message.key
            for entry in transaction.outbox.listing([DeliveryStatus.FAILED], limit=1000)
            if entry.message.key.startswith(beginning) and entry.message.created_at >= since
        ]
    assert refused, f"nothing that begins with {beginning} was refused"
    assert all(fleet.posts()[key + FALLBACK] == 1 for key in refused), f"no stand-in, or several, for {refused}"


def _ten_minutes(fleet: Fleet, **how: object) -> timedelta:
    fleet.next_slot()
    misbehave(fleet, **how)
    put_something_to_say(fleet)
    return _heal_after_ten_minutes(fleet)


def _ten_minutes_of_a_sweep(fleet: Fleet, **how: object) -> timedelta:
    """Afterwards the sweep is no outage. Who is asked again too slowly may stay unknown until the next slot (decision 2)."""
    fleet.next_slot()
    misbehave(fleet, **how)
    took = _heal_after_ten_minutes(fleet)
    with fleet.store.reading() as transaction:
        sweep = transaction.sweeps.get(fleet.slot)
    assert sweep is not None
    assert sweep.unknown <= SHARE_OF_AN_OUTAGE * sweep.expected, f"{sweep.unknown} of {sweep.expected} were not measured"
    return took


def _ten_minutes_of_a_morning(fleet: Fleet, **how: object) -> timedelta:
    go_to_report_morning(fleet)
    misbehave(fleet, **how)
    begin_report_morning(fleet)
    return _heal_after_ten_minutes(fleet)


def _silent_slack(fleet: Fleet) -> timedelta:
    """What was taken cannot be looked up for a while; afterwards it is found, and not sent again."""
    fleet.next_slot()
    misbehave(fleet, service="slack", route="chat.postMessage", mode="accept-then-drop", times=1)
    misbehave(fleet, service="slack", status=500)
    put_something_to_say(fleet)
    return _heal_after_ten_minutes(fleet)


def _heal_after_ten_minutes(fleet: Fleet) -> timedelta:
    for _ in range(10):
        fleet.step()
    fleet.heal()
    return fleet.live()


def _scaleops_down(fleet: Fleet) -> timedelta:
    """Nothing is measured, no zero is stored, no incident changes, and somebody is told once. Recovered with the next sweep."""
    fleet.next_slot()
    fleet.live()
    before = _open_incidents(fleet)
    misbehave(fleet, service="scaleops", status=503)
    fleet.next_slot()
    fleet.live()
    with fleet.store.reading() as transaction:
        outcomes = set(transaction.snapshots.outcomes(fleet.slot).values())
        entries = transaction.outbox.listing(limit=100)
    outages = [one.message.key for one in entries if "outage" in one.message.key and one.message.created_at >= fleet.slot]
    assert outcomes == {Outcome.UNKNOWN}, f"measured without ScaleOps: {outcomes}"
    assert _open_incidents(fleet) == before, f"incidents were {before}, and are {_open_incidents(fleet)}"
    assert len(outages) == 1, f"notices of the outage: {outages}"
    fleet.heal()
    fleet.next_slot()
    return fleet.live()


def _open_incidents(fleet: Fleet) -> set[str]:
    return {one["dedup_key"] for one in fleet.simulator.state.pagerduty.incidents if one["resolved_at"] is None}
