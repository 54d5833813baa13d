"""A team of 2,000 workloads whose names try everything, as one fixture for every rendering."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from functools import cache

from clients.scaleops.links import DashboardLinks
from domain.advice import Issue
from domain.closing_point import ClosingPoint
from domain.snapshots import WorkloadPoint
from domain.tracking import Recommendation, RecommendationEnd
from domain.workload import WorkloadKey
from reports import content
from reports.builders.report import build_team_report
from reports.facts import TeamFacts
from reports.links import Links
from tests.factories import make_ref
from tests.unit.report_samples import NOW, THEN, make_meta, measured, point, recommendation, rich_facts, weeks_until

WORKLOADS = 2_000
MAX_NAME = 250
ODD_NAMES = (
    "checkout-" + "x" * MAX_NAME,
    "\u202e\u2066gnp.exe\u2069\u200f" + "\u05e9\u05dc\u05d5\u05dd 12 " * 40,
    "\u0645\u0631\u062d\u0628\u0627-" + "\u0645" * MAX_NAME,
    "\U0001f469\u200d\U0001f469\u200d\U0001f467 \U0001f4a5" * 60,
    "a\u200bb\u200dc\ufeffd\u2060e" * 50,
    "<!channel> <@U123> <https://evil.example|click> & &amp; *bold* _it_ ~no~ `code` :tada: " * 4,
    "<script>alert(1)</script><img src=x onerror=alert(1)>\"'{{ 7*7 }}{% raw %}" * 4,
    "# heading\n- [link](https://evil.example) | pipe | ![x](y)\r\n\x00\x1b[31m" * 5,
    "=HYPERLINK(\"https://evil.example\")+cmd|' /C calc'!A0" * 6,
    "@SUM(1+1)\t" * 30,
    "../../etc/passwd%2e%2e?x=1#y;rm -rf $(id) && `id` '\"" * 5,
    "e\u0301" * 125 + "\u0338" * 125,
)
"""Long, right-to-left, emoji, zero-width, markup of Slack, HTML and Markdown, formulas, shell, stacked accents."""
DANGER = 1_234
"""The number of the workload that is in danger."""


def odd_name(number: int) -> str:
    return f"{ODD_NAMES[number % len(ODD_NAMES)][: MAX_NAME - 5]}{number:05}"


def odd_key(number: int) -> WorkloadKey:
    clusters, namespaces = ODD_NAMES[:4], ODD_NAMES[4:8]
    return WorkloadKey(
        cluster=clusters[number % 4][:MAX_NAME],
        namespace=namespaces[number % 3][:MAX_NAME],
        type="Deployment",
        name=odd_name(number),
    )


def ending_of(number: int) -> RecommendationEnd | None:
    endings = (RecommendationEnd.DONE, None, RecommendationEnd.GONE, None, RecommendationEnd.NO_LONGER_ADVISED)
    return None if number == DANGER else endings[number % len(endings)]


def odd_points(scale: int = 1, workloads: int = WORKLOADS) -> Sequence[WorkloadPoint]:
    """Return the workloads; the cost of a week grows with `scale`. One is OOM-killed, and what has no ended recommendation is over-provisioned."""
    return [
        replace(
            point(
                "x",
                scale * (5 + number % 97),
                over=number != DANGER and ending_of(number) is None,
                under=number == DANGER,
                ooms=7 if number == DANGER else 0,
                automated=False,
                cpu=(1000, 300),
                memory_mi=(256, 1229) if number == DANGER else (2048, 512),
                savings=number % 89,
                cross_az=number % 13,
            ),
            key=odd_key(number),
        )
        for number in range(workloads)
    ]


def odd_recommendations(workloads: int = WORKLOADS) -> tuple[Recommendation, ...]:
    """Return a recommendation of each workload: half of them have ended, in every way."""
    return tuple(
        replace(one, key=replace(one.key, workload=odd_key(number)))
        for number in range(workloads)
        for one in [
            recommendation(
                "odd",
                "x",
                Issue.UNDER_PROVISIONED if number == DANGER else Issue.OVER_PROVISIONED,
                8 + number % 60,
                ending_of(number),
                realised=Decimal(number % 71),
            )
        ]
    )


def odd_facts(workloads: int = WORKLOADS) -> TeamFacts:
    now = ClosingPoint(as_of=NOW, measurements=(measured("odd", *odd_points(2, workloads), warnings=ODD_NAMES),))
    then = ClosingPoint(as_of=THEN, measurements=(measured("odd", *odd_points(1, workloads)),))
    return replace(
        rich_facts(),
        meta=make_meta(links=Links(workload=DashboardLinks("https://scaleops.example"), pages="https://reports.example")),
        title=ODD_NAMES[5][:MAX_NAME],
        now=now,
        then=then,
        weeks=weeks_until(now),
        titles={make_ref("odd"): ODD_NAMES[1][:MAX_NAME]},
        labels={make_ref("odd"): ("app=odd",)},
        followed=odd_recommendations(workloads),
    )


@cache
def odd_report() -> content.Report:
    return build_team_report(odd_facts())
