"""Every command has a help text with an example on its own lines."""

import re

import pytest
from click.testing import CliRunner

from cli.alerts import alerts
from cli.main import COMMANDS, cli
from cli.outbox import outbox
from tests.services.commands import Run

_IN_GROUPS = [[group, name] for group, found in (("alerts", alerts), ("outbox", outbox)) for name in found.commands]


@pytest.mark.parametrize("command", [*([name] for name in COMMANDS), *_IN_GROUPS], ids=" ".join)
def test_the_help_of_a_command_has_an_example(command: list[str]) -> None:
    result = CliRunner().invoke(cli, [*command, "--help"], prog_name="scaleops-worker")
    text = result.output
    assert result.exit_code == 0
    assert "Usage: scaleops-worker" in text
    assert re.search(r"^  Examples?.*:\n    \S", text, re.MULTILINE), text
    assert "\\b" not in text


@pytest.mark.parametrize("arguments", [["--help"], ["alerts", "--help"], ["outbox", "--help"]], ids=" ".join)
def test_a_list_of_commands_is_never_cut(arguments: list[str]) -> None:
    text = CliRunner().invoke(cli, arguments, prog_name="scaleops-worker", terminal_width=80).output
    assert "..." not in text.replace("SUBCOMMAND", "").replace("[ARGS]...", "")


@pytest.mark.parametrize("group", [(), ("alerts",), ("outbox",)], ids=" ".join)
def test_a_group_alone_prints_its_help_on_several_lines(run: Run, group: tuple[str, ...]) -> None:
    ran = run(*group)
    assert ran.status == 2
    assert ran.err.startswith(f"Usage: {' '.join(('scaleops-worker', *group))} [OPTIONS] COMMAND [ARGS]...\n\n")


@pytest.mark.parametrize(
    ("arguments", "question"),
    [
        (("colect",), "No such command 'colect'. Did you mean 'collect'? (see scaleops-worker --help)"),
        (("alert", "list"), "No such command 'alert'. Did you mean 'alerts'? (see scaleops-worker --help)"),
        (("outbox", "retri"), "No such command 'retri'. Did you mean 'retry'? (see scaleops-worker outbox --help)"),
    ],
)
def test_a_misspelled_command_is_a_question(run: Run, arguments: tuple[str, ...], question: str) -> None:
    assert run(*arguments).err == f"scaleops-worker: {question}\n"
