"""Every message of a thread opens with the heading of a section, and none is a left-over line."""

from collections.abc import Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from reports.builders.report import build_team_report
from reports.render.slack import render_slack
from reports.render.slack_blocks import (
    MAX_BLOCKS,
    MAX_FALLBACK_LENGTH,
    MAX_MESSAGE_LENGTH,
    BlockGroup,
    escape,
    plain_text,
    size_of,
)
from reports.render.slack_packing import SlackSection, begin, pack_sections
from tests.unit import report_samples as samples


def section(title: str, lengths: Sequence[int]) -> SlackSection:
    texts = [f"{title}{number}".ljust(length, "x") for number, length in enumerate(lengths)]
    return SlackSection(title=title, groups=tuple(BlockGroup(blocks=(plain_text(text),), lines=(text,)) for text in texts))


def sizes(messages: Sequence[BlockGroup]) -> list[int]:
    return [sum(map(len, message.lines)) for message in messages]


lists_of_lengths = st.lists(st.lists(st.integers(1, 2500), min_size=1, max_size=60), min_size=1, max_size=8)


@given(lists_of_lengths)
def test_every_message_fits_and_opens_with_a_heading_and_nothing_is_lost(drawn: list[list[int]]) -> None:
    sections = [section(f"S{number}.", lengths) for number, lengths in enumerate(drawn)]
    messages = pack_sections(sections)
    titles = [one.title for one in sections]
    for message in messages:
        assert len(message.blocks) <= MAX_BLOCKS
        assert size_of(message.blocks) <= MAX_MESSAGE_LENGTH
        assert len(escape("\n".join(message.lines))) <= MAX_FALLBACK_LENGTH
        assert message.lines[0].removesuffix(" (continued)") in titles
        assert message.blocks[0]["type"] == "section"
    headings = {*titles, *(f"{title} (continued)" for title in titles), ""}
    said = [line for message in messages for line in message.lines if line not in headings]
    assert said == [line for one in sections for group in one.groups for line in group.lines]


def test_sections_are_kept_whole_where_they_fit() -> None:
    messages = pack_sections([section("A", [1500, 1500]), section("B", [1500]), section("C", [100])])
    assert [message.lines[0] for message in messages] == ["A", "B"]


def test_a_section_that_is_too_long_is_split_evenly_under_its_heading() -> None:
    messages = pack_sections([section("A", [100] * (MAX_BLOCKS + 1))])
    assert [message.lines[0] for message in messages] == ["A", "A (continued)"]
    first, second = sizes(messages)
    assert abs(first - second) <= 200


def test_a_short_section_is_not_left_alone_behind_full_messages() -> None:
    messages = pack_sections([section(name, [900]) for name in "ABCDE"])
    assert len(messages) == 2
    assert min(sizes(messages)) >= 1800


def test_the_beginning_of_a_section_stays_with_what_is_reserved_and_the_rest_continues() -> None:
    reserved = section("R", [2000]).groups
    shown, (rest,) = begin(section("A", [900, 900, 900]), reserved=reserved)
    assert [group.lines[-1][:2] for group in shown] == ["A0", "A1"]
    assert (rest.groups, rest.is_continued) == (section("A", [900, 900, 900]).groups[2:], True)
    assert begin(section("A", [2100]), reserved=reserved) == ((), (section("A", [2100]),))
    assert begin(section("A", [100]), reserved=reserved)[1] == ()


def test_a_report_of_too_much_has_no_message_without_a_heading() -> None:
    for report in (build_team_report(samples.facts_of_too_much()), build_team_report(samples.rich_facts())):
        for native, *_ in render_slack(report)[1:]:
            blocks: Any = native.payload["blocks"]
            assert blocks[0]["text"]["text"].startswith("*")
            assert len(blocks) > 1, "more than a heading"
            assert size_of(blocks) <= MAX_MESSAGE_LENGTH
