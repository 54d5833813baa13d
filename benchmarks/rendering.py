"""The report of a team with 2,000 oddly named workloads, from its facts to every rendering, against a plain Jinja table of them.

`python -m benchmarks rendering`. One process and one thread; the reference writes each workload with 12 escaped columns, and no more.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from typing import Final

from jinja2 import Environment

from benchmarks.results import BenchmarkResult
from reports import content
from reports.builders.report import build_team_report
from reports.render.documents import render_markdown, render_page
from reports.render.report_tables import tables_of
from reports.render.slack import render_slack
from reports.render.tables import write_csv
from tests.unit.odd_team import WORKLOADS, odd_facts, odd_key

NAME: Final = "rendering"
TIMES: Final = 5
MAX_RATIO: Final = 40.0
"""Two seconds on the machine on which the plain table took 50 ms."""
COLUMNS: Final = 12
_TABLE: Final = "<table>{% for row in rows %}<tr>{% for cell in row %}<td>{{ cell }}</td>{% endfor %}</tr>{% endfor %}</table>"


def measure() -> Iterator[BenchmarkResult]:
    """Yield the time of building and rendering, and of growing from 200 workloads to 2,000."""
    template = Environment(autoescape=True).from_string(_TABLE)
    rows = [[str(odd_key(number)).partition("/")[2]] * COLUMNS for number in range(WORKLOADS)]
    plain_s = _median(lambda: template.render(rows=rows))
    few_s, many_s = (_median(_report_of(workloads)) for workloads in (WORKLOADS // 10, WORKLOADS))
    yield BenchmarkResult(
        what=f"a report of {WORKLOADS:,} workloads, built and rendered as page, Markdown, Slack and CSV",
        measured=f"{many_s * 1000:.0f} ms",
        reference=f"{plain_s * 1000:.0f} ms: a plain Jinja table of them",
        ratio=many_s / plain_s,
        required=("at most", MAX_RATIO),
    )
    yield BenchmarkResult(
        what="ten times as many workloads",
        measured=f"{many_s * 1000:.0f} ms",
        reference=f"{few_s * 1000:.0f} ms: {WORKLOADS // 10} workloads",
        ratio=many_s / few_s,
        required=("at most", 15.0),
    )


def _report_of(workloads: int) -> Callable[[], object]:
    facts = odd_facts(workloads)

    def render() -> tuple[object, ...]:
        report: content.Report = build_team_report(facts)
        tables = [write_csv(table) for table in tables_of(report)]
        return render_page(report), render_markdown(report), render_slack(report), tables

    return render


def _median(run: Callable[[], object]) -> float:
    taken = []
    for _ in range(TIMES):
        began = time.perf_counter()
        run()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)
