"""Two thousand workloads with odd names: every rendering is small enough, in order of importance, and harmless."""

import csv
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from typing import Any

import pytest

from alerts.lifecycle import Notice
from alerts.observations import Finding
from alerts.states import SlackPost
from alerts.storm import Summary, SummaryReason
from domain.messages import Message
from domain.tracking import RecommendationEnd
from reports.alert_summaries import slack_summary, summary_key
from reports.change_events import automated_event, done_event
from reports.formatting import one_line, shell_word
from reports.notices import AlertSubject, MessageContext, slack_notice
from reports.pagerduty_events import pagerduty_trigger
from reports.render.documents import render_markdown, render_page
from reports.render.report_tables import tables_of
from reports.render.slack import render_slack
from reports.render.slack_blocks import MAX_BLOCKS, MAX_FALLBACK_LENGTH, MAX_MESSAGE_LENGTH, size_of
from reports.render.tables import write_csv, write_json
from simulator.blocks import check_blocks
from simulator.pagerduty import check_change, check_event
from tasks.deliver.undeliverable import expired_notice, failed_notice, to_platform_channel
from tests.factories import CHECKOUT, PAYMENTS
from tests.unit.alert_scenario import AlertScenario, finding, met
from tests.unit.odd_team import DANGER, ODD_NAMES, WORKLOADS, odd_key, odd_name, odd_recommendations, odd_report
from tests.unit.report_samples import NOW
from tests.unit.test_pagerduty_events import PAGE

DIRECTION = re.compile("[\u202a-\u202e\u2066-\u2069\u200f\u061c]")
"""Characters that reorder what follows them. A left-to-right mark does not."""
INVISIBLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u200b-\u200d\u2060\ufeff]")
CONTEXT = MessageContext(
    title=ODD_NAMES[1],
    instance=ODD_NAMES[5],
    currency="EUR",
    zone="UTC",
    owner=ODD_NAMES[3],
    subjects={CHECKOUT: AlertSubject(title=ODD_NAMES[5], page="https://worker.example/x")},
)
POST = SlackPost(target="C0TEAM", route="the default", root="root")


@cache
def notice() -> Notice:
    scenario = AlertScenario()
    (opened,) = scenario.observe(met(1, *(found(number) for number in range(WORKLOADS))))
    return opened


def found(number: int) -> Finding:
    return replace(finding(kills=9 if number == DANGER else 1), subject=str(odd_key(number)), workload=odd_key(number))


@cache
def slack_payloads() -> tuple[Mapping[str, Any], ...]:
    opened = notice()
    summary = Summary(audience=PAYMENTS, channel="C0TEAM", reason=SummaryReason.MANY, notices=(opened, opened))
    messages = [
        slack_notice(opened, CONTEXT, number=2, post=POST, now=NOW),
        slack_summary(summary, CONTEXT, post=SlackPost(target="C", route="r", root=summary_key(summary)), now=NOW),
    ]
    messages += [to_platform_channel(messages[0], channel="C0PLATFORM", reason=ODD_NAMES[5], now=NOW)]
    messages += [
        failed_notice(one, attempt=1, channel="C0PLATFORM", reason=ODD_NAMES[5], runbook="docs/runbooks/x.md", now=NOW)
        for one in messages
    ]
    messages += [expired_notice(messages, channel="C0PLATFORM", runbook="docs/runbooks/x.md", now=NOW)]
    return tuple(renderings[0].payload for renderings in (*render_slack(odd_report()), *(one.renderings for one in messages)))


@cache
def page() -> str:
    return render_page(odd_report())


@cache
def change_events() -> tuple[Message, ...]:
    common: dict[str, Any] = {"title": ODD_NAMES[1], "target": "f" * 16, "instance": "x", "links": [], "now": NOW}
    done = [done_event(one, **common) for one in odd_recommendations() if one.ending is RecommendationEnd.DONE]
    automated = [automated_event(odd_key(number), CHECKOUT, at=NOW, **common) for number in range(len(ODD_NAMES))]
    return (*done, *automated)


def texts_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from texts_in(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from texts_in(part)


class TagParser(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.addresses: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        assert not [name for name, _ in attrs if name.startswith("on")]
        self.addresses |= {value or "" for name, value in attrs if name in {"href", "src", "action"}}


def test_the_page_is_below_a_megabyte_and_has_no_markup_of_a_name() -> None:
    assert len(page().encode()) < 1_000_000
    parser = TagParser()
    parser.feed(page())
    assert parser.tags.isdisjoint({"script", "img", "iframe", "object"})
    allowed = ("#", "/", "?", "data:,", "https://scaleops.example/", "https://reports.example/")
    assert [address for address in parser.addresses if not address.startswith(allowed)] == []


def test_slack_accepts_every_message_and_the_most_important_is_first() -> None:
    payloads = slack_payloads()
    for payload in payloads:
        check_blocks(payload["blocks"])
        assert len(payload["blocks"]) <= MAX_BLOCKS + 2
        assert size_of(payload["blocks"]) <= MAX_MESSAGE_LENGTH + 2_000
        assert len(payload["text"]) <= MAX_FALLBACK_LENGTH + 1_000
    first = "\n".join(texts_in(payloads[0]["blocks"]))
    assert one_line(odd_name(DANGER))[:30] in first.partition("1. Raise the requests of")[2][:200]


def test_no_name_is_markup_in_slack() -> None:
    for payload in slack_payloads():
        assert "<" not in re.sub(r"<#C0[A-Z0-9]+>", "", str(payload["text"]))
        for block in payload["blocks"]:
            for text in [block.get("text"), *block.get("fields", []), *block.get("elements", [])]:
                if isinstance(text, Mapping) and text.get("type") == "mrkdwn":
                    assert not [word for word in ("evil", "channel&gt;", "checkout-x", "xxx", "rm -rf") if word in text["text"]]


def test_a_page_to_on_call_is_about_the_worst_and_is_accepted() -> None:
    body = dict(pagerduty_trigger(notice(), CONTEXT, number=2, page=PAGE, now=NOW).renderings[0].payload)
    assert check_event({**body, "routing_key": "r" * 32}) == []
    payload: Any = body["payload"]
    assert "OOM-killed 9x in 24 h" in payload["summary"]
    assert "1,999 more workloads" in payload["summary"]
    assert len(json.dumps(body).encode()) < 512_000


def test_pagerduty_accepts_every_change_event() -> None:
    events = list(change_events())
    assert len({event.key for event in events}) == len(events)
    assert len(events) > 300
    for event in events:
        assert check_change({**event.renderings[0].payload, "routing_key": "r" * 32}) == []


def test_what_became_of_2000_recommendations_is_counted_not_listed() -> None:
    follow_up = page().partition('id="follow-up"')[2].partition("</section>")[0]
    assert follow_up.count("<tr>") == 100 + 2, "and two heads"
    assert "1,099 more recommendations ended." in follow_up, "of 1,200, without the one in danger"


@pytest.mark.parametrize("write", [write_csv, write_json])
def test_every_table_can_be_exported(write: Callable[[Any], str]) -> None:
    tables = tables_of(odd_report())
    assert tables
    for table in tables:
        text = write(table)
        rows = list(csv.reader(io.StringIO(text, newline=""))) if write is write_csv else json.loads(text)["rows"]
        assert len(rows) == len(table.rows) + (write is write_csv)


def rendered() -> Iterator[tuple[str, str]]:
    report = odd_report()
    yield "page", page()
    yield "Markdown", render_markdown(report)
    yield from (("CSV", write_csv(table).removeprefix("\ufeff")) for table in tables_of(report))
    yield from (("Slack", text) for payload in slack_payloads() for text in texts_in(payload))
    paged = pagerduty_trigger(notice(), CONTEXT, number=2, page=PAGE, now=NOW)
    yield from (("PagerDuty", text) for text in texts_in(paged.renderings[0].payload))
    yield from (("change event", text) for event in change_events() for text in texts_in(event.renderings[0].payload))
    yield from (("command", shell_word(name)) for name in ODD_NAMES)


def test_nothing_reorders_or_hides_what_people_read() -> None:
    for where, text in rendered():
        assert DIRECTION.search(text) is None, (where, text[:200])
        assert INVISIBLE.search(text) is None, (where, text[:200])
