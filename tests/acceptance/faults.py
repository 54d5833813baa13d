"""What can happen to an installation, each fault as a few lines.

A fault is let happen in a slot, or on a report morning, of its own; then minutes pass until nothing is left to do. The minutes it
took are its recovery time.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from domain.component import RoutingKey
from domain.messages import Channel, EventAction, Json, Message, Rendering, Variant
from simulator.credentials import PAGERDUTY_ROUTING_KEY, SLACK_DEFAULT_CHANNEL, SLACK_PLATFORM_CHANNEL
from simulator.faults import Fault as Misbehaviour
from tests.acceptance.crossings import AWAY, CLOSING, FORGET, PUT_OFF, REFUSED, REPORT, WATCHING
from tests.acceptance.fleet import MINUTE, Fleet
from tests.services.databases import PostgresServer
from tests.services.waiting import wait_until

REPORTS_ARE_DUE: Final = timedelta(hours=9)
"""After the beginning of Monday, in UTC: what the fleet's settings say by leaving it out."""
SWEEP_LIMIT: Final = timedelta(minutes=30)
"""WORKER_SWEEP_LIMIT, left out too."""
SOMEWHERE_ELSE: Final = "C0TESTING1"
MANY: Final = 24
"""Messages of which one process out of four sees three fail one after another, or a channel gets ten within ten seconds."""
TEAMS_CHANNELS: Final = ("C0COMMERCE", "C0STORE001", "C0PAYMENTS1", "C0SEARCH01", "C0IDENTITY", "C0DATA0001", "C0PLATFORM")
"""What the catalog of the demo's company names."""


# Deaths ---------------------------------------------------------------------------------------------------------------


def kill_at(fleet: Fleet, crossing: str, who: str) -> timedelta:
    """Kill a process where it comes to a crossing, in a slot of its own, and live on; answer the minutes from death to done."""
    if crossing in REPORT:
        go_to_report_morning(fleet)
    else:
        fleet.next_slot()
    die_at(fleet, crossing, who)
    return fleet.live()


def kill_thrice_at(fleet: Fleet, crossing: str) -> timedelta:
    """Kill three children one after another where they come to a crossing: the message that brings them there is given up."""
    if crossing in REPORT:
        go_to_report_morning(fleet)
    else:
        fleet.next_slot()
    for _ in range(3):
        die_at(fleet, crossing, "child")
    return fleet.live()


def kill_on_report_morning(fleet: Fleet, crossing: str, who: str) -> timedelta:
    """Kill a process that sends reports where it comes to a crossing."""
    go_to_report_morning(fleet)
    fleet.arm(crossing, who)
    begin_report_morning(fleet)
    _step_until_death(fleet, crossing)
    return fleet.live()


def die_at(fleet: Fleet, crossing: str, who: str) -> None:
    """Let minutes pass, and slots, until a process was killed where it came to a crossing; see to it that one comes there."""
    fleet.arm(crossing, who)
    if crossing in REPORT:
        begin_report_morning(fleet)
    if crossing in WATCHING:
        fleet.simulator.state.latency_s = 0.15  # so that a look finds it as far as the one before
    if crossing in CLOSING:
        let_time_be_up(fleet)
    if crossing in REFUSED:
        archive(fleet, SOMEWHERE_ELSE)
    trouble = next((how for beginning, how in _TROUBLES.items() if crossing.startswith(beginning)), None)
    if trouble is not None:
        misbehave(fleet, **trouble)
    if crossing.startswith("deliver/"):
        for number in range(MANY if crossing in PUT_OFF else 1):
            put_something_to_say(fleet, number=number)
    _step_until_death(fleet, crossing)
    make_well(fleet)


_POST: Final = {"service": "slack", "route": "chat.postMessage"}
_TROUBLES: Final[dict[str, dict[str, object]]] = {
    "deliver/outbox.reschedule:": {**_POST, "status": 500, "times": 1},
    "deliver/outbox.reschedule+outbox.postpone:": {**_POST, "status": 429, "headers": {"Retry-After": "30"}, "times": 1},
    "deliver/outbox.postpone:": {**_POST, "status": 500},
    "deliver/outbox.mark_unknown:": {**_POST, "mode": "accept-then-drop", "times": 1},
    "deliver/slack.find_by_metadata:": {**_POST, "mode": "accept-then-drop", "times": 1},
    "sweep.advance/heartbeats.record:": {"service": "backstage", "status": 500},
    "sweep.advance/snapshots.outcomes+heartbeats.last:": {"service": "scaleops", "status": 503},
    "sweep.advance/heartbeats.record+components.all:": {"service": "scaleops", "status": 503},
    "sweep.measure/heartbeats.record:": {"service": "scaleops", "status": 401},
}
"""What brings a process to a crossing that it does not come to by itself."""


def _step_until_death(fleet: Fleet, crossing: str) -> None:
    begun = fleet.now
    if crossing in AWAY:  # real time has to pass, for a call is given up after some
        wait_until(f"somebody to come to {crossing}", fleet.has_died, explain=fleet.story)
    while crossing in FORGET and not fleet.has_died():
        assert fleet.now - begun < timedelta(weeks=20), f"nothing was so old as to come to {crossing}"
        live_through_report_morning(fleet)
        if "purge.drop:" in crossing:
            live_until_tuesday_noon(fleet)
    while not fleet.has_died():
        is_of_a_sweep = not crossing.startswith(("deliver/", "report/"))
        patience = timedelta(days=1) if is_of_a_sweep else timedelta(hours=1)
        assert fleet.now - begun < patience, f"nothing came to {crossing}\n{fleet.story()}"
        if is_of_a_sweep and fleet.is_settled():
            fleet.next_slot()  # what is asked once a sweep is not asked again in this one
        fleet.step()


# Moments --------------------------------------------------------------------------------------------------------------


def let_time_be_up(fleet: Fleet) -> None:
    """Let a sweep of a slow ScaleOps come to its limit before everybody is measured."""
    fleet.next_slot()
    fleet.simulator.state.latency_s = 0.5
    wait_until("the first outcomes of a sweep", lambda: _is_under_way(fleet), explain=fleet.story)
    fleet.set_clock(fleet.now + SWEEP_LIMIT)


def in_the_middle_of_a_sweep(fleet: Fleet, happen: Callable[[], None]) -> timedelta:
    """Let something happen while a sweep has some outcomes and not yet all; answer the minutes until all is done."""
    fleet.next_slot()
    fleet.simulator.state.latency_s = 0.15
    wait_until("the first outcomes of a sweep", lambda: _is_under_way(fleet), explain=fleet.story)
    fleet.simulator.state.latency_s = 0.0
    happen()
    return fleet.live()


def _is_under_way(fleet: Fleet) -> bool:
    with fleet.store.reading() as transaction:
        return transaction.snapshots.count(fleet.slot) > 0


def in_the_middle_of_a_report_morning(fleet: Fleet, happen: Callable[[], None]) -> timedelta:
    """Let something happen while the first reports of a week are sent; answer the minutes until all is done."""
    go_to_report_morning(fleet)
    before = len(fleet.simulator.state.slack.messages)
    fleet.simulator.state.latency_s = 0.15
    begin_report_morning(fleet)
    wait_until("the first report", lambda: len(fleet.simulator.state.slack.messages) > before, explain=fleet.story)
    fleet.simulator.state.latency_s = 0.0
    happen()
    return fleet.live()


def go_to_report_morning(fleet: Fleet, *, before: timedelta = timedelta(hours=3) - MINUTE) -> None:
    """Go to the Monday on which the next reports are due, so long before, with its sweep done; usually to the slot of nine."""
    fleet.set_clock(max(fleet.now, _next_due(fleet.now) - before))
    fleet.live()


def live_through_report_morning(fleet: Fleet) -> None:
    """Go to the next reports, and let them be made."""
    go_to_report_morning(fleet)
    begin_report_morning(fleet)
    fleet.live()


def live_until_tuesday_noon(fleet: Fleet) -> None:
    """Let there be sweeps that no report was made from and that are not the last of their day: they go first."""
    for _ in range(5):
        fleet.next_slot()
        fleet.live()


def begin_report_morning(fleet: Fleet) -> None:
    """Let it be time for the reports, unless it is."""
    due = _next_due(fleet.now - fleet.every)
    if fleet.now < due:
        fleet.set_clock(due + MINUTE)


def _next_due(now: datetime) -> datetime:
    """Answer the first due instant that lies ahead."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    due = midnight - timedelta(days=now.weekday()) + REPORTS_ARE_DUE
    return due if due > now else due + timedelta(days=7)


# Something to say -------------------------------------------------------------------------------------------------------


def put_something_to_say(fleet: Fleet, *, channel: str = SOMEWHERE_ELSE, number: int = 0) -> None:
    """Put a Slack message and an event that opens an incident into the outbox. Another `number`, another message."""
    stamp = f"by-hand:{fleet.now:%Y%m%dT%H%M}:{number}"
    key = RoutingKey(PAGERDUTY_ROUTING_KEY).fingerprint
    details: dict[str, Json] = {"summary": "a test", "source": "test", "severity": "error"}
    event: dict[str, Json] = {"event_action": "trigger", "dedup_key": stamp, "payload": details}
    with fleet.store.transaction() as transaction:
        transaction.outbox.put(
            [
                _message(
                    fleet,
                    f"{stamp}:slack",
                    channel=Channel.SLACK,
                    target=channel,
                    act=EventAction.POST,
                    payload={"text": "a test"},
                ),
                _message(
                    fleet, f"{stamp}:pagerduty", channel=Channel.PAGERDUTY, target=key, act=EventAction.TRIGGER, payload=event
                ),
            ]
        )


def _message(fleet: Fleet, key: str, *, channel: Channel, target: str, act: EventAction, payload: dict[str, Json]) -> Message:
    return Message(
        key=key,
        stream=key,
        number=1,
        channel=channel,
        target=target,
        act=act,
        thread_of=None,
        about="component:default/test",
        reason="a test",
        renderings=(Rendering(variant=Variant.TEXT if channel is Channel.SLACK else Variant.NATIVE, payload=payload),),
        created_at=fleet.now,
        expires_at=fleet.now + timedelta(days=1),
    )


# What happens to the machines -----------------------------------------------------------------------------------------


def restart_database(database: PostgresServer, *, away_s: float = 0.0) -> None:
    """Stop PostgreSQL at once, cutting every connection, and start it again after a while."""
    database.stop()
    time.sleep(away_s)
    database.start()


def restart_queues(fleet: Fleet, *, away_s: float = 0.0) -> None:
    """Kill Valkey, which forgets everything, and start it again after a while."""
    fleet.queues.stop()
    time.sleep(away_s)
    fleet.queues.start()


def restart_everything(fleet: Fleet, database: PostgresServer) -> None:
    """Lose the power: beats, workers, queue and database at once."""
    kill_all(fleet, "beat", "worker")
    restart_queues(fleet)
    restart_database(database)


def kill_one(fleet: Fleet, kind: str) -> None:
    """Kill one of several beats or workers, with all its children."""
    fleet.kill(fleet.of_kind(kind)[0])


def kill_all(fleet: Fleet, *kinds: str) -> None:
    """Kill every process of some kinds; `live` starts them again."""
    for kind in kinds:
        for process in fleet.of_kind(kind):
            fleet.kill(process)


def kill_beats(fleet: Fleet) -> None:
    """Kill every beat; `live` starts them again."""
    kill_all(fleet, "beat")


def kill_workers(fleet: Fleet) -> None:
    """Kill every worker with all its children; `live` starts them again."""
    kill_all(fleet, "worker")


def stay_away(fleet: Fleet, *kinds: str, until: timedelta) -> None:
    """Kill every process of some kinds, and start them again only so much later."""
    kill_all(fleet, *kinds)
    fleet.set_clock(fleet.now + until)


def stop_workers(fleet: Fleet) -> None:
    """Tell every worker to stop, as a platform does that puts another one in its place; it has a minute for it."""
    for worker in fleet.of_kind("worker"):
        assert worker.running is not None
        worker.running.terminate()
    for worker in fleet.of_kind("worker"):
        assert worker.running is not None
        worker.running.wait(timeout=60)


def ring_everything_again(fleet: Fleet) -> None:
    """Send every message thrice: too early, of now, and too late, in the wrong order."""
    with fleet.store.reading() as transaction:
        refs = [str(component.ref) for component in transaction.components.all()]
    chunks = [refs[start : start + fleet.chunk] for start in range(0, len(refs), fleet.chunk)]
    for as_of in (fleet.slot + fleet.every, fleet.slot, fleet.slot - fleet.every):
        for task in ("deliver", "report", "evaluate", "purge", "monitor", "sweep.advance"):
            for _ in range(3):
                fleet.ring(task)
        for chunk in (*chunks, *reversed(chunks), *chunks):
            fleet.ring("sweep.measure", as_of.isoformat(), chunk)


def misbehave(fleet: Fleet, **how: object) -> None:
    """Let a service misbehave; `fleet.heal()` ends it."""
    fleet.simulator.state.faults.append(Misbehaviour.model_validate(how))


def archive(fleet: Fleet, channel: str) -> None:
    """Archive a channel; all others that the demo knows stay open."""
    names = {SLACK_PLATFORM_CHANNEL, SLACK_DEFAULT_CHANNEL, SOMEWHERE_ELSE, *TEAMS_CHANNELS}
    fleet.simulator.state.slack.channels = {name: {"is_archived": name == channel} for name in names}


def make_well(fleet: Fleet) -> None:
    """Let every service behave, be quick, and have every channel open."""
    fleet.heal()
    fleet.simulator.state.latency_s = 0.0
    fleet.simulator.state.slack.channels = {}
