"""Faults of an installation, each in a slot or on a report morning of its own; its recovery is the minutes until nothing is left to do."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from datetime import time as time_of_day
from typing import Final
from zoneinfo import ZoneInfo

from domain.bulk_trust import BulkCheck, BulkSubject
from domain.component import RoutingKey
from domain.messages import Channel, EventAction, Json, Message, Rendering, Variant
from domain.months import Month, MonthlySchedule
from simulator.credentials import PAGERDUTY_ROUTING_KEY, SLACK_DEFAULT_CHANNEL, SLACK_PLATFORM_CHANNEL
from simulator.faults import Fault as ServiceFault
from tests.acceptance import crash_points
from tests.acceptance.fleet import MINUTE, Fleet
from tests.services.databases import PostgresServer
from tests.services.waiting import wait_until

REPORT_TIME: Final = timedelta(hours=9)
"""After the beginning of Monday, in UTC: the default of the settings."""
SWEEP_LIMIT: Final = timedelta(minutes=30)
"""The default of WORKER_SWEEP_LIMIT."""
TEST_CHANNEL: Final = "C0TESTING1"
BURST: Final = 24
"""Messages, so that one process of four sees three consecutive failures, or a channel gets ten within ten seconds."""
TEAM_CHANNELS: Final = ("C0COMMERCE", "C0STORE001", "C0PAYMENTS1", "C0SEARCH01", "C0IDENTITY", "C0DATA0001", "C0PLATFORM")
"""The channels that the catalog of the demo's company names."""


def kill_at(fleet: Fleet, point: crash_points.CrashPoint, who: str) -> timedelta:
    """Kill a process at a crash point, in a slot of its own; return the minutes from the crash to recovery."""
    _go_to_own_slot(fleet, point)
    crash_at(fleet, point, who)
    return fleet.live()


def kill_thrice_at(fleet: Fleet, point: crash_points.CrashPoint) -> timedelta:
    """Kill three children, one after another, at a crash point: the message that leads there is given up."""
    _go_to_own_slot(fleet, point)
    for _ in range(3):
        crash_at(fleet, point, "child")
    return fleet.live()


def _go_to_own_slot(fleet: Fleet, point: crash_points.CrashPoint) -> None:
    if point.step in crash_points.REPORTING:
        go_to_report_morning(fleet)
    elif point.step in crash_points.WATCHING:
        fleet.next_watch_slot()
    else:
        fleet.next_slot()


def kill_on_report_morning(fleet: Fleet, point: crash_points.CrashPoint, who: str) -> timedelta:
    go_to_report_morning(fleet)
    fleet.arm(point, who)
    begin_report_morning(fleet)
    _step_until_crash(fleet, point)
    return fleet.live()


def kill_on_roll_up_morning(fleet: Fleet, point: crash_points.CrashPoint, who: str) -> timedelta:
    go_to_roll_up_morning(fleet)
    fleet.arm(point, who)
    begin_roll_up_morning(fleet)
    _step_until_crash(fleet, point)
    return fleet.live()


def crash_at(fleet: Fleet, point: crash_points.CrashPoint, who: str) -> None:
    """Let minutes and slots pass until a process was killed at the crash point; provoke what leads a process there."""
    fleet.arm(point, who)
    step = point.step
    if step in crash_points.REPORTING:
        begin_report_morning(fleet)
    if step in crash_points.PROGRESS:
        fleet.simulator.state.latency_s = 0.15  # so that two checks see the same progress
    if step in crash_points.CLOSING:
        exceed_sweep_limit(fleet)
    if step in crash_points.WITHDRAWING:
        in_the_first_outcomes(fleet, lambda: distrust_bulk_costs(fleet))
    if step in crash_points.REJECTED:
        archive(fleet, TEST_CHANNEL)
    if step in _SERVICE_FAULTS:
        misbehave(fleet, **_SERVICE_FAULTS[step])
    if step.task == "deliver":
        for number in range(BURST if step in crash_points.RESCHEDULING else 1):
            put_test_messages(fleet, number=number)
    _step_until_crash(fleet, point)
    heal_all(fleet)


_POST: Final = {"service": "slack", "route": "chat.postMessage"}
_SERVICE_FAULTS: Final[dict[crash_points.TaskStep, dict[str, object]]] = {
    # PagerDuty's, whose dedup key makes a repeat harmless: Slack may have posted a message whatever its status is.
    crash_points.TaskStep.RESCHEDULE: {"service": "pagerduty", "status": 500},
    crash_points.TaskStep.RESCHEDULE_TARGET: {
        "service": "pagerduty",
        "status": 429,
        "headers": {"Retry-After": "30"},
        "times": 1,
    },
    crash_points.TaskStep.POSTPONE_SERVICE: {**_POST, "status": 500},
    crash_points.TaskStep.MARK_UNKNOWN_THROTTLED: {**_POST, "status": 429, "headers": {"Retry-After": "30"}, "times": 1},
    crash_points.TaskStep.MARK_UNKNOWN: {**_POST, "mode": "accept-then-drop", "times": 1},
    crash_points.TaskStep.LOOK_UP: {**_POST, "mode": "accept-then-drop", "times": 1},
    crash_points.TaskStep.CATALOG_UNAVAILABLE: {"service": "backstage", "status": 500},
    crash_points.TaskStep.CHECK_OUTAGE: {"service": "scaleops", "status": 503},
    crash_points.TaskStep.ENQUEUE_AGAIN: {"service": "scaleops", "status": 503},
    crash_points.TaskStep.INVENTORY_UNAVAILABLE: {"service": "scaleops", "status": 401},
    crash_points.TaskStep.SCALEOPS_UNAVAILABLE: {"service": "scaleops", "status": 401},
    # While the inventory is on its way, the first component needs the costs: later they are in the memory that all workers share.
    crash_points.TaskStep.FETCH_BULK_COSTS: {
        "service": "scaleops",
        "route": "byNamespace",
        "contains": ": []",
        "mode": "slow",
        "delay_s": 1,
    },
}
"""The fault that leads a process to a step which is not taken otherwise."""


def _step_until_crash(fleet: Fleet, point: crash_points.CrashPoint) -> None:
    begun, step = fleet.now, point.step
    if step in crash_points.UNAVAILABLE:  # real time has to pass: a call is retried before it fails
        wait_until(f"a process to reach {point}", fleet.has_crashed, explain=fleet.story)
    while step in crash_points.PURGING and not fleet.has_crashed():
        assert fleet.now - begun < timedelta(weeks=20), f"nothing was old enough to reach {point}"
        live_through_report_morning(fleet)
        if step in {crash_points.TaskStep.PURGE_SWEEP, crash_points.TaskStep.PURGE_BULK_CHECKS}:
            live_until_tuesday_noon(fleet)
    while not fleet.has_crashed():
        is_of_a_sweep = step.task not in {"deliver", "report"}
        most = timedelta(days=1) if is_of_a_sweep else timedelta(hours=1)
        assert fleet.now - begun < most, f"no process reached {point}\n{fleet.story()}"
        if step in crash_points.WATCHING and fleet.is_settled():
            fleet.next_watch_slot()
        elif is_of_a_sweep and fleet.is_settled():
            fleet.next_slot()  # what happens once per sweep does not happen again in this one
        fleet.step()


def exceed_sweep_limit(fleet: Fleet) -> None:
    """Let a sweep of a slow ScaleOps reach its limit before every component is measured."""
    fleet.next_slot()
    fleet.simulator.state.latency_s = 0.5
    wait_until("the first outcomes of a sweep", lambda: _has_outcomes(fleet), explain=fleet.story)
    fleet.set_clock(fleet.now + SWEEP_LIMIT)


def in_the_middle_of_a_sweep(fleet: Fleet, happen: Callable[[], None]) -> timedelta:
    """Let something happen while a sweep has some outcomes but not all; return the minutes to recovery."""
    in_the_first_outcomes(fleet, happen)
    return fleet.live()


def in_the_first_outcomes(fleet: Fleet, happen: Callable[[], None]) -> None:
    """Let something happen in the next slot while its sweep has some outcomes but not all."""
    fleet.next_slot()
    fleet.simulator.state.latency_s = 0.15
    wait_until("the first outcomes of a sweep", lambda: _has_outcomes(fleet), explain=fleet.story)
    fleet.simulator.state.latency_s = 0.0
    happen()


def distrust_bulk_costs(fleet: Fleet) -> None:
    """Record what a worker records that finds the bulk costs of every cluster wrong."""
    checks = [
        BulkCheck(as_of=fleet.slot, subject=BulkSubject.COSTS, cluster=cluster, trusted=False, reason="a test")
        for cluster in fleet.simulator.state.world().clusters
    ]
    with fleet.store.transaction() as transaction:
        transaction.bulk_checks.record(checks)


def _has_outcomes(fleet: Fleet) -> bool:
    with fleet.store.reading() as transaction:
        return transaction.snapshots.count(fleet.slot) > 0


def in_the_middle_of_a_report_morning(fleet: Fleet, happen: Callable[[], None]) -> timedelta:
    """Let something happen while the first reports of a week are sent; return the minutes to recovery."""
    go_to_report_morning(fleet)
    before = len(fleet.simulator.state.slack.messages)
    fleet.simulator.state.latency_s = 0.15
    begin_report_morning(fleet)
    wait_until("the first report", lambda: len(fleet.simulator.state.slack.messages) > before, explain=fleet.story)
    fleet.simulator.state.latency_s = 0.0
    happen()
    return fleet.live()


def go_to_report_morning(fleet: Fleet, *, before: timedelta = timedelta(hours=3) - MINUTE) -> None:
    """Go to `before` the next due reports and complete the sweep; by default to the last slot before them."""
    fleet.set_clock(max(fleet.now, _next_due(fleet.now) - before))
    fleet.live()


def go_to_roll_up_morning(fleet: Fleet) -> None:
    """Go to the last slot before a monthly roll-up and complete the sweep; on no Monday, when weekly reports are due as well.

    The reports of the Monday before are sent on the way: they would be too late on a Friday.
    """
    due = _roll_up_due(_next_month(fleet.now))
    monday = _next_due(due - timedelta(days=7))
    if fleet.now < monday:
        fleet.set_clock(max(fleet.now, monday - timedelta(hours=3) + MINUTE))
        fleet.live()
        begin_report_morning(fleet)
        fleet.live()
    fleet.set_clock(max(fleet.now, due - timedelta(hours=3) + MINUTE))
    fleet.live()


def begin_roll_up_morning(fleet: Fleet) -> None:
    month = _next_month(fleet.now - fleet.every)
    fleet.set_clock(max(fleet.now, _roll_up_due(month) + MINUTE))
    fleet.months.add(str(month))


def _next_month(now: datetime) -> Month:
    """Return the first month whose roll-up is due later, and not on a Monday."""
    month = Month.of(now).shift(-1)
    while (due := _roll_up_due(month)) <= now or due.weekday() == 0:
        month = month.shift(1)
    return month


def _roll_up_due(month: Month) -> datetime:
    return MonthlySchedule(zone=ZoneInfo("UTC"), at=time_of_day(9)).due_at(month)


def live_through_report_morning(fleet: Fleet) -> None:
    go_to_report_morning(fleet)
    begin_report_morning(fleet)
    fleet.live()


def live_until_tuesday_noon(fleet: Fleet) -> None:
    """Make sweeps that no report used and that are not the last of their day: they are purged first."""
    for _ in range(5):
        fleet.next_slot()
        fleet.live()


def begin_report_morning(fleet: Fleet) -> None:
    due = _next_due(fleet.now - fleet.every)
    if fleet.now < due:
        fleet.set_clock(due + MINUTE)


def _next_due(now: datetime) -> datetime:
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    due = midnight - timedelta(days=now.weekday()) + REPORT_TIME
    return due if due > now else due + timedelta(days=7)


def put_test_messages(fleet: Fleet, *, channel: str = TEST_CHANNEL, number: int = 0) -> None:
    """Put a Slack message and an event that opens an incident into the outbox; `number` makes them distinct."""
    stamp = f"by-hand:{fleet.now:%Y%m%dT%H%M}:{number}"
    key = RoutingKey(PAGERDUTY_ROUTING_KEY).fingerprint
    details: dict[str, Json] = {"summary": "a test", "source": "test", "severity": "error"}
    event: dict[str, Json] = {"event_action": "trigger", "dedup_key": stamp, "payload": details}
    post = _message(
        fleet, f"{stamp}:slack", channel=Channel.SLACK, target=channel, action=EventAction.POST, payload={"text": "a test"}
    )
    page = _message(fleet, f"{stamp}:pagerduty", channel=Channel.PAGERDUTY, target=key, action=EventAction.TRIGGER, payload=event)
    with fleet.store.transaction() as transaction:
        transaction.outbox.put([post, page])


def _message(fleet: Fleet, key: str, *, channel: Channel, target: str, action: EventAction, payload: dict[str, Json]) -> Message:
    return Message(
        key=key,
        stream=key,
        number=1,
        channel=channel,
        target=target,
        action=action,
        thread_of=None,
        about="component:default/test",
        reason="a test",
        renderings=(Rendering(variant=Variant.TEXT if channel is Channel.SLACK else Variant.NATIVE, payload=payload),),
        created_at=fleet.now,
        expires_at=fleet.now + timedelta(days=1),
    )


def restart_database(database: PostgresServer, *, down_s: float = 0.0) -> None:
    """Stop PostgreSQL immediately, which cuts every connection, and start it again after `down_s`."""
    database.stop()
    time.sleep(down_s)
    database.start()


def restart_queues(fleet: Fleet, *, down_s: float = 0.0) -> None:
    """Kill Valkey, which loses all data, and start it again after `down_s`."""
    fleet.queues.stop()
    time.sleep(down_s)
    fleet.queues.start()


def restart_everything(fleet: Fleet, database: PostgresServer) -> None:
    kill_all(fleet, "beat", "worker")
    restart_queues(fleet)
    restart_database(database)


def kill_one(fleet: Fleet, kind: str) -> None:
    fleet.kill(fleet.of_kind(kind)[0])


def kill_all(fleet: Fleet, *kinds: str) -> None:
    for kind in kinds:
        for process in fleet.of_kind(kind):
            fleet.kill(process)


def stay_down(fleet: Fleet, *kinds: str, until: timedelta) -> None:
    kill_all(fleet, *kinds)
    fleet.set_clock(fleet.now + until)


def stop_workers(fleet: Fleet) -> None:
    """Send SIGTERM to every worker, as a rolling update does; each has a minute to exit."""
    for worker in fleet.of_kind("worker"):
        assert worker.running is not None
        worker.running.terminate()
    for worker in fleet.of_kind("worker"):
        assert worker.running is not None
        worker.running.join(60)
        assert not worker.running.is_alive(), "a worker did not stop within a minute of SIGTERM"


def enqueue_everything_again(fleet: Fleet) -> None:
    """Send every message three times: of the next, the current and the previous slot, out of order."""
    with fleet.store.reading() as transaction:
        refs = [str(component.ref) for component in transaction.components.all()]
    chunks = [refs[start : start + fleet.chunk] for start in range(0, len(refs), fleet.chunk)]
    for as_of in (fleet.slot + fleet.every, fleet.slot, fleet.slot - fleet.every):
        for task in ("deliver", "report", "evaluate", "purge", "monitor", "sweep.advance"):
            for _ in range(3):
                fleet.enqueue(task)
        for chunk in (*chunks, *reversed(chunks), *chunks):
            fleet.enqueue("sweep.measure", as_of.isoformat(), chunk)


def misbehave(fleet: Fleet, **fault: object) -> None:
    fleet.simulator.state.faults.append(ServiceFault.model_validate(fault))


def archive(fleet: Fleet, channel: str) -> None:
    names = {SLACK_PLATFORM_CHANNEL, SLACK_DEFAULT_CHANNEL, TEST_CHANNEL, *TEAM_CHANNELS}
    fleet.simulator.state.slack.channels = {name: {"is_archived": name == channel} for name in names}


def heal_all(fleet: Fleet) -> None:
    fleet.heal()
    fleet.simulator.state.latency_s = 0.0
    fleet.simulator.state.slack.channels = {}
