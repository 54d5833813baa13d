import json
from typing import Any

import pytest

from mcp_server import truncation
from mcp_server.truncation import MAX_BYTES, MAX_NESTED, MAX_WARNINGS

Document = dict[str, Any]
paginate: Any = truncation.paginate


def truncate(document: Document, *, rows: str, offset: int, schema: Document | None = None) -> Any:
    fit: Any = truncation.truncate
    return fit(document, rows=rows, offset=offset, schema=schema or {})


size_of: Any = truncation.size_of
text_of: Any = truncation.text_of


def row(name: str, **fields: Any) -> Document:
    return {"workloadName": name, **fields}


def names(document: Document, rows: str = "workloads") -> list[str]:
    return [one["workloadName"] for one in document[rows]]


def test_a_page_holds_the_most_important_rows_first() -> None:
    rows = [
        row("small", savingsAvailable=1, isUnderProvisioned=False),
        row("unknown", savingsAvailable=None, isUnderProvisioned=None),
        row("large", savingsAvailable=9, isUnderProvisioned=False),
        row("starving", savingsAvailable=0, isUnderProvisioned=True),
    ]
    page = paginate({"workloads": rows}, rows="workloads", limit=3, offset=0)
    assert names(page) == ["starving", "large", "small"]
    assert (page["total"], page["truncated"], page["rest"]) == (4, True, "1 more: repeat with offset 3")


def test_pages_together_hold_every_row_once() -> None:
    rows = [row(str(number), totalCost=number % 7) for number in range(50)]
    pages = [paginate({"costAnalysis": rows}, rows="costAnalysis", limit=20, offset=offset) for offset in (0, 20, 40)]
    assert sorted(name for page in pages for name in names(page, "costAnalysis")) == sorted(str(number) for number in range(50))
    assert [page["truncated"] for page in pages] == [True, True, False]


def test_rows_that_are_sorted_already_keep_their_order() -> None:
    rows = [row("b"), row("a")]
    assert names(paginate({"recommendations": rows}, rows="recommendations", limit=5, offset=0), "recommendations") == ["b", "a"]


def test_an_output_that_fits_is_unchanged() -> None:
    document = paginate({"warnings": ["one"], "workloads": [row("a")]}, rows="workloads", limit=5, offset=0)
    assert truncate(document, rows="workloads", offset=0) == document


def test_rows_that_do_not_fit_are_left_for_the_next_page() -> None:
    rows = [row(f"{number:03}", text='"quoted\\ ü' * 100) for number in range(100)]
    document = paginate({"workloads": rows}, rows="workloads", limit=100, offset=0)
    fitting = truncate(document, rows="workloads", offset=0)
    shown = len(fitting["workloads"])
    assert 0 < shown < 100
    assert size_of(fitting) <= MAX_BYTES
    assert (fitting["total"], fitting["truncated"]) == (100, True)
    assert fitting["rest"] == f"{100 - shown} more: repeat with offset {shown}"


def test_the_next_page_continues_after_the_last_row() -> None:
    rows = [row(f"{number:03}", text="x" * 3000) for number in range(40)]
    seen: list[str] = []
    while len(seen) < 40:
        page = paginate({"policies": rows}, rows="policies", limit=40, offset=len(seen))
        page = truncate(page, rows="policies", offset=len(seen))
        assert page["policies"]
        seen += names(page, "policies")
    assert seen == [f"{number:03}" for number in range(40)]
    assert page["truncated"] is False


@pytest.mark.parametrize(
    "fields",
    [
        {"destinations": [{"cost": 1, "name": "n" * 50}] * 5000},
        {"definition": {str(number): number for number in range(20_000)}},
        {"definition": {"text": "x" * 200_000}},
    ],
)
def test_a_single_oversized_row_is_cut_and_marked(fields: Document) -> None:
    document = paginate({"workloads": [row("monster", **fields)]}, rows="workloads", limit=5, offset=0)
    (shown,) = truncate(document, rows="workloads", offset=0)["workloads"]
    assert shown["workloadName"] == "monster"
    assert size_of(shown) <= MAX_BYTES
    text = shown.get("definition", {}).get("text", "")
    assert (
        shown.get("destinationsTotal") == 5000
        or shown.get("leftOut") == ["definition"]
        or text.endswith("x… (200000 characters)")
    )


def test_nested_lists_of_several_rows_are_cut_with_their_total() -> None:
    rows = [row(name, destinations=list(range(30))) for name in "ab"]
    (first, _) = truncate(paginate({"workloads": rows}, rows="workloads", limit=5, offset=0), rows="workloads", offset=0)[
        "workloads"
    ]
    assert (len(first["destinations"]), first["destinationsTotal"]) == (MAX_NESTED, 30)


def test_warnings_are_cut_and_counted() -> None:
    document = {"warnings": [f"warning {number}" for number in range(500)], "workloads": []}
    fitting = truncate(document, rows="workloads", offset=0)
    assert len(fitting["warnings"]) == MAX_WARNINGS + 1
    assert fitting["warnings"][-1] == f"and {500 - MAX_WARNINGS} more warnings"


def test_a_large_part_other_than_the_rows_is_cut() -> None:
    document = {"report": {"movers": [{"text": "x" * 2000}] * 40, "added": [{"text": "y" * 2000}] * 40}, "weeks": []}
    fitting = truncate(document, rows="weeks", offset=0)
    assert size_of(fitting) <= MAX_BYTES
    assert fitting["report"]["moversTotal"] == 40


def test_the_size_counts_text_and_structured_content() -> None:
    document = {"text": 'a "quoted" ü \\ line\n'}
    sent = {"content": text_of(document), "structuredContent": document}
    assert size_of(document) == len(json.dumps(sent, separators=(",", ":"), ensure_ascii=False).encode()) - len(
        '{"content":,"structuredContent":}'
    )
