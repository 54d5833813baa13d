"""Parts 3 to 5 of the tutorial in a shell, in their order: the wheel is installed, and sends for the first time, to mock services.

The folders /opt/scaleops-worker, /etc/scaleops-worker and /var/lib/scaleops-worker are folders of the test, the answers of `init`
and the ids of the channel and the component are those of the mock services. The packages that the wheel needs are installed from
the lock beforehand, so that pip downloads nothing. Part 5 is run by the line of cron; of its other ways test_howto_blocks.py says
what is checked.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from simulator import credentials
from simulator.serving import Simulator
from tests.services.documents import DOCS, CodeBlock, blocks_of
from tests.services.simulated import settings_of
from tests.services.terminals import answer_questions

ROOT: Final = DOCS.parent
BIN: Final = Path(sys.executable).parent
OWN_CHANNEL: Final = credentials.SLACK_DEFAULT_CHANNEL
HERE: Final = {"checkout": "checkoutservice", "C0123ABCD": OWN_CHANNEL}
"""What the reader of the tutorial replaces by names of their own."""


@dataclass(frozen=True, kw_only=True)
class FreshMachine:
    """A shell whose folders of the installation are in the folder of the test."""

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        return {
            "PATH": f"{self.place('/opt/scaleops-worker')}/bin:{BIN}:/usr/bin:/bin",
            "HOME": str(self.folder),
            "TERM": "dumb",
            "LANG": "C.UTF-8",
            # Of pip: no index, the build tools that are installed, and the wheel in the folder of the test.
            "PIP_NO_INDEX": "1",
            "PIP_NO_BUILD_ISOLATION": "0",
            "PIP_WHEEL_DIR": str(self.folder),
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        }

    def place(self, path: str) -> Path:
        return self.folder / path.lstrip("/").replace("/", "-")

    def local(self, script: str) -> str:
        """Return a script of the page for this machine."""
        for path in ("/opt/scaleops-worker", "/etc/scaleops-worker", "/var/lib/scaleops-worker"):
            script = script.replace(path, str(self.place(path)))
        return script

    def run(self, script: str, *, cwd: Path | None = None) -> str:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", self.local(script)],
            env=self.environment,
            cwd=cwd or self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stdout.count("Traceback")) == (0, 0), f"{script}\n{done.stdout}"
        return done.stdout


@pytest.fixture
def machine(tmp_path: Path) -> FreshMachine:
    """Return a machine with what the wheel needs, and nothing of the product."""
    machine = FreshMachine(folder=tmp_path)
    for folder in ("/etc/scaleops-worker", "/var/lib/scaleops-worker"):
        machine.place(folder).mkdir()
    venv, uv = machine.place("/opt/scaleops-worker"), BIN / "uv"
    subprocess.run([uv, "venv", "-q", "--python", sys.executable, venv], check=True)
    lock = ("--require-hashes", "-r", ROOT / "requirements" / "runtime.lock")
    subprocess.run([uv, "pip", "install", "-q", "--python", venv / "bin" / "python", *lock], check=True, env=dict(os.environ))
    return machine


def answers_for(simulator: Simulator) -> dict[str, str]:
    known = settings_of(simulator)
    return {
        "URL of the ScaleOps dashboard": known["SCALEOPS_BASE_URL"],
        "How to sign in to ScaleOps": "",
        "ScaleOps user": known["SCALEOPS_USER"],
        "Its password": known["SCALEOPS_PASSWORD"],
        "URL of the Backstage backend": known["BACKSTAGE_BASE_URL"],
        "Backstage token": known["BACKSTAGE_TOKEN"],
        "Currency of all amounts": "EUR",
        "Time zone of the reports": "Europe/Madrid",
        "Slack bot token": known["SLACK_BOT_TOKEN"],
        "Id of the Slack channel": OWN_CHANNEL,
        "PagerDuty integration key": "",
    }


def adapted(texts: Iterator[str]) -> Iterator[str]:
    for text in texts:
        changed = text
        for name, here in HERE.items():
            changed = changed.replace(name, here)
        yield changed


def cron_block(start: str) -> CodeBlock:
    (found,) = (block for block in blocks_of("how-to/cron.md") if block.command_lines[0].startswith(start))
    return found


@pytest.mark.parametrize("simulator", ["demo"], indirect=True)
def test_an_installation_is_made_looked_at_and_run(machine: FreshMachine, simulator: Simulator) -> None:
    install, first_steps = (block.text for block in blocks_of("tutorial.md", part="3."))
    look, configuration = adapted(block.text for block in blocks_of("tutorial.md", part="4."))

    machine.run("pip wheel --no-deps .", cwd=ROOT)
    shown = machine.run(f"{install}which scaleops-worker && scaleops-worker --version")
    assert shown.splitlines()[-2] == str(machine.place("/opt/scaleops-worker") / "bin" / "scaleops-worker")

    known = settings_of(simulator)
    mock_services = {name: known[name] for name in ("SLACK_BASE_URL", "PAGERDUTY_EVENTS_URL")}
    answers = answers_for(simulator)
    status, output = answer_questions(
        machine.local(first_steps), answers=answers, env=machine.environment | mock_services, cwd=machine.folder
    )
    assert (status, "FAIL" in output) == (0, False), output
    assert "Next:\r\n  scaleops-worker collect" in output
    assert known["SCALEOPS_PASSWORD"] not in output
    folder = machine.place("/etc/scaleops-worker")
    assert folder.joinpath(".env").stat().st_mode & 0o777 == 0o600

    machine.run(f"cd /etc/scaleops-worker\n{look}")
    assert simulator.state.slack.messages == []

    with folder.joinpath("scaleops-worker.yaml").open("a", encoding="utf-8") as file:
        file.write(configuration)
    with folder.joinpath(".env").open("a", encoding="utf-8") as file:
        file.write(machine.local(cron_block("DATABASE_URL=").text))
    machine.run(f'sudo() {{ "$@"; }}\n{cron_block("sudo mv").text}'.replace("-R scaleops ", "-R $(id -u) "))
    explained = machine.run("cd /etc/scaleops-worker && scaleops-worker explain checkoutservice")
    assert f"{OWN_CHANNEL}, by SLACK_DEFAULT_CHANNEL" in explained
    assert "pages       never" in explained
    assert "measured    none yet" not in explained

    *when, user, command = cron_block("*/10").command_lines[0].split(None, 6)
    assert (when, user) == (["*/10", "*", "*", "*", "*"], "scaleops")
    machine.run(command)
    assert {message["channel"] for message in simulator.state.slack.messages} == {OWN_CHANNEL}
    assert {event["event"]["event_action"] for event in simulator.state.pagerduty.events} == {"resolve"}  # of check-config
