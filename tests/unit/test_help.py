"""Every command explains itself, with an example that stands on lines of its own."""

from __future__ import annotations

import re

import pytest
from click.testing import CliRunner

from cli.main import COMMANDS, door

_IN_GROUPS = [["alerts", "list"], ["alerts", "acknowledge"], ["alerts", "snooze"], ["outbox", "list"], ["outbox", "retry"]]


@pytest.mark.parametrize(
    "command", [*([name] for name in COMMANDS if name not in {"alerts", "outbox"}), *_IN_GROUPS], ids=" ".join
)
def test_a_command_is_explained_with_an_example(command: list[str]) -> None:
    told = CliRunner().invoke(door, [*command, "--help"], prog_name="scaleops-worker").output

    assert re.search(r"^  Examples?.*:\n    \S", told, re.MULTILINE), told
    assert "\\b" not in told
