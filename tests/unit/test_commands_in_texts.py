"""A command in a message is safe to copy into a shell: catalog files and owners may have any characters in their names."""

from __future__ import annotations

import html
import json
import shlex
from dataclasses import replace

import pytest

from alerts.observations import AlertId
from alerts.policy import Rule
from alerts.states import OpenIncident, SlackPost
from domain.refs import EntityRef
from reports.findings import remedy
from reports.notices import MessageContext, slack_notice
from reports.pagerduty_events import pagerduty_trigger
from tests.unit.alert_scenario import AlertScenario, met, sweep

NOTICE = AlertScenario().observe(met(0))[0]
CONTEXT = MessageContext(title="Checkout", instance="test", currency="USD", zone="UTC")
NAMES = ["x;reboot", "$(reboot)", "`reboot`", "a'b", "a|b&c", "x\u202e"]


def words_after(text: str, command: str) -> list[str]:
    return shlex.split(text.partition(command)[2])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("rule", [Rule.COST_INCREASE, Rule.UNMEASURED])
def test_a_name_is_one_word_of_a_remedy(name: str, rule: Rule) -> None:
    about = EntityRef("group", "default", name)
    sentence = remedy(replace(NOTICE, alert=AlertId(rule=rule, about=about)))
    words = words_after(sentence, "scaleops-worker ")
    assert [word for word in words if word.startswith("group:")] == [str(about).replace("\u202e", " ")]


@pytest.mark.parametrize("name", NAMES)
def test_an_alert_is_one_word_of_the_command_that_acknowledges_it(name: str) -> None:
    notice = replace(NOTICE, alert=AlertId(rule=Rule.BUDGET, about=EntityRef("group", "default", name)))
    page = OpenIncident(target="t", route="by default", dedup_key="k")
    event = pagerduty_trigger(notice, CONTEXT, number=1, page=page, now=sweep(0))
    command = json.loads(json.dumps(event.renderings[0].payload))["payload"]["custom_details"]["acknowledge"]
    assert len(shlex.split(command)) == 4
    post = slack_notice(
        notice, CONTEXT, number=1, post=SlackPost(target="C", route="by default", root="r"), now=sweep(0)
    ).renderings[-1]
    assert shlex.quote(str(notice.alert).replace("\u202e", " ")) in html.unescape(str(post.payload["text"]))


def test_an_ordinary_alert_is_written_as_it_is() -> None:
    assert "alerts acknowledge under-provisioned:component:default/checkout (or" in str(
        slack_notice(NOTICE, CONTEXT, number=1, post=SlackPost(target="C", route="by default", root="r"), now=sweep(0))
        .renderings[-1]
        .payload["text"]
    )
