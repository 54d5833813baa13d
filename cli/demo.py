"""`demo`: runs the real stages over twelve simulated weeks of a company, against the simulator.

Reads no environment and no .env, has its own database, and rejects any address that is not loopback.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import click

from cli.demo_folder import DATABASE, DemoFolder, FinishedRun, files_in, finished_run
from cli.demo_run import DemoRun, SimulatedClock, message_kinds, report_posts, run_weeks
from cli.demo_story import render_story
from cli.output import say
from cli.serve import open_gateway
from cli.simulate import Simulation, running_simulator
from cli.simulator_client import SimulatorClient
from clients.http.loopback import is_loopback_host
from domain.money import format_count
from domain.months import MONTHLY_REPORT
from domain.refs import PLATFORM
from reports.links import PLATFORM_SLUG, percent_encode
from reports.render.index_page import slug_of
from tasks.context import StageContext
from tasks.report.due import teams_with_reports
from tasks.report.stage import stored_reports
from wiring.config_file import ConfigFile
from wiring.contexts import build_stage_context
from wiring.environment import resolve_settings
from wiring.loaded_config import LoadedConfig
from wiring.logs import configure_logs
from wiring.settings import Settings, SettingsError

if TYPE_CHECKING:
    pass

_TEAMS: Final[Mapping[str, Mapping[str, Any]]] = {
    "group:default/payments": {"timezone": "Europe/Madrid"},
    "group:default/storefront": {"monthly_budget": 3400},
    "group:default/data": {"quiet": True},
}
_LEADERSHIP_CHANNEL: Final = "C0LEADERS1"
_TEAM_ZONES: Final = {name: str(team["timezone"]) for name, team in _TEAMS.items() if "timezone" in team}
_PORT: Final = 8000
_INDEX: Final = "index.html"


@click.command()
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("demo-out"), show_default=True, help="Folder that is written."
)
@click.option(
    "--serve", is_flag=True, help="Serve the pages on this machine; runs the weeks only if the folder has no finished run."
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    help=f"Port of the pages; 0 takes a free one.  [default: that of the run, or {_PORT}]",
)
@click.option("--weeks", type=click.IntRange(1, 12), default=12, show_default=True, help="Number of weeks, the last ones.")
def demo(*, out: Path, serve: bool, port: int | None, weeks: int) -> None:
    r"""Run twelve simulated weeks: collect, evaluate, report, page. Needs no service and no settings.

    \b
    Example:
      scaleops-worker demo --serve
    """
    configure_logs(level="error", form="console")
    if serve:
        _serve(out, port=port, weeks=weeks)
    else:
        _run(out, port=port or _PORT, weeks=weeks)


def _run(out: Path, *, port: int, weeks: int) -> FinishedRun:
    from cli.demo_site import copy_pages  # noqa: PLC0415 - the gateway takes a second to import

    began = time.monotonic()
    folder = DemoFolder(out)
    with running_simulator(port=0, scenario="demo") as simulation:
        simulator = SimulatorClient(simulation.url)
        story = simulator.story()
        run = DemoRun.read(story, weeks=weeks, zones=("UTC", *_TEAM_ZONES.values()))
        clock = SimulatedClock(run.instants[0])
        simulator.move_clock(clock.now)
        installation = _installation(simulation, folder.database, story, port=port)
        with build_stage_context(installation, clock=clock) as context:
            run_weeks(run, context, simulator, clock)
            paths = _page_paths(context)
        messages, events, forms = simulator.slack_messages(), simulator.pagerduty_events(), simulator.slack_received()
        folder.write_messages(forms)
        folder.write_events(events)
        with open_gateway(installation, clock=clock, write_audit=_ignore) as gateway:
            copies = copy_pages(gateway, paths, public_url=_public_url(port))
        folder.write_pages(copies.files())
        index = render_story(
            story=story, messages=messages, forms=forms, received=events, zones=_TEAM_ZONES, weeks=weeks, target=copies.relative
        )
        folder.write_pages([(_INDEX, index)])
        finished = FinishedRun(version=version("scaleops-worker"), weeks=weeks, public_url=_public_url(port), ends_at=clock.now)
        folder.finish(finished)
        _print_summary(folder, simulator, seconds=time.monotonic() - began)
    return finished


def _public_url(port: int) -> str:
    return f"http://127.0.0.1:{port}"


def _installation(simulation: Simulation, database: Path, story: Mapping[str, Any], *, port: int) -> LoadedConfig:
    settings = {
        **simulation.settings,
        "DATABASE_URL": f"sqlite:///{database}",
        "WORKER_INSTANCE": "demo",
        "WORKER_SECRET_KEY": "a-secret-of-the-demo-only",
        "WORKER_PUBLIC_URL": _public_url(port),
        "SCALEOPS_LINK_TO_DASHBOARD": "false",  # the simulator has no dashboard
        "GATEWAY_AUTH": "none",
        "GATEWAY_PORT": str(port),
        "GATEWAY_RATE_LIMIT": "100000/min",
    }
    for name, value in settings.items():
        if value.startswith("http") and not is_loopback_host(urlsplit(value).hostname):
            message = f"{name} of the demo is not a loopback address; nothing was sent"
            raise SettingsError(message)
    config = ConfigFile.model_validate(
        {
            "clusters": {"non_production": story["non_production"]},
            "teams": _TEAMS,
            "monthly": {"slack_channel": _LEADERSHIP_CHANNEL},
        }
    )
    return LoadedConfig(resolved=resolve_settings(settings, None), config=config)


def _page_paths(context: StageContext) -> Sequence[str]:
    """Return the paths of the pages that the copies begin with: a page that no other links to is copied, too."""
    with context.store.reading() as transaction:
        teams = teams_with_reports(transaction)
        components = [one.ref for one in transaction.components.all()]
        months = [run.week for run in transaction.reports.runs_of(PLATFORM, MONTHLY_REPORT)]
    reports = [report for team in (*teams, None) for report in stored_reports(context, team)]
    return [
        "/reports",
        "/status",
        *(f"/reports/{percent_encode(slug_of(report))}/{report.week}" for report in reports),
        *(f"/reports/{percent_encode(PLATFORM_SLUG)}/{month}" for month in months),
        *(f"/components/{'/'.join(map(percent_encode, (ref.kind, ref.namespace, ref.name)))}" for ref in components),
    ]


def _print_summary(folder: DemoFolder, simulator: SimulatorClient, *, seconds: float) -> None:
    messages, incidents = simulator.slack_messages(), simulator.pagerduty_incidents()
    calls = sum(count for route, count in simulator.calls()["scaleops"].items() if not route.startswith("POST /auth/"))
    say("")
    for incident in incidents:
        say(_format_incident(incident))
    for kind, count in message_kinds(messages):
        say(f"{count:>6,}  {kind}")
    say(
        f"{len(report_posts(messages))} weekly reports, {len(messages)} Slack messages in all, "
        f"{format_count(len(incidents), 'PagerDuty incident')}; {calls:,} ScaleOps calls; {seconds:.0f} s"
    )
    say(f"open {folder.path / _INDEX}, or serve it with its links: scaleops-worker demo --serve")


def _format_incident(incident: Mapping[str, Any]) -> str:
    opened, resolved = incident["opened_at"], incident["resolved_at"]
    end = f"resolved {datetime.fromisoformat(resolved):%a %d %b %H:%M}" if resolved else "still open"
    return f"incident {incident['dedup_key']}: opened {datetime.fromisoformat(opened):%a %d %b %H:%M}, {end}"


def _serve(out: Path, *, port: int | None, weeks: int) -> None:
    """Serve the finished run of this version, else run first. The port is bound before anything takes time."""
    from cli.demo_site import DemoSite  # noqa: PLC0415 - the gateway takes a second to import
    from gateway.server import bind, build_server  # noqa: PLC0415 - as above

    finished = finished_run(out)
    if finished is not None and (finished.version, finished.weeks) != (version("scaleops-worker"), weeks):
        finished = None
    if port is None:
        port = _PORT if finished is None else urlsplit(finished.public_url).port or _PORT
    try:
        bound = bind(Settings(gateway_port=port))
    except SettingsError:
        message = f"port {port} of this machine is in use; choose another with --port"
        raise SettingsError(message) from None
    with closing(bound):
        port = int(bound.getsockname()[1])
        if finished is None:
            finished = _run(out, port=port, weeks=weeks)
        clock = SimulatedClock(finished.ends_at)
        with running_simulator(port=0, scenario="demo") as simulation:
            simulator = SimulatorClient(simulation.url)
            simulator.move_clock(clock.now)
            installation = _installation(simulation, out / DATABASE, simulator.story(), port=port)
            with open_gateway(installation, clock=clock, write_audit=_ignore) as gateway:
                bound.listen()
                say(f"the pages are at {_public_url(port)}/, as of {clock.now:%a %d %b %Y %H:%M} UTC; Ctrl-C stops the server")
                if finished.public_url != _public_url(port):
                    say(f"links in messages lead to {finished.public_url}, where the run expected the pages")
                build_server(DemoSite(gateway, out, lambda: files_in(out))).run(sockets=[bound])


def _ignore(line: str) -> None:
    """Write no audit log."""
