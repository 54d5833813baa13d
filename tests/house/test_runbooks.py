"""Each problem that the product reports has a run book, which quotes its message, and each run book is of a problem."""

import re
from pathlib import Path

import pytest

from domain.problems import Runbook

FOLDER = Path(__file__).parents[2] / "docs" / "runbooks"
CODE = [
    file
    for package in ("tasks", "reports", "alerts", "gateway")
    for file in (FOLDER.parents[1] / package).rglob("*.py")
]  # fmt: skip


def test_every_run_book_has_a_page_and_nothing_else() -> None:
    assert {file.stem for file in FOLDER.glob("*.md")} - {"README"} == {str(one) for one in Runbook}
    assert all((FOLDER.parents[1] / one.path).exists() for one in Runbook)


def test_every_run_book_is_named_by_a_message() -> None:
    text = "\n".join(file.read_text(encoding="utf-8") for file in CODE)

    assert [one for one in Runbook if f"Runbook.{one.name}" not in text] == []


@pytest.mark.parametrize("runbook", Runbook)
def test_a_run_book_says_what_is_meant_and_what_to_do(runbook: Runbook) -> None:
    page = (FOLDER.parents[1] / runbook.path).read_text(encoding="utf-8")

    assert re.search(r"^# .+\n\n> .+\n\n.+\n\n\| cause \| do \|\n", page)
