"""The repository's language: class names are unique, docstrings are imperative, words of the glossary."""

import ast
import io
import re
import tokenize
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
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


@dataclass(frozen=True, kw_only=True)
class Wording:
    """What is read of a file: its classes and its prose, each with its line. The syntax tree itself takes too much memory to be kept."""

    classes: tuple[tuple[int, str], ...]
    prose: tuple[tuple[int, str], ...]


@cache
def wording_of(file: Path) -> Wording:
    source = file.read_text(encoding="utf-8")
    classes = []
    prose = []
    for node in statements_of(ast.parse(source)):
        if isinstance(node, ast.ClassDef):
            classes.append((node.lineno, node.name))
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            docstring = ast.get_docstring(node)
            if docstring:
                prose.append((node.body[0].lineno, docstring))
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            prose.append((node.lineno, node.value.value))
    return Wording(classes=tuple(classes), prose=(*prose, *comments_of(source)))


def statements_of(node: ast.AST) -> Iterator[ast.AST]:
    """Return the node and all statements below it, in the order of their lines; no expression is searched."""
    yield node
    for block in ("body", "handlers", "cases", "orelse", "finalbody"):
        below = getattr(node, block, ())
        if isinstance(below, list):  # the body of a lambda or of a conditional expression is no list
            for one in below:
                yield from statements_of(one)


def comments_of(source: str) -> Iterator[tuple[int, str]]:
    """Return the comments of a source that may have a word to avoid: reading its tokens takes as long as all the rest."""
    may_be_comments = (line[line.index("#") :] for line in source.splitlines() if "#" in line)
    if not any(AVOIDED.search(text) or NOT_IMPERATIVE.match(text) for text in may_be_comments):
        return
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def test_class_names_are_unique() -> None:
    places = defaultdict(list)
    for file in FILES:
        for line, name in wording_of(file).classes:
            places[name].append(f"{file.relative_to(ROOT)}:{line}")
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


@pytest.mark.parametrize("package", PACKAGES)
def test_docstrings_and_comments_use_standard_terms(package: str) -> None:
    wrong = [
        f"{file.relative_to(ROOT)}:{line}: {text.splitlines()[0][:100]}"
        for file in FILES
        if file.relative_to(ROOT).parts[0] == package and file != Path(__file__)
        for line, text in wording_of(file).prose
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
