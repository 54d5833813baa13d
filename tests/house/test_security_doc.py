"""SECURITY.md and CONTRIBUTING.md name tests, files and make targets that exist."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SECURITY = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def existing_tests() -> set[str]:
    return {
        node.name
        for file in (ROOT / "tests").rglob("test_*.py")
        for node in ast.parse(file.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef)
    }


def defences() -> list[list[str]]:
    section = SECURITY.partition("## Defences")[2].partition("\n## ")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line.startswith("| ")]
    return rows[1:]


def test_every_defence_is_held_by_a_test_that_exists() -> None:
    existing = existing_tests()
    assert len(defences()) > 10
    for threat, _, held_by in defences():
        named = re.findall(r"`(test_\w+)`", held_by)
        assert named or "`make fuzz`" in held_by, threat
        assert set(named) <= existing, threat


@pytest.mark.parametrize("document", ["SECURITY.md", "CONTRIBUTING.md"])
def test_a_document_names_files_and_targets_that_exist(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    paths = re.findall(r"`((?:[\w.-]+/)+[\w.*-]*)`", text) + re.findall(r"\]\(([\w./-]+)\)", text)

    assert [path for path in paths if not any(ROOT.glob(path.rstrip("/")))] == []
    assert set(re.findall(r"\bmake ([a-z-]+)", text)) - TARGETS == set()


def test_the_guide_for_contributors_names_what_continuous_integration_runs() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    run = re.findall(r"^make ([a-z-]+)", (ROOT / ".ci" / "run").read_text(encoding="utf-8"), re.MULTILINE)
    assert len(run) > 3
    assert [target for target in run if f"`make {target}" not in text] == []
