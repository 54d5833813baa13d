"""What must be so after whatever happened: DESIGN, section 6, as questions to the rows and to the stand-ins."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from alerts.states import state_from_json
from domain.messages import Channel, Status
from store import Transaction
from tasks.ledger import OPEN_STATUSES
from tests.acceptance.fleet import Fleet

KEPT = timedelta(days=13)
"""Every sweep is kept for 14 days; a long run of faults outlives that."""
FOUND_DEAD = (Status.FAILED, Status.EXPIRED, Status.UNKNOWN)


def broken_promises(fleet: Fleet) -> list[str]:
    """Name every broken promise; none is what is hoped for."""
    with fleet.store.reading() as transaction:
        return [
            *_doubled(fleet),
            *_lost(fleet, transaction),
            *_wrong_incidents(fleet, transaction),
            *_gaps(fleet, transaction),
        ]


def _doubled(fleet: Fleet) -> Iterator[str]:
    for key, count in fleet.posts().items():
        if count > 1:
            yield f"{key} stands {count} times in Slack"


def _lost(fleet: Fleet, transaction: Transaction) -> Iterator[str]:
    posts = fleet.posts()
    for entry in transaction.outbox.listing(limit=100_000):
        if entry.status in {Status.PENDING, Status.LEASED}:
            yield f"{entry.message.key} is stuck: {entry.status} {entry.last_error}"
        if entry.status in FOUND_DEAD:
            yield f"{entry.message.key} did not arrive: {entry.status} {entry.last_error}"
        if entry.status is Status.SENT and entry.message.channel is Channel.SLACK and entry.message.key not in posts:
            yield f"{entry.message.key} is said to be sent, and Slack does not have it"


def _wrong_incidents(fleet: Fleet, transaction: Transaction) -> Iterator[str]:
    told = [one["dedup_key"] for one in fleet.simulator.state.pagerduty.incidents if one["resolved_at"] is None]
    states = [state_from_json(row.state) for row in transaction.alerts.states(statuses=OPEN_STATUSES)]
    incidents = [state.incident for state in states if state.incident is not None]
    wanted = [one.told.page.dedup_key for one in incidents if one.told is not None and one.told.page is not None]
    if len(told) != len(set(told)):
        yield f"one condition has several open incidents: {sorted(told)}"
    by_alerts = {key for key in told if not key.startswith("by-hand:")}
    if by_alerts != set(wanted):
        yield f"open in PagerDuty {sorted(by_alerts)}, open here {sorted(wanted)}"


def _gaps(fleet: Fleet, transaction: Transaction) -> Iterator[str]:
    newest = transaction.sweeps.newest_closed()
    if newest is None:
        yield "no sweep was closed"
        return
    since = max(fleet.begun, newest.as_of - KEPT)
    closed = [sweep.as_of for sweep in transaction.sweeps.closed_between(since, newest.as_of)]
    lived = int((newest.as_of - min(closed)) / fleet.every) + 1
    if len(closed) != lived:
        yield f"{lived} slots were lived through, {len(closed)} sweeps were closed"
    if transaction.sweeps.unevaluated():
        yield "a closed sweep was not judged"
    for sweep in transaction.sweeps.closed_between(newest.as_of - KEPT, newest.as_of):
        if sweep.measured + sweep.unknown != sweep.expected:
            yield f"the sweep of {sweep.as_of} expected {sweep.expected}, and {sweep.measured} + {sweep.unknown} have an outcome"
