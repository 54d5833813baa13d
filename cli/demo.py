"""`demo`: twelve simulated weeks of a company, lived through by the real stages against stand-in services.

Reads no environment and no .env, keeps its own database, and refuses any address that is not this machine.
"""

from __future__ import annotations

import functools
import http.server
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from cli.demo_folder import DemoFolder
from cli.simulator_client import SimulatorClient
from cli.simulator_process import Simulation, running_simulator
from clients.http.loopback import is_loopback_host
from domain.money import format_count
from domain.weeks import IsoWeek
from tasks.context import StageContext
from tasks.deliver.stage import deliver
from tasks.pipeline import run_once
from tasks.report.due import teams_with_reports
from tasks.report.stage import stored_reports
from wiring.config_file import ConfigFile
from wiring.contexts import LoadedConfig, build_stage_context
from wiring.environment import resolve_settings
from wiring.logs import configure_logs
from wiring.settings import SettingsError

_SLOT: Final = timedelta(hours=6)
_AFTER_THE_SLOT: Final = timedelta(minutes=1)
_REPORT_HOUR: Final = timedelta(hours=9)
"""Monday morning, when the reports are due."""
_PATIENCE: Final = timedelta(minutes=10)
"""What was put off for no longer than this is waited for, on the simulated clock."""


@click.command()
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("demo-out"), show_default=True, help="Folder that is written."
)
@click.option("--serve", is_flag=True, help="Keep the pages up on this machine afterwards.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="Port of --serve; 0 takes a free one."
)
@click.option(
    "--weeks", type=click.IntRange(1, 12), default=12, show_default=True, help="Live through the last so many weeks only."
)
def demo(*, out: Path, serve: bool, port: int, weeks: int) -> None:
    r"""Live through twelve simulated weeks: collect, judge, report, page. Needs nothing but this machine.

    \b
    Example:
      scaleops-worker demo --serve
    """
    configure_logs(level="error", form="console")
    began = time.monotonic()
    folder = DemoFolder(out)
    with running_simulator(port=0, scenario="demo") as simulation:
        desk = SimulatorClient(simulation.url)
        story = DemoRun.read(desk.story(), weeks=weeks)
        clock = SimulatedClock(story.instants[0])
        desk.move_clock(clock.now)
        with build_stage_context(_installation(simulation, folder, story), clock=clock) as context:
            _live_through(story, context, desk, clock)
            _write_down(folder, context, desk)
        _conclude(folder, desk, seconds=time.monotonic() - began)
    if serve:
        _serve(folder.path, port)


@dataclass(frozen=True, kw_only=True)
class DemoRun:
    """What happens, and the instants at which the worker is run."""

    instants: tuple[datetime, ...]
    events: tuple[tuple[datetime, str], ...]
    non_production: tuple[str, ...]

    @classmethod
    def read(cls, told: Mapping[str, Any], *, weeks: int) -> DemoRun:
        """Plan two slots around the end of each week, and every slot of the eventful one."""
        chosen = [IsoWeek.parse(week) for week in told["weeks"]][-weeks:]
        eventful = IsoWeek.parse(told["eventful_week"])
        zone = datetime.fromisoformat(told["begin"]).tzinfo
        instants: set[datetime] = set()
        for week in chosen:
            monday = datetime.combine(week.shift(1).monday, datetime.min.time(), tzinfo=zone)
            instants |= {monday + _AFTER_THE_SLOT, monday + _REPORT_HOUR}
            if week == eventful:
                instants |= {monday - number * _SLOT + _AFTER_THE_SLOT for number in range(28)}
        first = datetime.combine(chosen[0].monday, datetime.min.time(), tzinfo=zone)
        instants.add(first + 2 * _SLOT)
        events = []
        for event in told["events"].values():
            begins, ends = (datetime.fromisoformat(at) if at else None for at in (event["from"], event["until"]))
            if begins is not None and begins >= first:
                events.append((begins, event["what"]))
            if ends is not None and ends >= first:
                events.append((ends, f"Over: {event['what'][0].lower()}{event['what'][1:]}"))
        return cls(instants=tuple(sorted(instants)), events=tuple(sorted(events)), non_production=tuple(told["non_production"]))


class SimulatedClock:
    """Stands still until it is moved. Called as `domain.clock.Clock`."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        """Answer the simulated instant."""
        return self.now


def _installation(simulation: Simulation, folder: DemoFolder, story: DemoRun) -> LoadedConfig:
    settings = {
        **simulation.settings,
        "DATABASE_URL": f"sqlite:///{folder.database}",
        "WORKER_INSTANCE": "demo",
        "WORKER_SECRET_KEY": "a-secret-of-the-demo-only",
    }
    for name, value in settings.items():
        if value.startswith("http") and not is_loopback_host(urlsplit(value).hostname):
            message = f"{name} of the demo does not lead to this machine; nothing was sent"
            raise SettingsError(message)
    config = ConfigFile.model_validate(
        {
            "clusters": {"non_production": list(story.non_production)},
            "teams": {
                "group:default/payments": {"timezone": "Europe/Madrid"},
                "group:default/storefront": {"monthly_budget": 9000},
            },
        }
    )
    return LoadedConfig(resolved=resolve_settings(settings, None), config=config)


def _live_through(story: DemoRun, context: StageContext, desk: SimulatorClient, clock: SimulatedClock) -> None:
    console = Console(highlight=False)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    heard = EventFeed()
    coming = list(story.events)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("living through the weeks", total=len(story.instants))
        for instant in story.instants:
            while coming and coming[0][0] <= instant:
                at, what = coming.pop(0)
                console.print(Text(f"{at:%a %d %b %H:%M}  · {what}", style="dim italic"), soft_wrap=True)
            clock.now = instant
            desk.move_clock(instant)
            progress.update(task, description=f"{instant:%a %d %b %Y %H:%M}")
            done = run_once(context)
            if done.collect_failure:
                console.print(Text(f"{instant:%a %d %b %H:%M}  {done.collect_failure}", style="red"))
            next_due = done.delivered.next_due
            while next_due is not None and next_due <= instant + _PATIENCE:
                clock.now = max(clock.now, next_due)
                desk.move_clock(clock.now)
                next_due = deliver(context).next_due
            for line in heard.news(desk):
                console.print(line, soft_wrap=True)
            progress.advance(task)


class EventFeed:
    """Turns what Slack and PagerDuty received since it was asked last into lines of the story."""

    def __init__(self) -> None:
        self._messages = self._events = 0

    def news(self, desk: SimulatorClient) -> Iterator[Text]:
        """Tell what is new, pages first."""
        events, messages = desk.pagerduty_events(after=self._events), desk.slack_messages(after=self._messages)
        self._events += len(events)
        self._messages += len(messages)
        for told in events:
            event, at = told["event"], datetime.fromisoformat(told["received_at"])
            what = event.get("payload", {}).get("summary") or event["dedup_key"]
            style = {"trigger": "bold red", "resolve": "bold green"}.get(event["event_action"], "bold")
            yield Text(f"{at:%a %d %b %H:%M}  PagerDuty {event['event_action']}: {what}", style=style)
        reports = [message for message in messages if _key_of(message).startswith("report:weekly:")]
        for message in messages:
            if message not in reports and not message.get("thread_ts"):
                at = datetime.fromtimestamp(float(message["ts"]), tz=timezone.utc)
                yield Text(f"{at:%a %d %b %H:%M}  Slack {message['channel']}: {_first_line(message)}", style="yellow")
        whole = [message for message in reports if not message.get("thread_ts")]
        if whole:
            at = datetime.fromtimestamp(float(whole[0]["ts"]), tz=timezone.utc)
            week = _key_of(whole[0]).split(":")[-3]
            yield Text(f"{at:%a %d %b %H:%M}  {week}: {format_count(len(whole), 'weekly report')} posted to Slack", style="cyan")


def _key_of(message: Mapping[str, Any]) -> str:
    return str(message.get("metadata", {}).get("event_payload", {}).get("key", ""))


def _first_line(message: Mapping[str, Any]) -> str:
    return str(message.get("text", "")).partition("\n")[0]


def _write_down(folder: DemoFolder, context: StageContext, desk: SimulatorClient) -> None:
    folder.write_messages(desk.slack_messages())
    folder.write_events(desk.pagerduty_events())
    with context.store.reading() as transaction:
        teams = teams_with_reports(transaction)
    folder.write_pages(
        [report for team in (*teams, None) for report in stored_reports(context, team)], instance=context.policy.instance
    )


def _conclude(folder: DemoFolder, desk: SimulatorClient, *, seconds: float) -> None:
    messages, incidents = desk.slack_messages(), desk.pagerduty_incidents()
    reports = [message for message in messages if _key_of(message).startswith("report:weekly:") and not message.get("thread_ts")]
    asked = sum(count for route, count in desk.calls()["scaleops"].items() if not route.startswith("POST /auth/"))
    console = Console(highlight=False)
    console.print()
    for incident in incidents:
        console.print(Text(_life_of(incident)), soft_wrap=True)
    console.print(
        Text(
            f"{len(reports)} weekly reports, {len(messages)} Slack messages in all, {len(incidents)} PagerDuty incident"
            f"{'' if len(incidents) == 1 else 's'}; ScaleOps was asked {asked:,} times; {seconds:.0f} s"
        ),
        soft_wrap=True,
    )
    console.print(Text(f"open {folder.path / 'index.html'}", style="bold"))


def _life_of(incident: Mapping[str, Any]) -> str:
    opened, resolved = incident["opened_at"], incident["resolved_at"]
    end = f"resolved {datetime.fromisoformat(resolved):%a %d %b %H:%M}" if resolved else "still open"
    return f"incident {incident['dedup_key']}: opened {datetime.fromisoformat(opened):%a %d %b %H:%M}, {end}"


def _serve(path: Path, port: int) -> None:
    handler = functools.partial(_QuietHandler, directory=str(path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", port), handler) as server:
        click.echo(f"the pages are at http://127.0.0.1:{server.server_address[1]}/ ; Ctrl-C ends it")
        server.serve_forever()


class _QuietHandler(http.server.SimpleHTTPRequestHandler):
    """Serves files without a line for each."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the signature of http.server
        """Say nothing."""
