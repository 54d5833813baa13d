"""The invariants that hold after every fault (DESIGN, section 6), checked against the database and the simulator."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Final

from alerts.policy import Rule
from alerts.states import OPEN_PHASES, STATE_JSON
from domain.messages import Channel, DeliveryStatus, EventAction
from domain.months import MONTHLY_REPORT
from domain.refs import PLATFORM
from domain.sweeps import Sweep
from domain.weeks import WEEKLY_REPORT, Schedule, Schedules
from store import RunStatus, Transaction
from store.queries.outbox_conditions import FALLBACK
from store.retention import Retention, expired
from tasks.report.due import teams_with_reports
from tasks.report.messages import stream_of
from tests.acceptance.fleet import INSTANCE, Fleet

UNDELIVERED: Final = (DeliveryStatus.FAILED, DeliveryStatus.EXPIRED, DeliveryStatus.UNKNOWN)

SCHEDULES: Final = Schedules(default=Schedule.parse(zone="UTC", day="monday", at="09:00"))
"""The defaults of the settings."""

FLAPS_WITHIN: Final = timedelta(hours=24 + 4 * 6)
"""An incident resolved within this time before a sweep needs four sweeps to be opened again."""

InDanger = Callable[[str, datetime], bool]
"""Returns True if ScaleOps shows a component in danger at an instant."""


def violations(fleet: Fleet) -> list[str]:
    with fleet.store.reading() as transaction:
        return [
            *_doubled(fleet),
            *_lost(fleet, transaction),
            *_missing_reports(fleet, transaction),
            *_missing_roll_ups(fleet, transaction),
            *_wrong_incidents(fleet, transaction),
            *_gaps(fleet, transaction),
        ]


def is_double(sentence: str) -> bool:
    """Return True if the violation is a duplicate; otherwise something is lost, stuck or wrong."""
    return "times in Slack" in sentence or "several open incidents" in sentence or "several reports" in sentence


def _doubled(fleet: Fleet) -> Iterator[str]:
    posts = fleet.posts()
    for key, count in posts.items():
        if count > 1:
            yield f"{key} is {count} times in Slack"
        if key + FALLBACK in posts:
            yield f"{key} is 2 times in Slack: in its channel and as a fallback"


def _lost(fleet: Fleet, transaction: Transaction) -> Iterator[str]:
    posts = fleet.posts()
    for entry in transaction.outbox.listing(limit=100_000):
        key = entry.message.key
        if entry.status in {DeliveryStatus.PENDING, DeliveryStatus.LEASED}:
            yield f"{key} is stuck: {entry.status} {entry.last_error}"
        if entry.status in UNDELIVERED and key + FALLBACK not in posts:
            yield f"{key} did not arrive: {entry.status} {entry.last_error}"
        edited = {entry.message.thread_of} if entry.message.action is EventAction.UPDATE else set()
        if (
            entry.status is DeliveryStatus.SENT
            and entry.message.channel is Channel.SLACK
            and posts.keys().isdisjoint({key, *edited})
        ):
            yield f"{key} is marked as sent, but not in Slack"


def _missing_reports(fleet: Fleet, transaction: Transaction) -> Iterator[str]:
    """For each completed report morning: one report per team, and one for the platform, with its first message in Slack."""
    posts = fleet.posts()
    for week in sorted({week for week in fleet.completed.values() if week}):
        runs = [run for run in transaction.reports.runs(WEEKLY_REPORT, week) if run.again == 0]
        for team in {*teams_with_reports(transaction), PLATFORM}:
            made = [run for run in runs if run.team == team]
            if len(made) != 1 or made[0].status is not RunStatus.MADE:
                said = [f"{run.status} {run.late_reason}" for run in made]
                yield f"{team} has {'several reports' if len(made) > 1 else 'no report'} for {week}: {said}"
                continue
            first = f"{stream_of(team, week)}:1"
            if first not in posts and first + FALLBACK not in posts:
                yield f"{first} was made, but is not in Slack"


def _missing_roll_ups(fleet: Fleet, transaction: Transaction) -> Iterator[str]:
    """For each month whose roll-up was due: one, with its first message in Slack."""
    posts = fleet.posts()
    for month in sorted(fleet.months):
        made = [run for run in transaction.reports.runs(MONTHLY_REPORT, month) if run.again == 0]
        if [run.status for run in made] != [RunStatus.MADE]:
            yield f"{month} has {'several reports' if len(made) > 1 else 'no report'}: {[str(run.status) for run in made]}"
            continue
        first = f"{stream_of(PLATFORM, month, report=MONTHLY_REPORT)}:1"
        if first not in posts and first + FALLBACK not in posts:
            yield f"{first} was made, but is not in Slack"


def _wrong_incidents(fleet: Fleet, transaction: Transaction) -> Iterator[str]:
    open_there = [one["dedup_key"] for one in fleet.simulator.state.pagerduty.incidents if one["resolved_at"] is None]
    states = [STATE_JSON.validate_python(row.state) for row in transaction.alerts.states(statuses=OPEN_PHASES)]
    incidents = [state.incident for state in states if state.incident is not None]
    wanted = [
        one.last_notification.page.dedup_key
        for one in incidents
        if one.last_notification is not None and one.last_notification.page is not None
    ]
    if len(open_there) != len(set(open_there)):
        yield f"one condition has several open incidents: {[key for key, count in Counter(open_there).items() if count > 1]}"
    by_alerts = {key for key in open_there if not key.startswith("by-hand:")}
    if by_alerts != set(wanted):
        yield f"open in PagerDuty {sorted(by_alerts)}, open here {sorted(wanted)}"


def wrong_pages(fleet: Fleet, components: Iterable[str], is_in_danger: InDanger) -> Iterator[str]:
    """Compare incidents with ScaleOps over consecutive complete sweeps.

    Open after the sweep that shows a danger (four if an incident was resolved within the day before), closed after two without.
    """
    incidents = fleet.simulator.state.pagerduty.incidents
    for component in components:
        key = f"{INSTANCE}:{Rule.UNDER_PROVISIONED}:{component}"
        mine = [one["resolved_at"] for one in incidents if one["dedup_key"] == key]
        is_open = None in mine
        flaps = any(at is not None and fleet.slot - datetime.fromisoformat(at) < FLAPS_WITHIN for at in mine)
        shown = [is_in_danger(component, as_of) for as_of in _complete_sweeps(fleet)]
        needed = 4 if flaps else 1
        if len(shown) >= needed and all(shown[:needed]) and not is_open:
            yield f"{component} is in danger for {needed} sweeps until {fleet.slot}, but no incident is open"
        if len(shown) >= 2 and not any(shown[:2]) and is_open:
            yield f"{component} is well for 2 sweeps until {fleet.slot}, but its incident is open"


def _complete_sweeps(fleet: Fleet) -> Iterator[datetime]:
    with fleet.store.reading() as transaction:
        slot = fleet.slot
        while (sweep := transaction.sweeps.get(slot)) is not None and _is_complete(sweep):
            yield slot
            slot -= fleet.every


def _is_complete(sweep: Sweep) -> bool:
    return sweep.evaluated_at is not None and sweep.unknown == 0 and sweep.measured == sweep.expected


def _gaps(fleet: Fleet, transaction: Transaction) -> Iterator[str]:
    """Every completed slot has a closed and evaluated sweep, until its retention ends."""
    sweeps = {sweep.as_of: sweep for sweep in transaction.sweeps.closed_between(fleet.begun, fleet.now)}
    if not sweeps:
        yield "no sweep was closed"
    # A day of grace: when an expired sweep is purged is not an invariant.
    may_be_gone = expired(
        {*fleet.completed, *sweeps}, reported=(), schedules=SCHEDULES, retention=Retention(), now=fleet.now + timedelta(days=1)
    )
    for slot in fleet.completed:
        if slot not in sweeps and slot not in may_be_gone:
            yield f"the slot of {slot} was completed, but has no closed sweep"
    for slot, sweep in sweeps.items():
        if sweep.evaluated_at is None:
            yield f"the sweep of {slot} was not evaluated"
        if sweep.measured + sweep.unknown != sweep.expected:
            yield f"the sweep of {slot} expected {sweep.expected}, but {sweep.measured} + {sweep.unknown} have an outcome"
