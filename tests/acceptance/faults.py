"""What can happen to an installation, each fault as a few lines; and what a whole run of them came to.

A fault is let happen in a slot of its own; then minutes pass until nothing is left to do. The minutes it took are its recovery time.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from domain.component import RoutingKey
from domain.messages import Act, Channel, Json, Message, Rendering, Variant
from simulator.credentials import PAGERDUTY_ROUTING_KEY
from simulator.faults import Fault as Misbehaviour
from tests.acceptance.fleet import MINUTE, Fleet
from tests.acceptance.promises import broken_promises
from tests.services.databases import PostgresServer
from tests.services.waiting import wait_until

ADVANCE: Final = (
    "sweep.advance/sweeps.open:committed",
    "sweep.advance/catalog.listing:after",
    "sweep.advance/components.record_page+keys.put_sealed:before commit",
    "sweep.advance/components.record_page:committed",
    "sweep.advance/components.finish_listing+sweeps.record_listing:before commit",
    "sweep.advance/components.finish_listing+sweeps.record_listing:committed",
    "sweep.advance/snapshots.outcomes+components.all:before commit",
    "sweep.advance/snapshots.outcomes+components.all:committed",
)
MEASURE: Final = (
    "sweep.measure/scaleops.workloads:before",
    "sweep.measure/scaleops.workloads:after",
    "sweep.measure/scaleops.network_flags:after",
    "sweep.measure/scaleops.policies:before",
    "sweep.measure/scaleops.costs:after",
    "sweep.measure/scaleops.network:after",
    "sweep.measure/snapshots.put_all+snapshots.put_raw:before commit",
    "sweep.measure/snapshots.put_all+snapshots.put_raw:committed",
    "sweep.measure/sweeps.record_listing:committed",
    "sweep.measure/pulses.beat+sweeps.close:before commit",
    "sweep.measure/pulses.beat+sweeps.close:committed",
)
JUDGE: Final = (
    "evaluate/alerts.put_states+outbox.put:before commit",
    "evaluate/alerts.put_states+outbox.put:committed",
    "evaluate/pulses.beat:committed",
)
REPORT: Final = (
    "report/reports.claim+outbox.put:before commit",
    "report/reports.claim+outbox.put:committed",
)
DELIVER: Final = (
    "deliver/outbox.claim_due:before commit",
    "deliver/outbox.claim_due:committed",
    "deliver/slack.post:before",
    "deliver/slack.post:after",
    "deliver/outbox.mark_sent+outbox.posts_since:before commit",
    "deliver/outbox.mark_sent+outbox.posts_since:committed",
    "deliver/pagerduty.send:before",
    "deliver/pagerduty.send:after",
)
CROSSINGS: Final = (*ADVANCE, *MEASURE, *JUDGE, *REPORT, *DELIVER)


@dataclass(frozen=True, kw_only=True)
class Tried:
    """One fault, once: how long it took to be as if nothing had happened, and what was broken afterwards."""

    fault: str
    minutes: float
    broken: tuple[str, ...]


@dataclass
class FaultTable:
    """Every fault that was tried."""

    tried: list[Tried] = field(default_factory=list)

    def __str__(self) -> str:
        """Draw it: fault, how often tried, duplicates, losses, longest recovery in minutes."""
        rows = [f"{'fault':<82} {'tried':>5} {'doubled':>7} {'other':>5} {'minutes':>7}"]
        for fault, times in sorted(Counter(one.fault for one in self.tried).items()):
            mine = [one for one in self.tried if one.fault == fault]
            doubled = sum("times in Slack" in sentence or "several open" in sentence for one in mine for sentence in one.broken)
            other = sum(len(one.broken) for one in mine) - doubled
            rows.append(f"{fault:<82} {times:>5} {doubled:>7} {other:>5} {max(one.minutes for one in mine):>7.0f}")
        return "\n".join(rows)

    def note(self, fleet: Fleet, fault: str, took: timedelta) -> Tried:
        """Look whether every promise is kept, and write it down."""
        one = Tried(fault=fault, minutes=took / MINUTE, broken=tuple(broken_promises(fleet)))
        self.tried.append(one)
        return one


def kill_at(fleet: Fleet, crossing: str, who: str) -> timedelta:
    """Kill a process where it comes to a crossing, in a slot of its own, and live on; answer the minutes from death to done."""
    fleet.next_slot()
    die_at(fleet, crossing, who)
    return fleet.live()


def die_at(fleet: Fleet, crossing: str, who: str) -> None:
    """Let minutes pass, and slots, until a process was killed where it came to a crossing."""
    fleet.arm(crossing, who)
    if crossing.startswith("deliver/"):
        put_something_to_say(fleet)
    begun = fleet.now
    while not fleet.has_died():
        assert fleet.now - begun < timedelta(days=1), f"nothing came to {crossing}\n{fleet.story()}"
        if fleet.is_settled() and not crossing.startswith("deliver/"):
            fleet.next_slot()  # what is asked once a sweep is not asked again in this one
        fleet.step()


def put_something_to_say(fleet: Fleet, *, channel: str = "C0TESTING1") -> None:
    """Put a Slack message and an event that opens an incident into the outbox."""
    stamp = f"by-hand:{fleet.now:%Y%m%dT%H%M}"
    key = RoutingKey(PAGERDUTY_ROUTING_KEY).fingerprint
    details: dict[str, Json] = {"summary": "a test", "source": "test", "severity": "error"}
    event: dict[str, Json] = {"event_action": "trigger", "dedup_key": stamp, "payload": details}
    with fleet.store.transaction() as transaction:
        transaction.outbox.put(
            [
                _message(
                    fleet, f"{stamp}:slack", channel=Channel.SLACK, target=channel, act=Act.POST, payload={"text": "a test"}
                ),
                _message(fleet, f"{stamp}:pagerduty", channel=Channel.PAGERDUTY, target=key, act=Act.TRIGGER, payload=event),
            ]
        )


def _message(fleet: Fleet, key: str, *, channel: Channel, target: str, act: Act, payload: dict[str, Json]) -> Message:
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


def restart_database(database: PostgresServer) -> None:
    """Stop PostgreSQL at once, cutting every connection, and start it again."""
    database.stop()
    database.start()


def restart_queues(fleet: Fleet, *, away_s: float = 0.0) -> None:
    """Kill Valkey, which forgets everything, and start it again after a while."""
    fleet.queues.stop()
    time.sleep(away_s)
    fleet.queues.start()


def kill_beats(fleet: Fleet) -> None:
    """Kill every beat; `live` starts them again."""
    for beat in fleet.of_kind("beat"):
        fleet.kill(beat)


def kill_workers(fleet: Fleet) -> None:
    """Kill every worker with all its children."""
    for worker in fleet.of_kind("worker"):
        fleet.kill(worker)


def stop_workers(fleet: Fleet) -> None:
    """Tell every worker to stop, as a platform does that puts another one in its place."""
    for worker in fleet.of_kind("worker"):
        assert worker.running is not None
        worker.running.terminate()
    for worker in fleet.of_kind("worker"):
        assert worker.running is not None
        worker.running.wait()


def misbehave(fleet: Fleet, **how: object) -> None:
    """Let a service misbehave; `fleet.heal()` ends it."""
    fleet.simulator.state.faults.append(Misbehaviour.model_validate(how))
