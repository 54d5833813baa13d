"""Every command has a help text with an example on its own lines."""

import re

import pytest
from click.testing import CliRunner

from cli.main import COMMANDS, cli

_IN_GROUPS = [["alerts", "list"], ["alerts", "acknowledge"], ["alerts", "snooze"], ["outbox", "list"], ["outbox", "retry"]]


@pytest.mark.parametrize(
    "command", [*([name] for name in COMMANDS if name not in {"alerts", "outbox"}), *_IN_GROUPS], ids=" ".join
)
def test_the_help_of_a_command_has_an_example(command: list[str]) -> None:
    result = CliRunner().invoke(cli, [*command, "--help"], prog_name="scaleops-worker")
    text = result.output
    assert result.exit_code == 0
    assert "Usage: scaleops-worker" in text
    assert re.search(r"^  Examples?.*:\n    \S", text, re.MULTILINE), text
    assert "\\b" not in text
