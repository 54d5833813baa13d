"""`worker` and `beat`: the processes of the distributed service, with the right options."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import click

from cli.session import open_installation
from store import Store
from wiring.clock import utc_now
from wiring.contexts import LoadedConfig
from wiring.services import required
from worker.liveness import BEAT, LivenessFile, is_redis_up, liveness_problem
from worker.schedule import QUEUES

if TYPE_CHECKING:  # imported when a process starts: Celery reads the environment at import, and takes its time
    from celery import Celery

METRICS_FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"
"""Where the processes of a worker write their metrics: read when the metrics are imported. `standalone` names one for both its workers."""


def _chosen_queues(_context: click.Context, _parameter: click.Parameter, value: str) -> tuple[str, ...]:
    chosen = {name.strip() for name in value.split(",")}
    unknown = sorted(chosen.difference(QUEUES))
    if unknown:
        message = f"there is no queue {', '.join(unknown)}; the queues are {', '.join(QUEUES)}"
        raise click.BadParameter(message)
    return tuple(name for name in QUEUES if name in chosen)


@click.command()
@click.option(
    "--queues",
    default=",".join(QUEUES),
    show_default=True,
    callback=_chosen_queues,
    help="Which queues to serve; in this order, whatever the order here.",
)
@click.option("--concurrency", type=click.IntRange(1, 64), default=4, show_default=True, help="Processes that work at a time.")
@click.option(
    "--metrics/--no-metrics", default=True, show_default=True, help="Serve metrics on WORKER_METRICS_PORT, when it is set."
)
@click.option(
    "--alive",
    is_flag=True,
    help="Start nothing: say by the exit status whether the worker of these queues on this machine lives. For a liveness probe.",
)
@click.pass_context
def worker(ctx: click.Context, *, queues: tuple[str, ...], concurrency: int, metrics: bool, alive: bool) -> None:
    r"""Work on what beat rings for: collect, evaluate, report, deliver. Needs REDIS_URL.

    Any number may run, on any number of machines. On SIGTERM what is under way may end (20 s), then it is handed back.

    \b
    Example, so that a slow ScaleOps can hold up no alert:
      scaleops-worker worker --queues collect
      scaleops-worker worker --queues evaluate,deliver
    """
    installation = open_installation()
    if alive:
        ctx.exit(_say_whether_alive(installation, queues))
    _try_store(installation)
    port = installation.settings.worker_metrics_port
    if port is None or not metrics:
        ctx.exit(run_worker(_app_of(installation), installation, queues=queues, concurrency=concurrency))
    with tempfile.TemporaryDirectory(prefix="scaleops-worker-metrics-") as folder:
        os.environ.setdefault(METRICS_FOLDER, folder)
        app = _app_of(installation)
        from worker.db_metrics import DatabaseCollector, read_health  # noqa: PLC0415 - as above
        from worker.metrics import serve  # noqa: PLC0415 - after the line above

        serve(port, DatabaseCollector(lambda: read_health(installation)))
        ctx.exit(run_worker(app, installation, queues=queues, concurrency=concurrency))


def run_worker(app: Celery, installation: LoadedConfig, *, queues: Sequence[str], concurrency: int) -> int:
    """Work until told to stop; answer the exit status."""
    process = app.Worker(
        hostname=f"{queues[0]}-{os.getpid()}@{socket.gethostname()}",
        queues=list(queues),
        concurrency=concurrency,
        pool="prefork",
        loglevel=installation.settings.log_level.upper(),
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
        quiet=True,
    )
    try:
        process.start()
    finally:
        LivenessFile(instance=installation.settings.instance, serves=queues).remove()
    return process.exitcode or 0


@click.command()
@click.option(
    "--alive",
    is_flag=True,
    help="Start nothing: say by the exit status whether the beat on this machine lives. For a liveness probe.",
)
@click.pass_context
def beat(ctx: click.Context, *, alive: bool) -> None:
    r"""Ring every stage once a minute. Needs REDIS_URL. One is enough; several do no harm.

    \b
    Example:
      scaleops-worker beat
    """
    installation = open_installation()
    if alive:
        ctx.exit(_say_whether_alive(installation, BEAT))
    run_beat(_app_of(installation), installation)


def run_beat(app: Celery, installation: LoadedConfig) -> None:
    """Ring until told to stop."""
    try:
        app.Beat(loglevel=installation.settings.log_level.upper(), quiet=True).run()
    finally:
        LivenessFile(instance=installation.settings.instance, serves=BEAT).remove()


def _app_of(installation: LoadedConfig) -> Celery:
    """Make the app. Only after the environment says how Celery is to take SIGTERM."""
    url = required(installation.settings.redis_url, "REDIS_URL", "the distributed worker")
    # SIGTERM: take nothing new, let what is under way end for a while, hand back the rest. Read by billiard when imported.
    os.environ["REMAP_SIGTERM"] = "SIGQUIT"
    from worker.app import build_app  # noqa: PLC0415 - after the line above
    from worker.context import open_worker_context  # noqa: PLC0415 - as above

    return build_app(
        url.get_secret_value(), instance=installation.settings.instance, open_context=lambda: open_worker_context(installation)
    )


def _try_store(installation: LoadedConfig) -> None:
    """Refuse to start on a database that cannot be used; nothing of it stays open over the fork."""
    Store.open(installation.settings.database_url.get_secret_value()).close()


def _say_whether_alive(installation: LoadedConfig, serves: Sequence[str]) -> int:
    """Answer 1, with a sentence, when the process on this machine that serves this should be started again."""
    url = required(installation.settings.redis_url, "REDIS_URL", "the distributed worker").get_secret_value()
    sign = LivenessFile(instance=installation.settings.instance, serves=serves)
    why_not = liveness_problem(sign, now=utc_now(), is_redis_up=lambda: is_redis_up(url))
    if why_not:
        click.echo(why_not, err=True)
    return 1 if why_not else 0
