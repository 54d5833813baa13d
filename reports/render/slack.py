"""Renders a report as Slack messages: the first screen in the channel, the rest in its thread.

Names (workloads, components, clusters, reasons) go into plain or raw text only, which Slack never interprets; mrkdwn is for our
own text and numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Final

from domain.messages import Rendering, Variant
from reports import content
from reports.builders.sentences import (
    MAX_NAME_LENGTH,
    KeyFigure,
    format_action_places,
    format_more,
    format_no_actions,
    format_patch_about,
    key_figures,
    remarks,
)
from reports.formatting import clip, format_components
from reports.links import MessageLinks
from reports.render.slack_blocks import (
    MAX_URL_LENGTH,
    BlockGroup,
    clip_text,
    context,
    escape,
    fields,
    header,
    join,
    labelled,
    link_buttons,
    mrkdwn,
    plain_text,
    preformatted,
)
from reports.render.slack_chart import draw_trend_in_slack
from reports.render.slack_packing import SlackSection, begin, pack_sections
from reports.render.slack_quiet import render_quiet_week
from reports.render.slack_thread import (
    MAX_REASON_LENGTH,
    MAX_SENTENCE_LENGTH,
    not_shown,
    paragraph,
    render_safely,
    render_sections,
    small_print,
)

MAX_ACTIONS: Final = 3
"""Recommendations of the first screen; the page lists more."""
MAX_PLACES: Final = 3
"""Workloads and changes shown of one recommendation."""


def render_slack(report: content.Report, links: MessageLinks | None = None) -> tuple[tuple[Rendering, ...], ...]:
    """Render the messages in order: the first for the channel, the others for its thread; each richest first.

    `links`: by default those that are stored with the report, which are not signed.
    """
    links = links or MessageLinks(page=report.page, component=report.component_pages.get)
    buttons = report_buttons(report, links.page)
    if report.quiet:
        return (to_renderings(join([render_quiet_week(report, links.page), *buttons])),)
    head, more = begin(SlackSection(title="The week", groups=tuple(_headline(report))), reserved=buttons, has_heading=False)
    first, left = (*head, *buttons), more
    for section in report.sections:
        if isinstance(section.body, content.TopActions):
            actions = render_safely(section, _actions, section.body)
            shown, rest = ((), (actions,)) if more else begin(actions, reserved=first)
            first, left = (*first, *shown), (*left, *rest)
    thread = pack_sections([*left, *render_sections(report.sections, links)])
    return tuple(to_renderings(message) for message in (join(first), *thread))


def to_renderings(message: BlockGroup) -> tuple[Rendering, ...]:
    """Return the renderings of a message: native, without charts and tables if it has some, and plain text."""
    text = clip_text("\n".join(message.lines))
    quiet = {"mrkdwn": False, "unfurl_links": False, "unfurl_media": False}
    forms = [(Variant.NATIVE, message.blocks)]
    if message.basic_blocks is not None:
        forms.append((Variant.BLOCKS, message.basic_blocks))
    return (
        *(Rendering(variant=variant, payload={"text": text, "blocks": list(blocks), **quiet}) for variant, blocks in forms),
        Rendering(variant=Variant.TEXT, payload={"text": text, **quiet}),
    )


def _headline(report: content.Report) -> Iterator[BlockGroup]:
    headline = report.headline
    title = f"{clip(report.title, 90)}: weekly cost, {report.week}"
    notification = f"{clip(report.title, 90)}: {headline.changed}"
    yield BlockGroup(blocks=(header(title), mrkdwn(f"*{escape(headline.changed)}*")), lines=(notification,))
    for remark in remarks(report):
        yield small_print(clip(remark, MAX_SENTENCE_LENGTH))
    for line in headline.lines:
        sentences = [clip(sentence, MAX_SENTENCE_LENGTH) for sentence in line.sentences]
        if line.is_list:
            items = [f"{number}. {sentence}" for number, sentence in enumerate(sentences, start=1)]
            yield BlockGroup(blocks=(labelled(line.label, "\n".join(["", *items])),), lines=(f"{line.label}:", *items))
        else:
            said = " ".join(sentences)
            yield BlockGroup(blocks=(labelled(line.label, said),), lines=(f"{line.label}: {said}",))
    yield figures_group(key_figures(headline))
    for section in report.sections:
        if isinstance(section.body, content.Trend):
            yield from render_safely(section, partial(_trend, currency=report.currency), section.body, has_heading=False).groups


def _trend(trend: content.Trend, currency: str) -> Iterator[BlockGroup]:
    yield draw_trend_in_slack(trend, currency)


def figures_group(figures: Iterable[KeyFigure]) -> BlockGroup:
    """Build the key figures of a report."""
    shown = tuple(figures)
    pairs = [(one.label, f"{one.value}\n{one.note}" if one.note else one.value) for one in shown]
    lines = tuple(f"{one.label}: {one.value}{f', {one.note}' if one.note else ''}" for one in shown)
    return BlockGroup(blocks=(fields(pairs),), lines=lines)


def report_buttons(report: content.AnyReport, page: str | None) -> tuple[BlockGroup, ...]:
    """Return the row of buttons of a report, of those with an address; none without any."""
    found = (
        ("Open report", "The full report", page),
        ("Open in Backstage", "In Backstage", report.catalog),
        ("Open in ScaleOps", "In ScaleOps", report.dashboard),
    )
    links = [(label, name, address) for label, name, address in found if address and len(address) <= MAX_URL_LENGTH]
    if not links:
        return ()
    buttons = link_buttons((label, address) for label, _, address in links)
    return (BlockGroup(blocks=(buttons,), lines=tuple(f"{name}: {address}" for _, name, address in links)),)


def _actions(actions: content.TopActions) -> Iterator[BlockGroup]:
    shown = actions.top[:MAX_ACTIONS]
    note = actions.patch_note if any(action.patches for action in shown) else ""
    small = [small_print(text) for text in (note, format_more(actions, len(shown))) if text]
    groups = [paragraph(actions.summary or format_no_actions(actions)), *map(_action, shown)]
    yield from groups[:-1]
    yield join([groups[-1], *small])


def _action(action: content.RecommendedAction) -> BlockGroup:
    sentence = f"{action.number}. {clip(action.sentence, MAX_SENTENCE_LENGTH)}"
    owner = clip(format_components(action.components), MAX_NAME_LENGTH)
    about = f"{action.risk}. {owner}, {action.issue}"
    places = [clip(line, MAX_REASON_LENGTH) for line in format_action_places(action, MAX_PLACES)]
    link = None if action.link is None else ("Open in ScaleOps", action.link)
    blocks = [plain_text("\n".join([sentence, about, *places]), link=link)]
    lines = [sentence, *(f"   {line}" for line in (about, *places))]
    for patch in action.patches[:MAX_PLACES]:
        if action.workloads > 1 or patch.no_command_reason or patch.note:
            about = clip(format_patch_about(patch), MAX_REASON_LENGTH)
            blocks.append(context(about))
            lines.append(about)
        blocks.append(preformatted(patch.command or patch.yaml))
        lines += (patch.command or patch.yaml).split("\n")
    more = len(action.patches) - MAX_PLACES
    if more > 0:
        lines.append(f"Changes: {not_shown(more)}")
        blocks.append(context(lines[-1]))
    return BlockGroup(blocks=tuple(blocks), lines=tuple(lines))
