"""Renders a report as Slack messages: the first screen in the channel, the rest in its thread.

Names (workloads, components, clusters, reasons) go into plain or raw text only, which Slack never interprets; mrkdwn is for our
own text and numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, TypeVar

from domain.messages import Rendering, Variant
from domain.money import format_money
from reports import content
from reports.builders.cause_sentences import (
    format_causes,
    format_no_cause,
    format_not_comparable,
    format_places,
    format_small_changes,
)
from reports.builders.month_sentences import format_variance
from reports.builders.months import format_month, format_spent
from reports.builders.sentences import (
    MAX_NAME_LENGTH,
    format_action_places,
    format_alerts,
    format_automation,
    format_follow_up,
    format_largest,
    format_more,
    format_network,
    format_no_actions,
    format_not_in_sums,
    format_patch_about,
    format_routing,
    format_shared,
    format_unallocated,
    key_figures,
    remarks,
)
from reports.formatting import (
    clip,
    format_components,
    format_events,
    format_partial,
    format_place,
    format_share,
    format_trend,
    format_trend_scale,
    sparkline,
)
from reports.render.slack_blocks import (
    Block,
    BlockGroup,
    clip_text,
    context,
    divider,
    escape,
    fields,
    header,
    labelled,
    link_buttons,
    mrkdwn,
    pack,
    plain_text,
    preformatted,
    table,
)
from reports.render.slack_quiet import render_quiet_week

MAX_SENTENCE_LENGTH: Final = 400
MAX_REASON_LENGTH: Final = 300
MAX_CELL_LENGTH: Final = 40
MAX_EVENT_WEEKS: Final = 3
"""Weeks whose alerts the first screen lists; the page lists all."""
MAX_ACTIONS: Final = 3
"""Recommendations of the first screen; the page lists more."""
MAX_PLACES: Final = 3
"""Workloads and changes shown of one recommendation."""
MAX_ROWS_PER_KIND: Final = 15
"""Rows of one kind in a thread table; the page shows all."""

T = TypeVar("T")


def render_slack(report: content.Report, *, page: str | None = None) -> tuple[tuple[Rendering, ...], ...]:
    """Render the messages in order: the first for the channel, the others for its thread; each native, then plain text.

    `page` replaces `report.page` as the target of the report link.
    """
    if report.quiet:
        return tuple(to_renderings(message) for message in pack([render_quiet_week(report, page or report.page)]))
    first = pack(_first_screen(report, page or report.page))
    thread = pack(render_sections(report.sections))
    return tuple(to_renderings(message) for message in (*first, *thread))


def to_renderings(message: BlockGroup) -> tuple[Rendering, ...]:
    """Return the renderings of a message: native, then plain text."""
    text = clip_text("\n".join(message.lines))
    quiet = {"mrkdwn": False, "unfurl_links": False, "unfurl_media": False}
    return (
        Rendering(variant=Variant.NATIVE, payload={"text": text, "blocks": list(message.blocks), **quiet}),
        Rendering(variant=Variant.TEXT, payload={"text": text, **quiet}),
    )


def _first_screen(report: content.Report, page: str | None) -> Iterator[BlockGroup]:
    headline = report.headline
    title = f"{clip(report.title, 90)}: weekly cost, {report.week}"
    notification = f"{clip(report.title, 90)}: {headline.changed}"
    yield BlockGroup(blocks=(header(title), mrkdwn(f"*{escape(headline.changed)}*")), lines=(notification,))
    for remark in remarks(report):
        yield BlockGroup(blocks=(context(clip(remark, MAX_SENTENCE_LENGTH)),), lines=(clip(remark, MAX_SENTENCE_LENGTH),))
    for line in headline.lines:
        sentences = [clip(sentence, MAX_SENTENCE_LENGTH) for sentence in line.sentences]
        if line.is_list:
            items = [f"{number}. {sentence}" for number, sentence in enumerate(sentences, start=1)]
            yield BlockGroup(blocks=(labelled(line.label, "\n".join(["", *items])),), lines=(f"{line.label}:", *items))
        else:
            said = " ".join(sentences)
            yield BlockGroup(blocks=(labelled(line.label, said),), lines=(f"{line.label}: {said}",))
    pairs = tuple(key_figures(headline))
    yield BlockGroup(blocks=(fields(pairs),), lines=tuple(f"{label}: {value}".replace("\n", ", ") for label, value in pairs))
    for section in report.sections:
        if isinstance(section.body, content.Trend):
            drawn = f"{sparkline(section.body)}  {format_trend(section.body)}. {format_trend_scale(section.body)}".strip()
            events = [f"{one.week}: {format_events(one)}" for one in section.body.weeks if one.events][-MAX_EVENT_WEEKS:]
            yield BlockGroup(blocks=(context(drawn, *events),), lines=(drawn, *events))
    for section in report.sections:
        if isinstance(section.body, content.TopActions):
            yield from _render_safely(section, _actions, section.body)
    if page is not None:
        yield BlockGroup(blocks=(link_buttons([("Open the full report", page)]),), lines=(f"The full report: {page}",))


def _actions(actions: content.TopActions) -> Iterator[BlockGroup]:
    yield _title("What to do")
    yield _paragraph(actions.summary or format_no_actions(actions))
    shown = actions.top[:MAX_ACTIONS]
    for action in shown:
        yield _action(action)
    if any(action.patches for action in shown):
        yield BlockGroup(blocks=(context(actions.patch_note),), lines=(actions.patch_note,))
    rest = format_more(actions, len(shown))
    if rest:
        yield BlockGroup(blocks=(context(rest),), lines=(rest,))


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
        lines.append(f"{more:,} more changes are not shown here.")
        blocks.append(context(lines[-1]))
    return BlockGroup(blocks=tuple(blocks), lines=tuple(lines))


def render_sections(sections: Iterable[content.Section]) -> Iterator[BlockGroup]:
    """Yield the sections of the thread."""
    for section in sections:
        body = section.body
        if body is None:
            yield _paragraph(f"{section.title}: {section.failure}")
        elif body.kind in _RENDERERS:
            yield from _render_safely(section, _RENDERERS[body.kind], body)


def _render_safely(section: content.Section, write: Callable[[T], Iterable[BlockGroup]], body: T) -> Iterable[BlockGroup]:
    try:
        return tuple(write(body))
    except Exception as error:  # noqa: BLE001 - a failure in one section must not lose the report
        return (_paragraph(f"{section.title}: this section could not be rendered ({type(error).__name__})."),)


def _title(text: str) -> BlockGroup:
    return BlockGroup(blocks=(divider(), mrkdwn(f"*{escape(text)}*")), lines=("", text))


def _paragraph(text: str) -> BlockGroup:
    return BlockGroup(blocks=(plain_text(text),), lines=(text,))


def _clip_name(text: str) -> str:
    return clip(text, MAX_NAME_LENGTH)


def _table(title: str, rows: Sequence[Sequence[str]], *, numbers_from: int, omitted: int = 0) -> BlockGroup:
    """Build a titled table; the text lines label each value with its column."""
    head, *values = rows
    lines = [
        ", ".join([row[0], *(f"{label}: {cell}" for label, cell in zip(head[1:], row[1:], strict=True) if cell)])
        for row in values
    ]
    blocks: tuple[Block, ...] = (mrkdwn(f"*{escape(title)}*"), table(rows, numbers_from=numbers_from))
    if omitted:
        more = f"{omitted:,} more {'is' if omitted == 1 else 'are'} not shown here."
        return BlockGroup(blocks=(*blocks, context(more)), lines=("", title, *lines, more))
    return BlockGroup(blocks=blocks, lines=("", title, *lines))


def _why(why: content.WhyChanged) -> Iterator[BlockGroup]:
    title = f"Why the cost changed: {format_money(why.amount, why.currency, signed=True)} for 7 days"
    if why.movers:
        shown = why.movers[:MAX_ROWS_PER_KIND]
        rows = [["Workload", "Where", "Why", "Change"], *(_mover_row(mover, why.currency) for mover in shown)]
        yield _table(title, rows, numbers_from=3, omitted=len(why.movers) - len(shown))
    else:
        yield _title(title)
    for sentence in (f"{format_causes(why)}." if why.causes else "", format_no_cause(why), format_small_changes(why)):
        if sentence:
            yield _paragraph(sentence)
    if unknown := format_not_comparable(why):
        yield _paragraph(unknown)


def _mover_row(mover: content.Mover, currency: str) -> list[str]:
    change, share = format_money(mover.amount, currency, signed=True), format_share(mover.share)
    return [
        clip(mover.label, 40),
        clip(format_places(mover), 60),
        clip(mover.sentence, 120),
        f"{change} ({share})" if share else change,
    ]


def _follow_up(follow: content.FollowUp) -> Iterator[BlockGroup]:
    yield _title("Follow-up on recommendations")
    yield _paragraph(format_follow_up(follow))
    for line in follow.open_lines:
        yield _paragraph(clip(line, 2 * MAX_SENTENCE_LENGTH))
    for outcome in follow.ended[:MAX_ROWS_PER_KIND]:
        yield _paragraph(
            f"{_clip_name(outcome.workload.label)} ({_clip_name(format_components(outcome.owners))}). {clip(outcome.sentence, MAX_SENTENCE_LENGTH)}"
        )
    omitted = max(0, len(follow.ended) - MAX_ROWS_PER_KIND)
    if omitted:
        yield _paragraph(f"{omitted:,} more are not shown here.")


def _alerts(alerts: content.AlertList) -> Iterator[BlockGroup]:
    yield _title("Alerts")
    yield _paragraph(format_alerts(alerts))
    for alert in alerts.open[:MAX_ROWS_PER_KIND]:
        yield _paragraph(clip(alert.sentence, MAX_SENTENCE_LENGTH))
    if len(alerts.open) > MAX_ROWS_PER_KIND:
        yield _paragraph(f"{len(alerts.open) - MAX_ROWS_PER_KIND:,} more are not shown here.")


def _budgets(budgets: content.ComponentBudgets) -> Iterator[BlockGroup]:
    yield _title("Budgets of components")
    for one in budgets.components[:MAX_ROWS_PER_KIND]:
        yield _paragraph(f"{_clip_name(one.component.title)}, {format_month(one.month)}: {one.month.sentence}")
    if len(budgets.components) > MAX_ROWS_PER_KIND:
        yield _paragraph(f"{len(budgets.components) - MAX_ROWS_PER_KIND:,} more are not shown here.")


def _network(network: content.Network) -> Iterator[BlockGroup]:
    yield _title("Cross-zone traffic, 7 days")
    yield _paragraph(format_network(network))
    for spot in network.hot_spots:
        cost = format_money(spot.cross_az_cost, network.currency)
        yield _paragraph(f"{_clip_name(spot.workload.label)} ({_clip_name(format_place(spot.workload))}): {cost}")


def _automation(automation: content.Automation) -> Iterator[BlockGroup]:
    yield _title("Automation and policies")
    yield _paragraph(format_automation(automation))


def _gaps(gaps: content.DataGaps) -> Iterator[BlockGroup]:
    yield _title("What could not be measured")
    if not gaps.gaps:
        yield _paragraph("Everything was measured.")
    for gap in gaps.gaps[:MAX_ROWS_PER_KIND]:
        yield _paragraph(clip(gap.sentence, MAX_SENTENCE_LENGTH))
    if len(gaps.gaps) > MAX_ROWS_PER_KIND:
        yield _paragraph(f"{len(gaps.gaps) - MAX_ROWS_PER_KIND:,} more reasons are not shown here.")


def _teams(teams: content.TeamOverview) -> Iterator[BlockGroup]:
    rows = [["Team", "7 days", "Like for like", "Savings available, per month", "Measured"]]
    if not teams.teams:
        yield _title("Teams")
        yield _paragraph("No team owned a component.")
        return
    for team in teams.teams[: 2 * MAX_ROWS_PER_KIND]:
        share = format_share(team.share)
        moved = "" if team.like_for_like is None else format_money(team.like_for_like, team.cost.currency, signed=True)
        rows.append(
            [
                _clip_cell(team.title),
                format_partial(team.cost),
                f"{moved} ({share})" if share else moved,
                format_partial(team.savings_available),
                f"{team.components_measured:,} of {team.components:,}",
            ]
        )
    yield _table("Teams", rows, numbers_from=1, omitted=max(0, len(teams.teams) - 2 * MAX_ROWS_PER_KIND))


def _unallocated(spend: content.UnallocatedSpend) -> Iterator[BlockGroup]:
    yield _title("Unallocated cost")
    yield _paragraph(format_unallocated(spend))
    if missing := format_not_in_sums(spend):
        yield _paragraph(clip(missing, MAX_SENTENCE_LENGTH))
    if spend.weeks:
        drawn = f"{sparkline(spend.trend)}  {format_trend(spend.trend)}"
        yield BlockGroup(blocks=(context(drawn),), lines=(drawn,))
    if spend.advice:
        yield _paragraph(spend.advice)
    if spend.namespaces.top:
        yield _table("Unallocated, by namespace", _namespace_rows(spend.namespaces), numbers_from=2)
    for label, line in (("Largest workloads", format_largest(spend)), ("Shared namespaces", format_shared(spend))):
        if line:
            yield _paragraph(clip(f"{label}: {line}.", MAX_SENTENCE_LENGTH))


def _namespace_rows(namespaces: content.NamespaceList) -> list[list[str]]:
    rows = [
        [_clip_cell(one.namespace), _clip_cell(one.cluster), format_partial(one.cost), f"{one.cost.parts:,}"]
        for one in namespaces.top
    ]
    more = namespaces.more_cost
    rest = [[f"{namespaces.more:,} more", "", format_partial(more), f"{more.parts:,}"]] if namespaces.more else []
    return [["Namespace", "Cluster", "7 days", "Workloads"], *rows, *rest]


def _clip_cell(text: str) -> str:
    return clip(text, MAX_CELL_LENGTH)


def _team_budgets(budgets: content.TeamBudgets) -> Iterator[BlockGroup]:
    if not budgets.teams:
        yield _title("Budgets by team")
        yield _paragraph("No team owned a component.")
        return
    rows = [["Team", "Cost", "Budget", "Variance"]]
    for team in budgets.teams[: 2 * MAX_ROWS_PER_KIND]:
        budget = team.cost.monthly_budget
        of = "" if budget is None else format_money(budget, team.cost.currency)
        rows.append([_clip_cell(team.title), format_spent(team.cost), of, format_variance(team)])
    yield _table("Budgets by team", rows, numbers_from=1, omitted=max(0, len(budgets.teams) - 2 * MAX_ROWS_PER_KIND))


def _routing(routing: content.RoutingProblems) -> Iterator[BlockGroup]:
    yield _title("Routing")
    if summary := format_routing(routing):
        yield _paragraph(summary)
    for gap in routing.unrouted[:MAX_ROWS_PER_KIND]:
        yield _paragraph(f"{_clip_name(gap.title)} has no channel of its own: {clip(gap.reason, MAX_REASON_LENGTH)}.")
    if len(routing.unrouted) > MAX_ROWS_PER_KIND:
        yield _paragraph(f"{len(routing.unrouted) - MAX_ROWS_PER_KIND:,} more teams have none.")
    for sentence in (*routing.problems[:MAX_ROWS_PER_KIND], *routing.skipped[:MAX_ROWS_PER_KIND]):
        yield _paragraph(clip(sentence, MAX_SENTENCE_LENGTH))


_RENDERERS: Final[Mapping[str, Callable[..., Iterable[BlockGroup]]]] = {
    "why": _why,
    "follow-up": _follow_up,
    "alerts": _alerts,
    "budgets": _budgets,
    "network": _network,
    "automation": _automation,
    "gaps": _gaps,
    "teams": _teams,
    "unallocated": _unallocated,
    "team-budgets": _team_budgets,
    "routing": _routing,
}
"""Sections of the thread; trend and actions are on the first screen."""
