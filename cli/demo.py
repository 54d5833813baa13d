"""`demo`: runs the real stages over twelve simulated weeks of a company, against the simulator.

Reads no environment and no .env, has its own database, and rejects any address that is not loopback.
"""

from __future__ import annotations

import functools
import http.server
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import click
from rich.console import Console
from rich.text import Text

from cli.demo_folder import DemoFolder
from cli.output import progress_on, say
from cli.simulate import Simulation, running_simulator
from cli.simulator_client import SimulatorClient
from clients.http.loopback import is_loopback_host
from domain.money import format_count
from domain.weeks import IsoWeek
from tasks.context import StageContext
from tasks.deliver.stage import deliver
from tasks.pipeline import run_once
from tasks.report.due import teams_with_reports
from tasks.report.stage import stored_reports
from wiring.config_file import ConfigFile
from wiring.contexts import build_stage_context
from wiring.environment import resolve_settings
from wiring.loaded_config import LoadedConfig
from wiring.logs import configure_logs
from wiring.settings import SettingsError

_SLOT: Final = timedelta(hours=6)
_AFTER_SLOT: Final = timedelta(minutes=1)
_WATCHED_EVENT: Final = "oom-kills"
_WATCH_SLOT: Final = timedelta(minutes=15)
_WATCH_SLOTS: Final = 6
"""Watch sweeps after the begin and the end of that event. In all twelve weeks they would be 7,700 and take minutes."""
_REPORT_HOUR: Final = timedelta(hours=9)
"""Monday morning, when the reports are due."""
_MAX_WAIT: Final = timedelta(minutes=10)
"""Messages due within this time are sent before the next instant, on the simulated clock."""


@click.command()
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("demo-out"), show_default=True, help="Folder that is written."
)
@click.option("--serve", is_flag=True, help="Serve the pages on this machine afterwards.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="Port of --serve; 0 takes a free one."
)
@click.option("--weeks", type=click.IntRange(1, 12), default=12, show_default=True, help="Number of weeks, the last ones.")
def demo(*, out: Path, serve: bool, port: int, weeks: int) -> None:
    r"""Run twelve simulated weeks: collect, evaluate, report, page. Needs no service and no settings.

    \b
    Example:
      scaleops-worker demo --serve
    """
    configure_logs(level="error", form="console")
    began = time.monotonic()
    folder = DemoFolder(out)
    with running_simulator(port=0, scenario="demo") as simulation:
        simulator = SimulatorClient(simulation.url)
        run = DemoRun.read(simulator.story(), weeks=weeks)
        clock = SimulatedClock(run.instants[0])
        simulator.move_clock(clock.now)
        with build_stage_context(_installation(simulation, folder, run), clock=clock) as context:
            _run_weeks(run, context, simulator, clock)
            _write_folder(folder, context, simulator)
        _print_summary(folder, simulator, seconds=time.monotonic() - began)
    if serve:
        _serve(folder.path, port)


@dataclass(frozen=True, kw_only=True)
class DemoRun:
    """The events of the simulated weeks, and the instants at which the stages run."""

    instants: tuple[datetime, ...]
    events: tuple[tuple[datetime, str], ...]
    non_production: tuple[str, ...]

    @classmethod
    def read(cls, story: Mapping[str, Any], *, weeks: int) -> DemoRun:
        """Plan two instants around the end of each week, every slot of the eventful week, and the watch sweeps around the OOM kills."""
        chosen = [IsoWeek.parse(week) for week in story["weeks"]][-weeks:]
        eventful = IsoWeek.parse(story["eventful_week"])
        zone = datetime.fromisoformat(story["begin"]).tzinfo
        instants: set[datetime] = set()
        for week in chosen:
            monday = datetime.combine(week.shift(1).monday, datetime.min.time(), tzinfo=zone)
            instants |= {monday + _AFTER_SLOT, monday + _REPORT_HOUR}
            if week == eventful:
                instants |= {monday - number * _SLOT + _AFTER_SLOT for number in range(28)}
        for at in (story["events"][_WATCHED_EVENT][end] for end in ("from", "until")):
            instants |= {datetime.fromisoformat(at) + number * _WATCH_SLOT + _AFTER_SLOT for number in range(1, _WATCH_SLOTS + 1)}
        first = datetime.combine(chosen[0].monday, datetime.min.time(), tzinfo=zone)
        instants.add(first + 2 * _SLOT)
        events = []
        for event in story["events"].values():
            begins, ends = (datetime.fromisoformat(at) if at else None for at in (event["from"], event["until"]))
            if begins is not None and begins >= first:
                events.append((begins, event["what"]))
            if ends is not None and ends >= first:
                events.append((ends, f"Over: {event['what'][0].lower()}{event['what'][1:]}"))
        instants = {instant for instant in instants if instant >= first}
        return cls(instants=tuple(sorted(instants)), events=tuple(sorted(events)), non_production=tuple(story["non_production"]))


class SimulatedClock:
    """A clock that only moves when set. Implements `domain.clock.Clock`."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        """Return the simulated instant."""
        return self.now


def _installation(simulation: Simulation, folder: DemoFolder, run: DemoRun) -> LoadedConfig:
    settings = {
        **simulation.settings,
        "DATABASE_URL": f"sqlite:///{folder.database}",
        "WORKER_INSTANCE": "demo",
        "WORKER_SECRET_KEY": "a-secret-of-the-demo-only",
    }
    for name, value in settings.items():
        if value.startswith("http") and not is_loopback_host(urlsplit(value).hostname):
            message = f"{name} of the demo is not a loopback address; nothing was sent"
            raise SettingsError(message)
    config = ConfigFile.model_validate(
        {
            "clusters": {"non_production": list(run.non_production)},
            "teams": {
                "group:default/payments": {"timezone": "Europe/Madrid"},
                "group:default/storefront": {"monthly_budget": 9000},
            },
        }
    )
    return LoadedConfig(resolved=resolve_settings(settings, None), config=config)


def _run_weeks(run: DemoRun, context: StageContext, simulator: SimulatorClient, clock: SimulatedClock) -> None:
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
            if not _is_report(message) and not message.get("thread_ts"):
                first_line = str(message.get("text", "")).partition("\n")[0]
                yield Text(f"{_posted_at(message):%a %d %b %H:%M}  Slack {message['channel']}: {first_line}", style="yellow")
        posted = _report_posts(messages)
        if posted:
            at = _posted_at(posted[0])
            week = _key_of(posted[0]).split(":")[-3]
            yield Text(f"{at:%a %d %b %H:%M}  {week}: {format_count(len(posted), 'weekly report')} posted to Slack", style="cyan")


def _key_of(message: Mapping[str, Any]) -> str:
    return str(message.get("metadata", {}).get("event_payload", {}).get("key", ""))


def _is_report(message: Mapping[str, Any]) -> bool:
    return _key_of(message).startswith("report:weekly:")


def _report_posts(messages: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [message for message in messages if _is_report(message) and not message.get("thread_ts")]


def _posted_at(message: Mapping[str, Any]) -> datetime:
    return datetime.fromtimestamp(float(message["ts"]), tz=timezone.utc)


def _write_folder(folder: DemoFolder, context: StageContext, simulator: SimulatorClient) -> None:
    folder.write_messages(simulator.slack_messages())
    folder.write_events(simulator.pagerduty_events())
    with context.store.reading() as transaction:
        teams = teams_with_reports(transaction)
    folder.write_pages(
        [report for team in (*teams, None) for report in stored_reports(context, team)], instance=context.policy.instance
    )


def _print_summary(folder: DemoFolder, simulator: SimulatorClient, *, seconds: float) -> None:
    messages, incidents = simulator.slack_messages(), simulator.pagerduty_incidents()
    calls = sum(count for route, count in simulator.calls()["scaleops"].items() if not route.startswith("POST /auth/"))
    say("")
    for incident in incidents:
        say(_format_incident(incident))
    say(
        f"{len(_report_posts(messages))} weekly reports, {len(messages)} Slack messages in all, "
        f"{format_count(len(incidents), 'PagerDuty incident')}; {calls:,} ScaleOps calls; {seconds:.0f} s"
    )
    say(f"open {folder.path / 'index.html'}")


def _format_incident(incident: Mapping[str, Any]) -> str:
    opened, resolved = incident["opened_at"], incident["resolved_at"]
    end = f"resolved {datetime.fromisoformat(resolved):%a %d %b %H:%M}" if resolved else "still open"
    return f"incident {incident['dedup_key']}: opened {datetime.fromisoformat(opened):%a %d %b %H:%M}, {end}"


def _serve(path: Path, port: int) -> None:
    handler = functools.partial(_QuietHandler, directory=str(path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", port), handler) as server:
        click.echo(f"the pages are at http://127.0.0.1:{server.server_address[1]}/ ; Ctrl-C stops the server")
        server.serve_forever()


class _QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the signature of http.server
        """Log nothing."""
