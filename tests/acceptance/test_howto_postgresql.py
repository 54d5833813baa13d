"""The commands of docs/how-to/postgresql.md, each as a process, against a real PostgreSQL and Valkey and the mock services."""

import os
import shlex
import signal
import subprocess
import sys
from contextlib import ExitStack, closing
from pathlib import Path

import httpx

from simulator.serving import Simulator
from store import Store
from tests.services.documents import blocks_of
from tests.services.queues import QueueServer
from tests.services.simulated import settings_of
from tests.services.waiting import wait_until

COMMAND = Path(sys.executable).parent / "scaleops-worker"


def is_evaluated(store: Store) -> bool:
    with store.reading() as transaction:
        sweep = transaction.sweeps.newest_closed()
    return sweep is not None and sweep.evaluated_at is not None and sweep.measured > 0


def is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz").status_code == 200
    except httpx.TransportError:
        return False


def test_the_processes_run_together(
    tmp_path: Path, simulator: Simulator, empty_postgres_url: str, queues: QueueServer, free_port: int
) -> None:
    (block,) = (block for block in blocks_of("how-to/postgresql.md") if block.language == "bash")
    migrate, *processes = (shlex.split(line)[1:] for line in block.command_lines)
    own = {"DATABASE_URL": empty_postgres_url, "REDIS_URL": queues.url, "GATEWAY_AUTH": "none", "GATEWAY_PORT": str(free_port)}
    environment = {"PATH": os.environ["PATH"], "TMPDIR": str(tmp_path), **settings_of(simulator), **own}
    log = tmp_path / "log"

    subprocess.run([COMMAND, *migrate], cwd=tmp_path, env=environment, check=True)
    assert [arguments[0] for arguments in processes] == ["beat", "worker", "worker", "serve"]
    with ExitStack() as stack:
        output = stack.enter_context(log.open("ab"))
        started = [
            subprocess.Popen([COMMAND, *arguments], cwd=tmp_path, env=environment, stdout=output, stderr=output)
            for arguments in processes
        ]
        for process in started:
            stack.callback(process.wait)
            stack.callback(process.send_signal, signal.SIGTERM)
        store = stack.enter_context(closing(Store.open(empty_postgres_url)))
        wait_until("an evaluated sweep", lambda: is_evaluated(store), explain=log.read_text)
        wait_until("the gateway", lambda: is_ready(f"http://127.0.0.1:{free_port}"), explain=log.read_text)
    assert [process.returncode for process in started] == [0, 0, 0, 0]
    assert "Traceback" not in log.read_text()
