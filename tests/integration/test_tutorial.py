"""The commands of the tutorial's second part, run in their order against the mock services that it starts.

The later parts: tests/acceptance/test_tutorial.py.
"""

import re
import shlex
from pathlib import Path

import httpx
import pytest

from simulator.serving import Simulator
from tests.services.commands import Run
from tests.services.documents import DOCS, blocks_of
from tests.services.simulated import settings_of

PART: str = (DOCS / "tutorial.md").read_text(encoding="utf-8").partition("\n## 2.")[2].partition("\n## ")[0]


def commands_named(start: str) -> list[str]:
    """Return the commands in the sentences and tables of the part."""
    return re.findall(rf"`({start}[^`]*)`", re.sub(r"```.*?```", "", PART, flags=re.DOTALL))


@pytest.mark.parametrize("simulator", ["demo"], indirect=True)
def test_the_commands_run(run: Run, simulator: Simulator) -> None:
    enter, simulate, *commands = (line for block in blocks_of("tutorial.md", part="2.") for line in block.command_lines)
    Path(".env").write_text("".join(f"{name}={value}\n" for name, value in settings_of(simulator).items()), encoding="utf-8")

    assert (enter.partition(" ")[0], simulate) == ("mkdir", "scaleops-worker simulate > .env &")
    assert len(commands) > 5
    for command in commands:
        program, *arguments = shlex.split(command)
        assert program == "scaleops-worker"
        ran = run(*arguments)
        assert (ran.status, ran.err.count("Traceback")) == (0, 0), f"{command}\n{ran.out}\n{ran.err}"


def test_the_settings_that_it_adds_are_valid_together(run: Run, simulator: Simulator) -> None:
    settings = dict(setting.split("=") for setting in commands_named("WORKER_[A-Z_]+="))
    ran = run("check-config", **settings_of(simulator), **settings)

    assert len(settings) > 1
    assert (ran.status, ran.err) == (0, "")


@pytest.mark.parametrize("command", commands_named("curl "))
def test_the_mock_services_can_be_looked_at_and_broken(simulator: Simulator, command: str) -> None:
    address, method, body = "", "GET", None
    words = iter(shlex.split(command)[1:])
    for word in words:
        match word:
            case "-X":
                method = next(words)
            case "-d":
                body = next(words)
            case "-H":
                assert next(words) == "Content-Type: application/json"
            case _:
                address = word
    assert address.startswith("http://127.0.0.1:8090/")
    url = address.replace("http://127.0.0.1:8090", simulator.url)
    response = httpx.request(method, url, content=body, headers={"Content-Type": "application/json"})

    assert response.status_code == 200
