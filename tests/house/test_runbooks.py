"""Each problem that the product reports has a run book, which quotes its message, and each run book is of a problem."""

import ast
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from domain.problems import Runbook

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "runbooks"
CODE = [file for package in ("tasks", "reports", "alerts", "gateway", "domain") for file in (ROOT / package).rglob("*.py")]
FILLED_IN = re.compile(r"\.\.\.|\bN \w+|\b(?:CLUSTER|COMPONENT|ENTITY|NAME|NAMESPACE|STAGE|TEAM|WORKLOAD)\b")
"""What a quote has in place of a name, a number or a reason."""


def test_every_run_book_has_a_page_and_nothing_else() -> None:
    assert {file.stem for file in FOLDER.glob("*.md")} - {"README"} == {str(one) for one in Runbook}
    assert all((ROOT / one.path).exists() for one in Runbook)


def test_every_run_book_is_named_by_a_message() -> None:
    text = "\n".join(file.read_text(encoding="utf-8") for file in CODE)

    assert [one for one in Runbook if f"Runbook.{one.name}" not in text] == []


def quote_of(runbook: Runbook) -> str:
    found = re.match(r"# .+\n\n> (.+)\n\n.+\n\n\| cause \| do \|\n", (ROOT / runbook.path).read_text(encoding="utf-8"))
    assert found is not None, "title, quote of the message, what it means, and what to do"
    return found[1]


@cache
def messages() -> frozenset[str]:
    """Return the texts of the code, with a line break in place of what is filled in, and those of the golden messages."""
    golden = [json.loads(file.read_text(encoding="utf-8")) for file in (ROOT / "tests" / "golden").glob("*.json")]
    nodes = [node for file in CODE for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))]
    docstrings = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    written = [text for node in nodes if id(node) not in docstrings and (text := text_of(node)) is not None]
    return frozenset([*written, *(text for document in golden for text in texts_in(document))])


def text_of(node: ast.AST) -> str | None:
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(text_of(part) or "\n" for part in parts)
        case _:
            return None


def texts_in(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from texts_in(one)


@pytest.mark.parametrize("runbook", Runbook)
def test_a_run_book_quotes_what_its_message_says(runbook: Runbook) -> None:
    for quoted in quote_of(runbook).split(" / "):
        parts = [part.strip(" :;,()/") for part in FILLED_IN.split(quoted)]
        words = [part for part in parts if " " in part]
        assert words, quoted
        assert [part for part in words if not any(part in text for text in messages())] == [], quoted


def test_the_list_of_run_books_has_each_with_its_quote() -> None:
    rows = re.findall(
        r"^\| (.+) \| \[([a-z-]+)\]\(\2\.md\) \|$", (FOLDER / "README.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert {stem: quoted for quoted, stem in rows} == {str(one): quote_of(one) for one in Runbook}
    assert len(rows) == len(Runbook)
