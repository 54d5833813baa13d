"""What a reader copies from README, the tutorial and docs/how-to loads, and each name in it exists.

Run are the blocks of the tutorial (tests/integration/test_tutorial.py, tests/acceptance/test_tutorial.py) and of PostgreSQL
(tests/acceptance/test_howto_postgresql.py); UNCHECKED says what no test runs, and why.
"""

import json
import re
import shlex
from collections.abc import Iterator
from configparser import RawConfigParser
from pathlib import Path
from typing import Any, Final

import click
import jsonschema
import pytest
import yaml

from cli.main import cli
from tests.house.test_commands_named import problem_of
from tests.services.commands import Run
from tests.services.documents import DOCS, CodeBlock, blocks_of
from wiring.config_file import ConfigFile, read_config_file
from wiring.settings import Settings

ROOT: Final = DOCS.parent
PAGES: Final = ("../README.md", "tutorial.md", *sorted(f"how-to/{page.name}" for page in (DOCS / "how-to").glob("*.md")))
BLOCKS: Final = [block for page in PAGES for block in blocks_of(page)]
SETTINGS: Final = {name.upper() for name in Settings.model_fields}
OF_COMPOSE: Final = {"POSTGRES_PASSWORD"}
NETWORK: Final = {"HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY"}
SYSTEMD: Final = {
    "Unit": {"Description", "Wants", "After"},
    "Service": {
        "Type", "User", "WorkingDirectory", "StateDirectory", "ExecStart", "Restart", "TimeoutStartSec", "TimeoutStopSec",
        "NoNewPrivileges", "ProtectSystem", "ProtectHome", "PrivateTmp",
    },
    "Timer": {"OnCalendar", "Persistent"},
    "Install": {"WantedBy"},
}  # fmt: skip
"""Directives that `systemd-analyze verify` of systemd 252 accepted in these sections, on 2026-11-29."""
UNCHECKED: Final = {
    "claude": "a command of the agent Claude Code, which is not installed",
    "docker": "needs Docker; names and settings of Dockerfile and compose file: test_deploy.py",
    "kubectl": "needs a cluster; the objects: tests/chart",
    "helm": "needs a cluster; the chart and its values: tests/chart",
    "sudo": "changes the machine: users, folders, units",
    "export": "of the shell",
    "cat": "of the shell",
    "cd": "of the shell",
    "mkdir": "of the shell",
    "kill": "of the shell",
    "python3": "run by tests/acceptance/test_tutorial.py",
    "/opt/scaleops-worker/bin/pip": "run by tests/acceptance/test_tutorial.py",
    "make": "the targets: test_commands_of_make",
    "js": "for a program that is not part of this repository",
    "nginx": "needs nginx",
    "promql": "the metrics in it: test_metrics.py",
    "auth": "the configuration of Backstage",
    "backend": "the configuration of Backstage",
    "networking.k8s.io/v1": "an Ingress of Backstage",
}
"""Programs, languages and kinds of YAML that no test runs or loads into what reads them."""


def of_language(*languages: str) -> list[CodeBlock]:
    return [block for block in BLOCKS if block.language in languages]


def name_of(block: CodeBlock) -> str:
    return f"{block.page}: {block.text.splitlines()[0][:40]}"


def named_settings(text: str) -> set[str]:
    """Return the names before `=` at the start of lines, without `_FILE`."""
    names = set(re.findall(r"^([A-Z][A-Z_]+)=", text, re.MULTILINE))
    return {name.removesuffix("_FILE") if name.removesuffix("_FILE") in SETTINGS else name for name in names}


def test_every_language_is_known() -> None:
    assert {block.language for block in BLOCKS} <= {"", "bash", "sh", "yaml", "json", "ini", *UNCHECKED}


@pytest.mark.parametrize("block", of_language(""), ids=name_of)
def test_settings_exist(block: CodeBlock) -> None:
    assert named_settings(block.text) - SETTINGS - OF_COMPOSE == set()


@pytest.mark.parametrize("block", of_language("bash", "sh"), ids=name_of)
def test_a_command_exists_or_is_listed_as_unchecked(block: CodeBlock) -> None:
    for command in (command for line in block.command_lines for command in re.split(r" && | &$", line) if command):
        words = shlex.split(command)
        program, *arguments = words[next(at for at, word in enumerate(words) if not re.match(r"[A-Z_]+=", word)) :]
        if Path(program).name == "scaleops-worker":
            assert problem_of(shlex.join(arguments)) == "", command
        else:
            assert program in UNCHECKED, command


def test_commands_of_make() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = {target for block in BLOCKS for target in re.findall(r"^make ([a-z-]+)", block.text, re.MULTILINE)}

    assert named
    assert named <= targets


@pytest.mark.parametrize("block", of_language("yaml"), ids=name_of)
def test_yaml_loads_into_what_reads_it(block: CodeBlock, run: Run) -> None:
    (document,) = yaml.safe_load_all(block.text)
    first = document.get("apiVersion") or next(iter(document))
    if first == "backstage.io/v1alpha1":
        Path("catalog-info.yaml").write_text(block.text, encoding="utf-8")
        ran = run("check-config", BACKSTAGE_CATALOG_FILE="catalog-info.yaml")
        assert (ran.status, "catalog-info.yaml:" in ran.out) == (0, False), ran.out
    elif first in ConfigFile.model_fields:
        Path("worker.yaml").write_text(block.text, encoding="utf-8")
        assert read_config_file(Path("worker.yaml")) != ConfigFile()
    elif block.text.startswith("# values.yaml"):
        schema = json.loads((ROOT / "deploy/chart/values.schema.json").read_text(encoding="utf-8"))
        jsonschema.validate(document, schema)
        assert set(document.get("settings", ())) <= SETTINGS | NETWORK
        if "config" in document:
            Path("worker.yaml").write_text(yaml.safe_dump(document["config"]["content"]), encoding="utf-8")
            assert read_config_file(Path("worker.yaml")) != ConfigFile()
    else:
        assert first in UNCHECKED


def servers_in(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    (servers,) = document.values()
    yield from servers.values()


@pytest.mark.parametrize("block", of_language("json"), ids=name_of)
def test_the_configuration_of_an_agent_names_our_server(block: CodeBlock) -> None:
    for server in servers_in(json.loads(block.text)):
        if "command" in server:
            assert Path(server["command"]).name == "scaleops-worker"
            assert cli.get_command(click.Context(cli), *server["args"]) is not None
            assert named_settings("".join(f"{name}=\n" for name in server.get("env", {}))) <= SETTINGS
        else:
            assert (server.get("url") or server["httpUrl"]).endswith("/mcp")


@pytest.mark.parametrize("block", of_language("ini"), ids=name_of)
def test_a_unit_of_systemd_has_known_directives_and_runs_a_command(block: CodeBlock) -> None:
    unit = RawConfigParser(strict=True)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read_string(block.text)

    assert {(section, key) for section in unit.sections() for key in unit[section] if key not in SYSTEMD[section]} == set()
    if "Service" in unit:
        program, *arguments = shlex.split(unit["Service"]["ExecStart"])
        assert (program, problem_of(" ".join(arguments))) == ("/opt/scaleops-worker/bin/scaleops-worker", "")
        assert unit["Service"]["TimeoutStopSec"] == "60s"


def test_what_does_not_exist_is_found() -> None:
    assert named_settings("SCALEOPS_TOKEN_FILE=x\nSCALEOPS_TOKENN=y\n") - SETTINGS == {"SCALEOPS_TOKENN"}
    with pytest.raises(AssertionError):
        test_a_command_exists_or_is_listed_as_unchecked(CodeBlock(page="", language="bash", text="scaleops-worker no-such\n"))
