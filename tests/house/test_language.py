"""The repository's language: class names are unique, docstrings are imperative, words of the glossary."""

import ast
import io
import re
import tokenize
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = sorted(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mypy"]["packages"])
FILES = sorted(file for package in PACKAGES for file in (ROOT / package).rglob("*.py"))

AVOIDED = re.compile(
    r"\b("
    r"whoever|whichever|nobody|somebody|told|tells|hears|heard|rung|ringing|rings|bell|bells|doorbell|metronome|deaf|"
    r"anew|beside|so long|so many|for want of|goes nowhere|lies in|stand-ins?|in one's|takes? a turn|good answers?|"
    r"troubles?|overtaken|overtaking|forgets?|forgotten|lanes?|crew|shed"
    r")\b",
    re.IGNORECASE,
)
"""Words that have a standard term in the glossary of the project's style guide."""
NOT_IMPERATIVE = re.compile(r"(Answers?|Say whether|Says|Tells?|Hold(?:s)? back)\b")


@cache
def nodes_of(file: Path) -> list[ast.AST]:
    return list(ast.walk(ast.parse(file.read_text(encoding="utf-8"))))


def prose_of(file: Path) -> Iterator[tuple[int, str]]:
    for node in nodes_of(file):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            docstring = ast.get_docstring(node)
            if docstring:
                yield (node.body[0].lineno, docstring)
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node.lineno, node.value.value
    for token in tokenize.generate_tokens(io.StringIO(file.read_text(encoding="utf-8")).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def test_class_names_are_unique() -> None:
    places = defaultdict(list)
    for file in FILES:
        for node in nodes_of(file):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(f"{file.relative_to(ROOT)}:{node.lineno}")
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


@pytest.mark.parametrize("package", PACKAGES)
def test_docstrings_and_comments_use_standard_terms(package: str) -> None:
    wrong = [
        f"{file.relative_to(ROOT)}:{line}: {text.splitlines()[0][:100]}"
        for file in FILES
        if file.relative_to(ROOT).parts[0] == package and file != Path(__file__)
        for line, text in prose_of(file)
        if AVOIDED.search(text) or NOT_IMPERATIVE.match(text)
    ]
    assert wrong == []


def test_documentation_uses_standard_terms() -> None:
    files = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
    wrong = [
        f"{file.relative_to(ROOT)}:{number}: {line[:100]}"
        for file in files
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1)
        if AVOIDED.search(re.sub(r"`[^`]*`", "", line))
    ]
    assert wrong == []


def test_a_docstring_is_found_and_checked() -> None:
    assert AVOIDED.search("Send it to whoever asked")
    assert NOT_IMPERATIVE.match("Answer the rows")
