"""Messages about several alerts: a title for each, the most important first, and where to go on."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from alerts.lifecycle import Notice
from alerts.observations import AlertId, CostFigures, Finding, MemberFigures, Severity
from alerts.policy import Rule
from alerts.states import NoticeKind, OpenIncident, SlackPost
from alerts.storm import Summary, SummaryReason
from domain.messages import Message
from reports.alert_summaries import slack_summary, summary_key
from reports.notices import AlertSubject
from reports.pagerduty_events import pagerduty_trigger
from simulator.blocks import check_blocks
from tests.factories import PAYMENTS, make_ref
from tests.unit.alert_scenario import ALERT, finding
from tests.unit.test_notices import CONTEXT, NOW, opening, posted, text_of

CART = AlertId(rule=Rule.UNDER_PROVISIONED, about=make_ref("cart"))
COST = AlertId(rule=Rule.COST_INCREASE, about=make_ref("cart"))
SUBJECTS = {
    ALERT.about: AlertSubject(title="Checkout", page="https://worker.example/components/component/default/checkout?sig=x"),
    CART.about: AlertSubject(title="Cart"),
}
TEAM = replace(CONTEXT, title="Payments", subjects=SUBJECTS)


def danger(alert: AlertId, *kills: int) -> Notice:
    return replace(opening(), alert=alert, findings=tuple(finding(f"w{n}", kills=many) for n, many in enumerate(kills)))


def cost_rose() -> Notice:
    figures = CostFigures(cost_7d=Decimal(900), usual_cost_7d=Decimal(100), weeks=4)
    whole = replace(finding(kills=0), subject="as a whole", workload=None, figures=figures, amount=Decimal(800))
    return replace(opening(), alert=COST, findings=(whole,), paging_findings=())


def summarised(*notices: Notice, reason: SummaryReason = SummaryReason.MANY, **context: Any) -> Message:
    summary = Summary(audience=PAYMENTS, channel="C2", reason=reason, notices=notices)
    post = SlackPost(target="C2", route="the default", root=summary_key(summary))
    return slack_summary(summary, replace(TEAM, **context), post=post, now=NOW)


def list_of(message: Message) -> list[tuple[str, str | None]]:
    """Return the text and the address of each line of the list."""
    blocks: Any = message.renderings[0].payload["blocks"]
    (found,) = [block for block in blocks if block["type"] == "rich_text"]
    check_blocks(blocks)
    parts = [element["elements"][0] for element in found["elements"][0]["elements"]]
    return [(part["text"], part.get("url")) for part in parts]


def test_a_summary_has_the_title_of_each_alert_with_its_page_and_no_id() -> None:
    message = summarised(danger(CART, 3), danger(ALERT, 1, 4), reason=SummaryReason.FIRST_SWEEP)
    assert list_of(message) == [
        (
            "Checkout: w1 (east/shop) OOM-killed 4x in 24 h: memory 256 MiB, needs 768 MiB; CPU 250m, needs 900m; 1 more workload",
            SUBJECTS[ALERT.about].page,
        ),
        ("Cart: w0 (east/shop) OOM-killed 3x in 24 h: memory 256 MiB, needs 768 MiB; CPU 250m, needs 900m", None),
    ]
    text = text_of(message)
    assert text.splitlines()[0] == "Payments: 2 alerts found in the first scan"
    assert str(ALERT) not in text
    assert message.key == "summary:first-sweep:group:default/payments:C2:2026-09-07T06:00Z:slack"


@pytest.mark.parametrize(
    ("notices", "order"),
    [
        ((cost_rose(), danger(ALERT, 1)), ["Checkout", "Cart"]),
        ((danger(CART, 1), danger(ALERT, 9)), ["Checkout", "Cart"]),
        ((danger(CART, 1, 1, 1), danger(ALERT, 3)), ["Checkout", "Cart"]),
        ((replace(danger(CART, 9), kind=NoticeKind.RESOLVED), cost_rose()), ["Cart: 7-day", "Resolved: Cart"]),
        ((danger(CART, 1), replace(danger(ALERT, 9), kind=NoticeKind.CHANGED)), ["Changed: Checkout", "Cart"]),
    ],
)
def test_what_is_open_and_dangerous_comes_first(notices: Sequence[Notice], order: Sequence[str]) -> None:
    lines = [line.removeprefix("\u2022 ") for line in text_of(summarised(*notices)).splitlines()[1:]]
    assert [line.startswith(begin) for line, begin in zip(lines, order, strict=False)] == [True, True]


def test_the_title_is_the_link_and_what_grew_follows_it() -> None:
    summary = Summary(audience=PAYMENTS, channel="C2", reason=SummaryReason.MANY, notices=(danger(ALERT, 3), cost_rose()))
    post = SlackPost(target="C2", route="the default", root=summary_key(summary))
    message = slack_summary(summary, TEAM, causes={COST: ("Grew since Monday: api <x>",)}, post=post, now=NOW)
    assert (list_of(message)[1][0], "(Grew since Monday: api &lt;x&gt;)" in text_of(message)) == (
        "Cart: 7-day cost up €800.00 (+800%) vs 4-week average",
        True,
    )


def test_a_summary_without_pages_is_a_plain_list() -> None:
    message = summarised(danger(CART, 3), subjects={CART.about: AlertSubject(title="Cart")})
    assert "rich_text" not in str(message.renderings[0].payload["blocks"])
    assert "\u2022 Cart: w0 (east/shop)" in text_of(message)


@pytest.mark.parametrize("page", [None, "https://worker.example/" + "p" * 400, "https://worker.example/" + "p" * 4_000])
def test_a_large_summary_shows_as_many_as_fit_and_counts_the_others(page: str | None) -> None:
    subjects = {ALERT.about: AlertSubject(title="z" * 300, page=page)}
    message = summarised(*(danger(ALERT, 3) for _ in range(300)), subjects=subjects)
    text = text_of(message)
    shown = text.count("\u2022 ")
    assert shown >= 5
    assert f"\nand {300 - shown} more\n" in text
    assert len(str(message.renderings[0].payload["blocks"])) < 12_000


def storm(*members: Finding) -> Notice:
    return replace(opening(), alert=AlertId(rule=Rule.STORM, about=PAYMENTS), findings=members, paging_findings=members)


def member(alert: AlertId, *, kills: int, workloads: int = 1, is_known: bool = True) -> Finding:
    worst = finding(kills=kills) if is_known else None
    figures = MemberFigures(alert=alert, workloads=workloads, worst=worst)
    severity = Severity.CRITICAL if kills >= 3 else Severity.ERROR
    return Finding(subject=str(alert), severity=severity, has_evidence=True, figures=figures)


def test_a_storm_lists_its_alerts_by_title_the_most_important_first() -> None:
    notice = storm(member(CART, kills=1), member(ALERT, kills=5, workloads=3))
    message = posted(notice, title="Payments", subjects=SUBJECTS)
    needs = "memory 256 MiB, needs 768 MiB; CPU 250m, needs 900m"
    assert list_of(message) == [
        (f"Checkout: api (east/shop) OOM-killed 5x in 24 h: {needs}; 2 more workloads", SUBJECTS[ALERT.about].page),
        (f"Cart: api (east/shop) OOM-killed 1x in 24 h: {needs}", None),
    ]
    assert "under-provisioned:" not in text_of(message)


def test_a_member_of_an_older_version_has_its_rule() -> None:
    message = posted(storm(member(CART, kills=1, workloads=2, is_known=False)), title="Payments", subjects=SUBJECTS)
    assert "\u2022 Cart: too little CPU or memory (2 findings)" in text_of(message)


def test_the_page_of_a_storm_names_the_worst_and_links_to_the_first() -> None:
    page = OpenIncident(target="f" * 16, route="the default", dedup_key="k")
    context = replace(TEAM, measured_every=None)
    notice = storm(member(CART, kills=1), member(ALERT, kills=5))
    body: Any = pagerduty_trigger(notice, context, number=2, page=page, now=NOW).renderings[0].payload
    assert body["payload"]["summary"].startswith(
        "Payments: 2 alerts at once; the worst: Checkout: api (east/shop) OOM-killed 5x in 24 h"
    )
    assert body["payload"]["custom_details"]["found"].splitlines()[1].startswith("Cart: api (east/shop) OOM-killed 1x")
    assert body["links"] == [{"text": "Open Checkout", "href": SUBJECTS[ALERT.about].page}]
