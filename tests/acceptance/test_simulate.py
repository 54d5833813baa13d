"""`simulate` serves the simulator while it runs, and stops it however it ends."""

import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import httpx
import pytest

from tests.services import loopback

COMMAND: Final = Path(sys.executable).parent / "scaleops-worker"
TIMEOUT_S: Final = 60


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])  # a shell may start us with SIGINT ignored
def test_the_simulator_ends_with_the_command(how: signal.Signals, tmp_path: Path) -> None:
    with subprocess.Popen(
        [COMMAND, "simulate", "--port", "0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path
    ) as process:
        assert process.stdout is not None
        name, _, address = process.stdout.readline().strip().partition("=")
        assert name == "SCALEOPS_BASE_URL"
        clock = address.removesuffix("/scaleops") + "/control/clock"
        assert loopback.get(clock).status_code == 200
        process.send_signal(how)
        try:
            process.wait(TIMEOUT_S)
        finally:
            process.kill()
    assert _is_gone(clock)


def _is_gone(address: str) -> bool:
    deadline = time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline:
        try:
            loopback.get(address, timeout=1)
        except httpx.TransportError:
            return True
    return False
