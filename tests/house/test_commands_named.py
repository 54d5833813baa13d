"""Every command line in help texts, messages and documents names a command, and options, that exist."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from cli.main import COMMANDS, cli
from tests.services.commands import Run

ROOT = Path(__file__).parents[2]
PACKAGES = (
    "actions",
    "alerts",
    "cli",
    "clients",
    "deploy",
    "docs",
    "domain",
    "gateway",
    "mcp_server",
    "reports",
    "store",
    "tasks",
    "wiring",
    "worker",
)
FILES = [
    ROOT / "README.md",
    ROOT / "Makefile",
    ROOT / "compose.yaml",
    *(file for package in PACKAGES for file in sorted((ROOT / package).rglob("*")) if file.suffix in {".md", ".py", ".yaml"}),
]
AFTER_THE_NAME = re.compile(r"(?<![\w./@:-])scaleops-worker[ ]+([a-z][^`\n\"'|;&>#()]*)")
IN_BACKTICKS = re.compile(rf"`((?:{'|'.join(COMMANDS)}) [^`\n]*--[^`\n]*)`")


def command_lines(text: str) -> Iterator[str]:
    yield from AFTER_THE_NAME.findall(text)
    yield from IN_BACKTICKS.findall(text)


def problem_of(line: str) -> str:
    """Return what a command line names that does not exist."""
    words = _words(line)
    command: click.Command | None = cli.get_command(click.Context(cli), words[0])
    if command is None:
        return f"no command {words[0]}"
    rest = words[1:]
    if isinstance(command, click.Group) and rest and re.fullmatch(r"[a-z-]+", rest[0]):
        command = command.commands.get(rest[0])
        if command is None:
            return f"no command {words[0]} {rest[0]}"
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)} | {"--help"}
    return next((f"no option {word}" for word in rest if re.fullmatch(r"--[a-z-]+", word) and word not in known), "")


def _words(line: str) -> list[str]:
    try:
        words = shlex.split(line)
    except ValueError:
        words = line.split()
    return [word.rstrip(".,:;").partition("=")[0] for word in words]


PROSE = {
    "is",
    "has",
    "and",
    "itself",
    "uses",
    "did",
    "never",
    "of",
    "that",
    "needs",
    "reads",
    "in",
    "must",
    "a",
    "on",
    "migrated",
    "shared",
    "page",
    "routing",
}
"""Words after the name of the product in a sentence."""


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_a_file_names_commands_that_exist(file: Path) -> None:
    lines = [line for line in command_lines(file.read_text(encoding="utf-8")) if _words(line)[0] not in PROSE]

    assert {line: problem for line in lines if (problem := problem_of(line))} == {}


@pytest.mark.parametrize("arguments", [("outbox", "list"), ("alerts", "snooze"), ("collect",)])
def test_a_usage_error_names_the_help_of_its_command(run: Run, arguments: tuple[str, ...]) -> None:
    ran = run(*arguments, "--no-such-option")

    assert ran.err.endswith(f"(see scaleops-worker {' '.join(arguments)} --help)\n")
    assert ran.status == 2


def test_a_wrong_command_is_found() -> None:
    assert problem_of("no-such-thing") == "no command no-such-thing"
    assert problem_of("outbox frobnicate") == "no command outbox frobnicate"
    assert problem_of("outbox list --all-of-it") == "no option --all-of-it"
    assert not problem_of("outbox list --status failed.")
    assert list(command_lines("run `scaleops-worker migrate`, or `check-config --live`")) == ["migrate", "check-config --live"]
