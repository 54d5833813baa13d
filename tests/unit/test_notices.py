"""Notices as people read them: the text, what is escaped, and what fits."""

import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from alerts import observations
from alerts.lifecycle import Notice
from alerts.policy import Rule
from alerts.states import NoticeKind, SlackPost
from domain.figures import FigureKind
from domain.messages import Channel, EventAction, Message, Variant
from domain.problems import Runbook
from domain.routes import Route
from domain.workload import WorkloadKey
from reports import notices
from reports.page_addresses import PageAddresses
from reports.signed_links import PageLinks
from simulator.blocks import check_blocks
from tests.factories import CHECKOUT
from tests.unit.alert_scenario import ALERT, AlertScenario, clear, finding, met, sweep

CONTEXT = notices.MessageContext(title="Checkout", instance="scaleops.example", currency="EUR", zone="Europe/Madrid")
NOW = sweep(1)


def opening(*names: str) -> Notice:
    return AlertScenario().observe(met(1, *(finding(name, kills=3) for name in names or ("api",))))[0]


def about(rule: Rule, figures: observations.Figures, amount: int = 0) -> Notice:
    notice = opening()
    whole = replace(finding(), subject="as a whole", workload=None, figures=figures, amount=Decimal(amount))
    return replace(notice, alert=observations.AlertId(rule=rule, about=CHECKOUT), findings=(whole,))


def posted(notice: Notice, **changes: object) -> Message:
    context = replace(CONTEXT, **changes)  # type: ignore[arg-type]  # the names are those of the fields
    return notices.slack_notice(
        notice,
        context,
        number=2,
        post=SlackPost(target="C1", route="the annotation on Checkout", root=notices.key_of(notice.alert, 2, Channel.SLACK)),
        now=NOW,
    )


def text_of(message: Message) -> str:
    native, text = message.renderings
    assert (native.variant, text.variant) == (Variant.NATIVE, Variant.TEXT)
    check_blocks(native.payload["blocks"])
    assert native.payload["text"] == text.payload["text"]
    return str(text.payload["text"])


def test_an_opening_says_what_since_when_what_to_do_and_why() -> None:
    assert text_of(posted(opening())).splitlines() == [
        "Checkout: api OOM-killed 3x in the last 24 h",
        "• api (Deployment) in shop on east: memory 256 MiB → 768 MiB per pod, CPU 250m → 900m per pod, 3 OOM kills in the last 24 h",
        "Since Mon 7 Sep 2026, 08:00 CEST, measured Mon 7 Sep 2026, 08:00 CEST.",
        "What to do: Raise the requests of api as recommended, or let ScaleOps automate them.",
        "Why you get this: Seen in this check. Sent here by the annotation on Checkout.",
        f"Acknowledge: scaleops-worker alerts acknowledge {ALERT} (or snooze: alerts snooze {ALERT} --for 2d)",
    ]


def test_with_a_page_it_is_answered_there() -> None:
    text = text_of(posted(opening(), page="https://worker.example/x"))
    assert "Acknowledge, snooze or dismiss it on the component page." in text
    assert "scaleops-worker" not in text


def test_a_slack_message_has_its_key_stream_number_and_a_day_to_live() -> None:
    message = posted(opening())
    assert message.key == "alert:under-provisioned:component:default/checkout:2:slack"
    assert message.stream == "alert:under-provisioned:component:default/checkout:slack"
    assert (message.number, message.channel, message.action, message.target) == (2, Channel.SLACK, EventAction.POST, "C1")
    assert message.expires_at == NOW + timedelta(hours=24)
    assert message.about == str(CHECKOUT)


def test_a_resolve_is_short_and_offers_no_commands() -> None:
    alert = AlertScenario()
    alert.observe(met(1))
    alert.observe(clear(2))
    (resolved,) = alert.observe(clear(3))
    message = notices.slack_notice(
        resolved, CONTEXT, number=5, post=SlackPost(target="C1", route="the default", root="the opening"), now=NOW
    )
    assert text_of(message).splitlines() == [
        "Resolved: Checkout: too little CPU or memory",
        "It was about east/shop/Deployment/api.",
        "Open for 12 hours, since Mon 7 Sep 2026, 08:00 CEST.",
        "Why you get this: Cleared in 2 consecutive checks. Sent here by the default.",
    ]
    assert message.thread_of == "the opening"
    assert "reply_broadcast" not in message.renderings[0].payload


@pytest.mark.parametrize(
    ("notice", "first_line"),
    [
        (
            about(Rule.COST_INCREASE, observations.CostFigures(cost_7d=Decimal(150), usual_cost_7d=Decimal(100), weeks=4)),
            "Checkout: 7-day cost up €50.00 (+50%) vs 4-week average",
        ),
        (
            about(
                Rule.BUDGET,
                observations.BudgetFigures(
                    month_to_date=Decimal(600), forecast=Decimal(1200), monthly_budget=Decimal(900), known_days=10, days=15
                ),
            ),
            "Checkout: this month is heading for €1,200.00, budget €900.00",
        ),
        (about(Rule.UNMEASURED, observations.UnmeasuredFigures(reason="the selector has no label")), "Checkout: not measured"),
        (
            about(Rule.OUTAGE, observations.OutageFigures(unknown=4, components=10)),
            "ScaleOps outage: 4 of 10 components could not be measured",
        ),
        (
            about(Rule.OUTAGE, observations.OutageFigures(unknown=4, components=10, what=FigureKind.COST)),
            "ScaleOps outage: the cost of 4 of 10 components could not be measured",
        ),
        (
            about(Rule.UNMEASURED, observations.UnmeasuredFigures(reason="refused", what=FigureKind.COST, cluster="east")),
            "Checkout: cost in cluster east not measured",
        ),
        (about(Rule.STORM, observations.MemberFigures(alert=ALERT, workloads=2)), "Checkout: 1 alert at once"),
    ],
)
def test_every_rule_has_its_headline(notice: Notice, first_line: str) -> None:
    assert text_of(posted(notice)).splitlines()[0] == first_line


def test_over_provisioning_shows_money_with_its_currency() -> None:
    figures = finding().figures
    assert isinstance(figures, observations.RequestFigures)
    figures = replace(figures, oom_kills_24h=0, savings_available_per_month=Decimal("102.364"))
    saving = replace(finding(), figures=figures, amount=Decimal("102.364"))
    alert = observations.AlertId(rule=Rule.OVER_PROVISIONED, about=CHECKOUT)
    lines = text_of(posted(replace(opening(), alert=alert, findings=(saving,)))).splitlines()
    assert lines[0] == "Checkout: €102.36 a month could be saved on api"
    assert lines[1].endswith("saves €102.36 a month")


def test_a_name_is_never_markup() -> None:
    evil = WorkloadKey(cluster="<!channel>", namespace="a&b", type="*bold*", name="<https://evil|click>")
    message = posted(replace(opening(), findings=(replace(finding(), workload=evil),)), title="<!here> & co")
    text = text_of(message)
    assert "<" not in text
    assert "&lt;!here&gt; &amp; co" in text
    for rendering in message.renderings:
        assert rendering.payload["mrkdwn"] is False
    assert '"mrkdwn"' not in json.dumps(message.renderings[0].payload["blocks"])


def test_five_hundred_workloads_with_long_names_fit_and_the_rest_is_counted() -> None:
    message = posted(opening(*(f"{number:03}-{'x' * 240}" for number in range(500))), title="y" * 400)
    text = text_of(message)
    blocks = message.renderings[0].payload["blocks"]
    assert isinstance(blocks, list)
    assert len(blocks) <= 45
    assert len(json.dumps(blocks, ensure_ascii=False)) <= 10_000
    assert len(text) <= 4_000
    assert " more\n" in text
    assert "scaleops-worker alerts acknowledge" in text


def test_a_name_full_of_characters_to_escape_still_fits() -> None:
    message = posted(opening("&" * 250, "<" * 250), title="&" * 400)
    assert len(text_of(message)) <= 4_010


def test_a_reopened_alert_says_that_it_is_flapping() -> None:
    assert text_of(posted(replace(opening(), kind=NoticeKind.REOPENED))).startswith("Flapping: Checkout")


def test_a_platform_notice_is_sent_once_per_key() -> None:
    message = notices.platform_notice(
        key="cluster:lost:east:2026-09-07",
        title="Cluster east unreachable",
        lines=["No response names it."],
        reason="It had workloads.",
        runbooks=[Runbook.CLUSTER_LOST],
        route=Route(target="C9", rule="WORKER_PLATFORM_CHANNEL"),
        pages=PageAddresses(base="https://x.example", links=PageLinks(b"k" * 32)),
        now=NOW,
    )
    assert "Open status page: https://x.example/status?until=" in text_of(message)
    assert (message.key, message.about) == ("cluster:lost:east:2026-09-07:slack", "platform")
    assert text_of(message).startswith("Cluster east unreachable\nNo response names it.")
    assert "Run book: docs/runbooks/cluster-lost.md" in text_of(message)


def test_a_notice_that_is_too_long_keeps_its_small_print_and_says_that_it_was_cut() -> None:
    message = notices.platform_notice(
        key="catalog:2026-09-07",
        title="To correct in the catalog",
        lines=[f"{number}: {'x' * 200}" for number in range(40)],
        reason="It was found in the listing.",
        runbooks=[Runbook.CLUSTER_LOST],
        route=Route(target="C9", rule="WORKER_PLATFORM_CHANNEL"),
        pages=PageAddresses(base=None),
        now=NOW,
    )
    assert text_of(message).endswith("\u2026")
    blocks = message.renderings[0].payload["blocks"]
    assert isinstance(blocks, list)
    shown = [json.dumps(block, ensure_ascii=False) for block in blocks]
    assert "\u2026" in shown[1]
    assert "It was found in the listing. Sent here by WORKER_PLATFORM_CHANNEL." in shown[2]
    assert "Run book: docs/runbooks/cluster-lost.md" in shown[3]


def test_a_platform_notice_links_to_its_run_books_in_the_documentation_site() -> None:
    message = notices.platform_notice(
        key="watch:2026-09-07",
        title="scaleops-worker needs attention",
        lines=["• the clock is wrong", "• it is still wrong"],
        reason="It has lasted.",
        runbooks=[Runbook.CLOCK, Runbook.CLOCK],
        route=Route(target="C9", rule="WORKER_PLATFORM_CHANNEL"),
        pages=PageAddresses(base=None, docs_url="https://docs.example.com/worker"),
        now=NOW,
    )
    assert text_of(message).count("https://docs.example.com/worker/runbooks/clock/") == 1
