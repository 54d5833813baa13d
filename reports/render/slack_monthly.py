"""Renders the monthly roll-up as Slack messages: the first screen in the channel, budgets and the rest in its thread."""

from __future__ import annotations

from collections.abc import Iterator

from domain.messages import Rendering
from reports import content
from reports.builders.month_sentences import describe_month, format_month_name, month_figures, month_remarks
from reports.builders.sentences import format_unallocated
from reports.formatting import clip, format_instant
from reports.links import MessageLinks
from reports.render.slack import figures_group, report_buttons, to_renderings
from reports.render.slack_blocks import BlockGroup, context, escape, header, join, mrkdwn, plain_text
from reports.render.slack_packing import SlackSection, begin, pack_sections
from reports.render.slack_thread import MAX_SENTENCE_LENGTH, paragraph, render_safely, render_sections, small_print


def render_monthly(report: content.MonthlyReport, links: MessageLinks | None = None) -> tuple[tuple[Rendering, ...], ...]:
    """Render the messages in order, as `render_slack`."""
    links = links or MessageLinks(page=report.page)
    buttons = report_buttons(report, links.page)
    screen = SlackSection(title="The month", groups=tuple(_first_screen(report)))
    first, more = begin(screen, reserved=buttons, has_heading=False)
    messages = (join([*first, *buttons]), *pack_sections([*more, *render_sections(report.sections, links)]))
    return tuple(to_renderings(message) for message in messages)


def _first_screen(report: content.MonthlyReport) -> Iterator[BlockGroup]:
    headline = report.headline
    title = f"{clip(report.title, 90)}: {format_month_name(report.month)}"
    as_of = "" if headline.as_of is None else f", measured until {format_instant(headline.as_of, report.zone)}"
    period = f"Cost of the UTC month in {report.currency}{as_of}."
    yield BlockGroup(blocks=(header(title), context(period)), lines=(title, period))
    for remark in month_remarks(report):
        yield small_print(clip(remark, MAX_SENTENCE_LENGTH))
    if headline.missing:
        lines = [clip(line, MAX_SENTENCE_LENGTH) for line in headline.missing]
        blocks = (plain_text("\n".join(f"\u26a0 {line}" for line in lines)),)
        yield BlockGroup(blocks=blocks, lines=tuple(f"Missing: {line}" for line in lines))
    sentence = describe_month(report)
    yield BlockGroup(blocks=(mrkdwn(f"*{escape(sentence)}*"),), lines=(sentence,))
    yield figures_group(month_figures(report))
    for section in report.sections:
        if isinstance(section.body, content.UnallocatedSpend):
            yield from render_safely(section, _unallocated, section.body, has_heading=False).groups


def _unallocated(spend: content.UnallocatedSpend) -> Iterator[BlockGroup]:
    yield paragraph(format_unallocated(spend))
