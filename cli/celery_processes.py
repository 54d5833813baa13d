"""`worker` and `beat`: the processes of the distributed service, with the right options."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import click

from cli.installation import open_installation
from cli.streams import say_error
from wiring.clock import utc_now
from wiring.loaded_config import LoadedConfig
from wiring.settings import required
from worker.liveness import BEAT, LivenessFile, is_redis_up, liveness_problem
from worker.schedule import QUEUES

if TYPE_CHECKING:  # imported when a process starts: Celery reads the environment at import, and takes its time
    from celery import Celery

METRICS_FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"
"""Folder of the metrics of a worker's processes, read at import. `standalone` sets one for both its workers."""


def _chosen_queues(_context: click.Context, _parameter: click.Parameter, value: str) -> tuple[str, ...]:
    chosen = {name.strip() for name in value.split(",")}
    unknown = sorted(chosen.difference(QUEUES))
    if unknown:
        message = f"unknown queue {', '.join(unknown)}; the queues are {', '.join(QUEUES)}"
        raise click.BadParameter(message)
    return tuple(name for name in QUEUES if name in chosen)


@click.command()
@click.option(
    "--queues",
    default=",".join(QUEUES),
    show_default=True,
    callback=_chosen_queues,
    help="Queues to consume, always in this order of priority.",
)
@click.option("--concurrency", type=click.IntRange(1, 64), default=4, show_default=True, help="Worker processes.")
@click.option(
    "--metrics/--no-metrics", default=True, show_default=True, help="Serve metrics on WORKER_METRICS_PORT, when it is set."
)
@click.option(
    "--alive", is_flag=True, help="Liveness probe: exit 0 if the worker of these queues on this machine is alive; starts nothing."
)
@click.pass_context
def worker(ctx: click.Context, *, queues: tuple[str, ...], concurrency: int, metrics: bool, alive: bool) -> None:
    r"""Run a worker (Celery) for collect, watch, evaluate, report and deliver. Requires REDIS_URL.

    Any number may run, on any number of machines. On SIGTERM running tasks have 20 s to finish; then they are requeued.

    \b
    Example, so that a slow ScaleOps cannot delay alerts:
      scaleops-worker worker --queues watch,collect
      scaleops-worker worker --queues evaluate,deliver
    """
    installation = open_installation()
    if alive:
        ctx.exit(_print_liveness(installation, queues))
    _check_store(installation)
    port = installation.settings.worker_metrics_port
    if port is None or not metrics:
        ctx.exit(run_worker(_app_of(installation), installation, queues=queues, concurrency=concurrency))
    with tempfile.TemporaryDirectory(prefix="scaleops-worker-metrics-") as folder:
        os.environ.setdefault(METRICS_FOLDER, folder)
        app = _app_of(installation)
        from worker.db_metrics import DatabaseCollector, read_health  # noqa: PLC0415 - as above
        from worker.metrics import serve  # noqa: PLC0415 - after the line above

        serve(installation.settings.worker_metrics_host, port, DatabaseCollector(lambda: read_health(installation)))
        ctx.exit(run_worker(app, installation, queues=queues, concurrency=concurrency))


def run_worker(app: Celery, installation: LoadedConfig, *, queues: Sequence[str], concurrency: int) -> int:
    """Run until stopped; return the exit status."""
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
    file = LivenessFile(instance=installation.settings.instance, serves=queues)
    file.touch()
    try:
        process.start()
    finally:
        file.remove()
    return process.exitcode or 0


@click.command()
@click.option("--alive", is_flag=True, help="Liveness probe: exit 0 if the scheduler on this machine is alive; starts nothing.")
@click.pass_context
def beat(ctx: click.Context, *, alive: bool) -> None:
    r"""Run the scheduler (Celery beat). Requires REDIS_URL. One is enough; several do no harm.

    \b
    Example:
      scaleops-worker beat
    """
    installation = open_installation()
    if alive:
        ctx.exit(_print_liveness(installation, BEAT))
    run_beat(_app_of(installation), installation)


def run_beat(app: Celery, installation: LoadedConfig) -> None:
    """Run until stopped."""
    file = LivenessFile(instance=installation.settings.instance, serves=BEAT)
    file.touch()
    try:
        app.Beat(loglevel=installation.settings.log_level.upper(), quiet=True).run()
    finally:
        file.remove()


def _app_of(installation: LoadedConfig) -> Celery:
    """Build the Celery app, after setting how it handles SIGTERM."""
    url = required(installation.settings.redis_url, "REDIS_URL", "the distributed worker")
    # SIGTERM: accept no new task, let running ones finish for a while, requeue the rest. billiard reads this at import.
    os.environ["REMAP_SIGTERM"] = "SIGQUIT"
    from worker.app import build_app  # noqa: PLC0415 - after the line above
    from worker.context import open_worker_context  # noqa: PLC0415 - as above

    return build_app(
        url.get_secret_value(), instance=installation.settings.instance, open_context=lambda: open_worker_context(installation)
    )


def _check_store(installation: LoadedConfig) -> None:
    """Raise if the database cannot be used. Closed again: no connection may be open across the fork."""
    from wiring.contexts import open_store  # noqa: PLC0415 - takes its time, and a liveness probe needs no database

    open_store(installation.settings).close()


def _print_liveness(installation: LoadedConfig, serves: Sequence[str]) -> int:
    """Return 1, with a sentence on stderr, if the process should be restarted."""
    url = required(installation.settings.redis_url, "REDIS_URL", "the distributed worker").get_secret_value()
    file = LivenessFile(instance=installation.settings.instance, serves=serves)
    problem = liveness_problem(file, now=utc_now(), is_redis_up=lambda: is_redis_up(url))
    if problem:
        say_error(problem)
    return 1 if problem else 0
