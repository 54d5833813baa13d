"""The commands of the tutorial's second part, run in their order against the mock services that it starts."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from simulator.serving import Simulator
from tests.services.commands import Run
from tests.services.simulated import settings_of

TUTORIAL: Final = Path(__file__).parents[2] / "docs" / "tutorial.md"


def commands_of(part: str) -> Iterator[str]:
    """Yield the command lines in the code blocks of a part."""
    text = TUTORIAL.read_text(encoding="utf-8").partition(f"\n## {part}")[2].partition("\n## ")[0]
    for block in re.findall(r"^```bash\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        yield from block.splitlines()


@pytest.mark.parametrize("simulator", ["demo"], indirect=True)
def test_the_commands_run(run: Run, simulator: Simulator) -> None:
    enter, simulate, *commands = commands_of("2.")
    Path(".env").write_text("".join(f"{name}={value}\n" for name, value in settings_of(simulator).items()), encoding="utf-8")

    assert (enter.partition(" ")[0], simulate) == ("mkdir", "scaleops-worker simulate > .env &")
    assert len(commands) > 5
    for command in commands:
        program, *arguments = shlex.split(command)
        assert program == "scaleops-worker"
        ran = run(*arguments)
        assert (ran.status, ran.err.count("Traceback")) == (0, 0), f"{command}\n{ran.out}\n{ran.err}"
