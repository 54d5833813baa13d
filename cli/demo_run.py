"""The weeks of the demo: the instants at which the stages run, on a simulated clock, and what is printed meanwhile."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta, timezone
from typing import Any, Final
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.text import Text

from cli.output import progress_on
from cli.simulator_client import SimulatorClient
from domain.money import format_count
from domain.months import MONTHLY_REPORT, Month, MonthlySchedule
from domain.sweeps import slot_of
from domain.weeks import IsoWeek
from reports.render.slack_quiet import NOTHING_NEW
from store.queries.outbox_conditions import FALLBACK
from tasks.context import StageContext
from tasks.deliver.stage import deliver
from tasks.evaluate.manual import acknowledge_alert
from tasks.pipeline import run_once

_SLOT: Final = timedelta(hours=6)
_AFTER_SLOT: Final = timedelta(minutes=1)
_WATCHED_EVENTS: Final = ("oom-kills", "bad-release")
_WATCH_SLOT: Final = timedelta(minutes=15)
_WATCH_SLOTS: Final = 6
"""Watch sweeps after the begin and the end of these events. In all twelve weeks they would be 7,700 and take minutes."""
_REPORT_TIME: Final = time(9)
"""On Monday, when the reports are due in each zone."""
_MAX_WAIT: Final = timedelta(minutes=10)
"""Messages due within this time are sent before the next instant, on the simulated clock."""


@dataclass(frozen=True, kw_only=True)
class Acknowledgement:
    """What on-call acknowledges by the command line or the component's page."""

    alert: str
    at: datetime
    by: str


@dataclass(frozen=True, kw_only=True)
class DemoRun:
    """The events of the simulated weeks, and the instants at which the stages run."""

    instants: tuple[datetime, ...]
    events: tuple[tuple[datetime, str], ...]
    acknowledged: Acknowledgement
    faults: tuple[tuple[datetime, datetime, Mapping[str, Any]], ...]
    """(begin, end, fault of a simulated service)."""

    def faults_at(self, instant: datetime) -> Sequence[Mapping[str, Any]]:
        """Return the faults of the services at an instant."""
        return [fault for begin, end, fault in self.faults if begin <= instant < end]

    @classmethod
    def read(cls, story: Mapping[str, Any], *, weeks: int, zones: Iterable[str]) -> DemoRun:
        """Plan the end of each week, the hours its reports and the monthly roll-ups are due, every slot of the eventful week, and watch sweeps around the OOM kills.

        A sweep has the cost of seven days, so one at the end of each week measures every day of a month.
        """
        zones = tuple(zones)
        chosen = [IsoWeek.parse(week) for week in story["weeks"]][-weeks:]
        eventful = IsoWeek.parse(story["eventful_week"])
        zone = datetime.fromisoformat(story["begin"]).tzinfo
        instants: set[datetime] = set()
        for week in chosen:
            monday = datetime.combine(week.shift(1).monday, datetime.min.time(), tzinfo=zone)
            instants |= {monday + _AFTER_SLOT}
            instants |= {datetime.combine(monday.date(), _REPORT_TIME, tzinfo=ZoneInfo(name)) for name in zones}
            if week == eventful:
                instants |= {monday - number * _SLOT + _AFTER_SLOT for number in range(28)}
        for at in (datetime.fromisoformat(story["events"][event][end]) for event in _WATCHED_EVENTS for end in ("from", "until")):
            instants.add(slot_of(at, _SLOT) + _AFTER_SLOT)  # a watch sweep follows a full one
            instants |= {at + number * _WATCH_SLOT + _AFTER_SLOT for number in range(1, _WATCH_SLOTS + 1)}
        acknowledged = Acknowledgement(
            alert=story["acknowledged"]["alert"],
            at=datetime.fromisoformat(story["acknowledged"]["at"]),
            by=story["acknowledged"]["by"],
        )
        instants.add(acknowledged.at)
        faults = tuple(
            (datetime.fromisoformat(one["from"]), datetime.fromisoformat(one["until"]), one["fault"]) for one in story["faults"]
        )
        first = datetime.combine(chosen[0].monday, datetime.min.time(), tzinfo=zone)
        instants |= {first + 2 * _SLOT}
        for month_end, due in _roll_ups_due(first, max(instants)):
            instants |= {month_end + _AFTER_SLOT, due}  # a sweep at the end of the month, like that of a week
        events = []
        for event in story["events"].values():
            begins, ends = (datetime.fromisoformat(at) if at else None for at in (event["from"], event["until"]))
            if begins is not None and begins >= first:
                events.append((begins, event["what"]))
            if ends is not None and ends >= first:
                events.append((ends, event["ending"]))
        instants = {instant for instant in instants if instant >= first}
        return cls(instants=tuple(sorted(instants)), events=tuple(sorted(events)), acknowledged=acknowledged, faults=faults)


def _roll_ups_due(begin: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Yield the end of each month, and when its roll-up is due, in UTC."""
    schedule, month = MonthlySchedule(zone=ZoneInfo("UTC"), at=_REPORT_TIME), Month.of(begin)
    while (due := schedule.due_at(month)) <= end:
        yield month.ends_at, due
        month = month.shift(1)


class SimulatedClock:
    """A clock that only moves when set. Implements `domain.clock.Clock`."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        """Return the simulated instant."""
        return self.now


def run_weeks(run: DemoRun, context: StageContext, simulator: SimulatorClient, clock: SimulatedClock) -> None:
    """Run all stages at each instant, and print what happens."""
    console = Console(highlight=False)
    feed = EventFeed()
    upcoming = list(run.events)
    with progress_on(console) as progress:
        task = progress.add_task("running the weeks", total=len(run.instants))
        for instant in run.instants:
            while upcoming and upcoming[0][0] <= instant:
                at, what = upcoming.pop(0)
                console.print(Text(f"{at:%a %d %b %H:%M}  · {what}", style="dim italic"), soft_wrap=True)
            clock.now = instant
            simulator.move_clock(instant)
            if run.faults:
                simulator.plan_faults(run.faults_at(instant))
            if instant == run.acknowledged.at:
                acknowledge_alert(context, run.acknowledged.alert, by=run.acknowledged.by)
            progress.update(task, description=f"{instant:%a %d %b %Y %H:%M}")
            done = run_once(context)
            if done.collect_failure:
                console.print(Text(f"{instant:%a %d %b %H:%M}  {done.collect_failure}", style="red"))
            next_due = done.delivered.next_due
            while next_due is not None and next_due <= instant + _MAX_WAIT:
                clock.now = max(clock.now, next_due)
                simulator.move_clock(clock.now)
                next_due = deliver(context).next_due
            for line in feed.news(simulator):
                console.print(line, soft_wrap=True)
            progress.advance(task)


class EventFeed:
    """Formats what Slack and PagerDuty received since the last call."""

    def __init__(self) -> None:
        self._messages = self._events = 0

    def news(self, simulator: SimulatorClient) -> Iterator[Text]:
        """Yield a line for each new event, pages first."""
        events, messages = simulator.pagerduty_events(after=self._events), simulator.slack_messages(after=self._messages)
        self._events += len(events)
        self._messages += len(messages)
        for received in events:
            event, at = received["event"], datetime.fromisoformat(received["received_at"])
            what = event.get("payload", {}).get("summary") or event["dedup_key"]
            style = {"trigger": "bold red", "resolve": "bold green"}.get(event["event_action"], "bold")
            yield Text(f"{at:%a %d %b %H:%M}  PagerDuty {event['event_action']}: {what}", style=style)
        for message in messages:
            if not is_report(message) and not message.get("thread_ts"):
                first_line = str(message.get("text", "")).partition("\n")[0]
                yield Text(f"{posted_at(message):%a %d %b %H:%M}  Slack {message['channel']}: {first_line}", style="yellow")
        posted = report_posts(messages)
        if posted:
            at = posted_at(posted[0])
            week = message_key(posted[0]).split(":")[-3]
            yield Text(f"{at:%a %d %b %H:%M}  {week}: {format_count(len(posted), 'weekly report')} posted to Slack", style="cyan")


def message_key(message: Mapping[str, Any]) -> str:
    """Return the key of a message: it names what the message is about."""
    return str(message.get("metadata", {}).get("event_payload", {}).get("key", ""))


def is_report(message: Mapping[str, Any]) -> bool:
    """Return True for a weekly report, its thread included."""
    key = message_key(message)
    return key.startswith("report:weekly:") and not key.endswith(FALLBACK)


def report_posts(messages: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the first message of each weekly report."""
    return [message for message in messages if is_report(message) and not message.get("thread_ts")]


def posted_at(message: Mapping[str, Any]) -> datetime:
    """Return when Slack accepted a message."""
    return datetime.fromtimestamp(float(message["ts"]), tz=timezone.utc)


def message_kinds(messages: Iterable[Mapping[str, Any]]) -> Sequence[tuple[str, int]]:
    """Return the kinds of messages and how many there are of each, the most frequent first."""
    return Counter(map(kind_of, messages)).most_common()


def kind_of(message: Mapping[str, Any]) -> str:
    """Return what kind of message this is, by its key."""
    parts = message_key(message).split(":")
    if message_key(message).endswith(FALLBACK):
        return "undeliverable, sent to the platform channel"
    kind = f"{parts[0]}: {parts[1] if len(parts) > 1 else ''}"
    if parts[:2] == ["report", MONTHLY_REPORT]:
        kind = "monthly roll-up"
    elif is_report(message):
        kind = "weekly report of all teams" if parts[2] == "platform" else "weekly report of a team"
        kind = "quiet week of a team" if NOTHING_NEW in str(message.get("text", "")) else kind
    return f"{kind}, in its thread" if message.get("thread_ts") not in {None, message["ts"]} else kind
