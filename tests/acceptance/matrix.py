"""The fault matrix: every crash and every failing dependency, at every moment at which that could break an invariant."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any, Final

from domain.bulk_trust import BulkSubject
from domain.messages import DeliveryStatus
from domain.snapshots import Outcome
from store.queries.outbox_conditions import FALLBACK
from tests.acceptance import faults
from tests.acceptance.crash_points import DELIVERING, IN_MATRIX, REPORTING, CrashMoment, CrashPoint, TaskStep, crash_points
from tests.acceptance.fleet import Fleet
from tests.services.databases import PostgresServer

SHARE_OF_AN_OUTAGE: Final = 0.3

THRICE: Final = (
    CrashPoint(TaskStep.STORE_PAGE, CrashMoment.AFTER),
    CrashPoint(TaskStep.FETCH_WORKLOADS, CrashMoment.BEFORE),
    CrashPoint(TaskStep.STORE_MEASUREMENTS, CrashMoment.BEFORE),
    CrashPoint(TaskStep.EVALUATE, CrashMoment.BEFORE),
    CrashPoint(TaskStep.MAKE_REPORT, CrashMoment.BEFORE),
    CrashPoint(TaskStep.POST_TO_SLACK, CrashMoment.BEFORE),
    CrashPoint(TaskStep.POST_TO_SLACK, CrashMoment.AFTER),
    CrashPoint(TaskStep.SEND_TO_PAGERDUTY, CrashMoment.AFTER),
)
"""Where work is lost that has to be done again."""

Fault = tuple[str, Callable[[Fleet], timedelta]]
"""A name, and a function that lets it happen and returns the simulated time to recovery."""


def matrix(database: PostgresServer) -> Iterator[Fault]:
    yield from _crashes()
    for name, happen in _machines(database).items():
        yield f"{name}, mid-sweep", partial(_happen, moment=faults.in_the_middle_of_a_sweep, happen=happen)
        yield f"{name}, on a report morning", partial(_happen, moment=faults.in_the_middle_of_a_report_morning, happen=happen)
    yield "no process from 5:55 to 9:10 on a report morning", _all_down_for_the_sweep
    yield "no process from 8:55 to 9:50 on a report morning", partial(_all_down, until=timedelta(minutes=50))
    yield "no process from 8:55 to 11:30 on a report morning", partial(_all_down, until=timedelta(minutes=150))
    yield from _services()


def _crashes() -> Iterator[Fault]:
    for point in crash_points(*IN_MATRIX):
        for who in ("child", "worker"):
            yield f"kill -9 of a {who}: {point}", partial(faults.kill_at, point=point, who=who)
    for point in THRICE:
        yield f"kill -9 of three children, one after another: {point}", partial(faults.kill_thrice_at, point=point)
    for point in crash_points(*(step for step in DELIVERING if step not in {TaskStep.SEND_TO_PAGERDUTY, TaskStep.MARK_SENT})):
        for who in ("child", "worker"):  # a report is no page
            yield (
                f"kill -9 of a {who} while reports are sent: {point}",
                partial(faults.kill_on_report_morning, point=point, who=who),
            )
    for point in crash_points(*REPORTING, TaskStep.POST_TO_SLACK):
        for who in ("child", "worker"):
            yield (
                f"kill -9 of a {who} while a monthly roll-up is made and sent: {point}",
                partial(faults.kill_on_roll_up_morning, point=point, who=who),
            )


def _machines(database: PostgresServer) -> dict[str, Callable[[Fleet], None]]:
    return {
        "kill -9 of one of two beats": partial(faults.kill_one, kind="beat"),
        "kill -9 of every beat": lambda fleet: faults.kill_all(fleet, "beat"),
        "kill -9 of every worker": lambda fleet: faults.kill_all(fleet, "worker"),
        "kill -9 of every beat and worker": lambda fleet: faults.kill_all(fleet, "beat", "worker"),
        "SIGTERM to every worker": faults.stop_workers,
        "Redis FLUSHALL": lambda fleet: fleet.queues.flush(),
        "Redis restarted": faults.restart_queues,
        "Redis down for 60 s": partial(faults.restart_queues, down_s=60),
        "PostgreSQL restarted": lambda _: faults.restart_database(database),
        "PostgreSQL down for 10 s": lambda _: faults.restart_database(database, down_s=10),
        "everything restarted at once": lambda fleet: faults.restart_everything(fleet, database),
        "every message again, early, late, out of order": faults.enqueue_everything_again,
    }


def _services() -> Iterator[Fault]:
    slack: dict[str, dict[str, Any]] = {
        "429 with Retry-After, three posts": {"status": 429, "headers": {"Retry-After": "30"}},
        "500, three posts": {"status": 500},
        "accepts and drops the connection, three posts": {"mode": "accept-then-drop"},
        "drops the connection, three posts": {"mode": "drop"},
        "responds with a web page, three posts": {"mode": "html"},
    }
    for name, how in slack.items():
        fault = {"service": "slack", "route": "chat.postMessage", "times": 3, **how}
        yield f"Slack {name}", partial(_fault_in_slot, **fault)
        yield f"Slack {name}, on a report morning", partial(_fault_on_report_morning, **fault)
    yield "Slack accepts a post, drops the connection, and responds 500 for ten minutes", _silent_slack
    yield (
        "Slack 429 for ten minutes, on a report morning",
        partial(_fault_on_report_morning, then=_heal_after_ten_minutes, service="slack", status=429),
    )
    yield "Slack: a channel is archived", _archived
    yield "Slack: a team's channel is archived, on a report morning", _archived_on_report_morning
    for status in (429, 500):
        yield (
            f"PagerDuty {status} for ten minutes",
            partial(_fault_in_slot, then=_heal_after_ten_minutes, service="pagerduty", status=status),
        )
    yield (
        "PagerDuty accepts and drops the connection",
        partial(_fault_in_slot, service="pagerduty", mode="accept-then-drop", times=3),
    )
    yield "ScaleOps 503, twenty calls", partial(_fault_in_slot, service="scaleops", status=503, times=20)
    yield "ScaleOps 429, twenty calls", partial(_fault_in_slot, service="scaleops", status=429, times=20)
    yield "ScaleOps 503 for ten minutes of a sweep", partial(_ten_minutes_of_a_sweep, service="scaleops", status=503)
    yield "ScaleOps down for a whole sweep", _scaleops_down
    for mode in ("500", "empty", "first-rows", "parent-only", "foreign-rows", "different-duplicates", "other-shape"):
        yield f"bulk responses: {mode}, mid-sweep", partial(_bulk_breaks, mode=mode, moment=faults.in_the_middle_of_a_sweep)
        yield f"bulk responses: {mode}, a whole sweep", partial(_bulk_breaks, mode=mode, moment=_whole_sweep)
    yield "bulk costs found wrong by another worker, mid-sweep", _trust_withdrawn
    yield "Backstage 500 for ten minutes of a sweep", partial(_ten_minutes_of_a_sweep, service="backstage", status=500)


def _happen(fleet: Fleet, moment: Callable[[Fleet, Callable[[], None]], timedelta], happen: Callable[[Fleet], None]) -> timedelta:
    return moment(fleet, lambda: happen(fleet))


def _all_down(fleet: Fleet, until: timedelta) -> timedelta:
    faults.go_to_report_morning(fleet)
    faults.begin_report_morning(fleet)
    faults.stay_down(fleet, "beat", "worker", until=until)
    return fleet.live()


def _all_down_for_the_sweep(fleet: Fleet) -> timedelta:
    """The last sweep before the reports, and the reports, are due at the same time."""
    faults.go_to_report_morning(fleet, before=timedelta(hours=3, minutes=5))
    faults.stay_down(fleet, "beat", "worker", until=timedelta(hours=3, minutes=15))
    return fleet.live()


def _live_and_heal(fleet: Fleet) -> timedelta:
    took = fleet.live()
    faults.heal_all(fleet)
    return took


def _heal_after_ten_minutes(fleet: Fleet) -> timedelta:
    for _ in range(10):
        fleet.step()
    fleet.heal()
    return fleet.live()


def _fault_in_slot(fleet: Fleet, *, then: Callable[[Fleet], timedelta] = _live_and_heal, **how: object) -> timedelta:
    fleet.next_slot()
    faults.misbehave(fleet, **how)
    faults.put_test_messages(fleet)
    return then(fleet)


def _fault_on_report_morning(fleet: Fleet, *, then: Callable[[Fleet], timedelta] = _live_and_heal, **how: object) -> timedelta:
    faults.go_to_report_morning(fleet)
    faults.misbehave(fleet, **how)
    faults.begin_report_morning(fleet)
    return then(fleet)


def _archived(fleet: Fleet) -> timedelta:
    """Its messages are in the platform channel, once."""
    fleet.next_slot()
    faults.archive(fleet, faults.TEST_CHANNEL)
    faults.put_test_messages(fleet)
    took = _live_and_heal(fleet)
    _require_fallback(fleet, "by-hand:")
    return took


def _archived_on_report_morning(fleet: Fleet) -> timedelta:
    faults.go_to_report_morning(fleet)
    faults.archive(fleet, "C0SEARCH01")
    faults.begin_report_morning(fleet)
    took = _live_and_heal(fleet)
    _require_fallback(fleet, "report:weekly:group:default/search:")
    return took


def _require_fallback(fleet: Fleet, prefix: str) -> None:
    since = fleet.now - timedelta(hours=3)
    with fleet.store.reading() as transaction:
        rejected = [
            entry.message.key
            for entry in transaction.outbox.listing([DeliveryStatus.FAILED], limit=1000)
            if entry.message.key.startswith(prefix) and entry.message.created_at >= since
        ]
    assert rejected, f"no message with the prefix {prefix} was rejected"
    assert all(fleet.posts()[key + FALLBACK] == 1 for key in rejected), f"no fallback, or several, for {rejected}"


def _ten_minutes_of_a_sweep(fleet: Fleet, **how: object) -> timedelta:
    """Afterwards the sweep is not an outage. A component retried too late may stay unknown until the next slot (decision 2)."""
    fleet.next_slot()
    faults.misbehave(fleet, **how)
    took = _heal_after_ten_minutes(fleet)
    with fleet.store.reading() as transaction:
        sweep = transaction.sweeps.get(fleet.slot)
    assert sweep is not None
    assert sweep.unknown <= SHARE_OF_AN_OUTAGE * sweep.expected, f"{sweep.unknown} of {sweep.expected} were not measured"
    return took


def _whole_sweep(fleet: Fleet, happen: Callable[[], None]) -> timedelta:
    fleet.next_slot()
    happen()
    return fleet.live()


def _bulk_breaks(fleet: Fleet, *, mode: str, moment: Callable[[Fleet, Callable[[], None]], timedelta]) -> timedelta:
    """Everything is measured all the same, and nothing with a response that is not trusted."""
    took = moment(fleet, lambda: fleet.simulator.set_modes(bulk=mode, bulk_rows=3))
    fleet.simulator.set_modes(bulk="complete")
    _require_trusted_costs(fleet)
    return took


def _trust_withdrawn(fleet: Fleet) -> timedelta:
    took = faults.in_the_middle_of_a_sweep(fleet, lambda: faults.distrust_bulk_costs(fleet))
    _require_trusted_costs(fleet)
    return took


def _require_trusted_costs(fleet: Fleet) -> None:
    with fleet.store.reading() as transaction:
        measurements = list(transaction.snapshots.of_sweep(fleet.slot))
        checks = transaction.bulk_checks.of_sweep(fleet.slot)
    untrusted = {check.cluster for check in checks if check.subject is BulkSubject.COSTS and not check.trusted}
    unmeasured = [str(one.snapshot.ref) for one in measurements if one.snapshot.outcome is Outcome.UNKNOWN]
    used = {cluster for one in measurements for cluster in one.snapshot.bulk_clusters}
    assert not unmeasured, f"not measured by calls for single components: {unmeasured}"
    assert not used & untrusted, f"untrusted costs were used: {used & untrusted}"


def _silent_slack(fleet: Fleet) -> timedelta:
    """An accepted message cannot be looked up for a while; afterwards it is found, and not sent again."""
    fleet.next_slot()
    faults.misbehave(fleet, service="slack", route="chat.postMessage", mode="accept-then-drop", times=1)
    faults.misbehave(fleet, service="slack", status=500)
    faults.put_test_messages(fleet)
    return _heal_after_ten_minutes(fleet)


def _scaleops_down(fleet: Fleet) -> timedelta:
    """Nothing is measured, no zero is stored, no incident changes, and one notice is sent. Recovered with the next sweep."""
    fleet.next_slot()
    fleet.live()
    before = _open_incidents(fleet)
    faults.misbehave(fleet, service="scaleops", status=503)
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
