"""Renders the sections of a report for the thread of its Slack message.

Names (workloads, components, clusters, reasons) go into plain or raw text only, which Slack never interprets; mrkdwn is for our
own text and numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Final, TypeVar

from domain.money import format_money
from reports import content
from reports.builders.cause_sentences import (
    format_causes,
    format_no_cause,
    format_not_comparable,
    format_places,
    format_small_changes,
)
from reports.builders.component_sentences import (
    format_automated,
    format_budget_line,
    format_component_change,
    format_like_for_like,
)
from reports.builders.month_sentences import format_variance
from reports.builders.months import format_spent
from reports.builders.sentences import (
    MAX_NAME_LENGTH,
    NO_GAP,
    NO_TEAM,
    format_alerts,
    format_automation,
    format_follow_up,
    format_largest,
    format_network,
    format_not_in_sums,
    format_routing,
    format_shared,
    format_unallocated,
)
from reports.formatting import clip, format_change, format_components, format_partial, format_place, format_trend, sparkline
from reports.links import MessageLinks
from reports.render.slack_blocks import BlockGroup, Cell, LinkedText, context, linked_lines, plain_text, size_of, table
from reports.render.slack_packing import SlackSection

T = TypeVar("T")

MAX_SENTENCE_LENGTH: Final = 400
MAX_REASON_LENGTH: Final = 300
MAX_CELL_LENGTH: Final = 40
MAX_ROWS_PER_KIND: Final = 15
"""Rows of one kind in the thread; the page shows all."""
_MAX_PARAGRAPH: Final = 900
"""Characters of a paragraph of several rows: small enough to split a section evenly."""
_MAX_TABLE_SIZE: Final = 7_500
"""Characters of the JSON of a table, so that it fits into a message together with its heading."""
_MAX_TABLE_TEXT: Final = 3_000
"""Characters of the lines of a table, likewise."""


def render_sections(sections: Iterable[content.Section], links: MessageLinks) -> Iterator[SlackSection]:
    """Yield the sections of the thread."""
    renderers = _renderers(links)
    for section in sections:
        body = section.body
        if body is None:
            yield SlackSection(title=section.title, groups=(paragraph(section.failure),))
        elif body.kind in renderers:
            yield render_safely(section, renderers[body.kind], body)


def render_safely(
    section: content.Section, write: Callable[[T], Iterable[BlockGroup]], body: T, *, has_heading: bool = True
) -> SlackSection:
    """Return a section, or one that says that it could not be rendered; that names it if it has no heading (`has_heading`)."""
    try:
        return SlackSection(title=_heading_of(section.title, body), groups=tuple(write(body)))
    except Exception as error:  # noqa: BLE001 - a failure in one section must not lose the report
        failure = f"This section could not be rendered ({type(error).__name__})."
        return SlackSection(title=section.title, groups=(paragraph(failure if has_heading else f"{section.title}: {failure}"),))


def _heading_of(title: str, body: object) -> str:
    if isinstance(body, content.WhyChanged):
        return f"{title}: {format_money(body.amount, body.currency, signed=True)} for 7 days"
    return title


def paragraph(text: str) -> BlockGroup:
    """Build a paragraph."""
    return BlockGroup(blocks=(plain_text(text),), lines=(text,))


def small_print(*texts: str) -> BlockGroup:
    """Build lines of small print."""
    return BlockGroup(blocks=(context(*texts),), lines=texts)


def _rows(lines: Iterable[str], *, shown: int = MAX_ROWS_PER_KIND) -> Iterator[BlockGroup]:
    """Yield the first lines of a list in paragraphs of several, and the number of the others."""
    every = [f"\u2022 {line}" for line in lines]
    chunk: list[str] = []
    for line in every[:shown]:
        if chunk and len("\n".join([*chunk, line])) > _MAX_PARAGRAPH:
            yield _several(chunk)
            chunk = []
        chunk.append(line)
    if chunk:
        yield _several(chunk)
    if len(every) > shown:
        yield small_print(not_shown(len(every) - shown))


def _several(lines: Sequence[str]) -> BlockGroup:
    return BlockGroup(blocks=(plain_text("\n".join(lines)),), lines=tuple(lines))


def not_shown(more: int) -> str:
    """Return the number of what is left out."""
    return f"{more:,} more {'is' if more == 1 else 'are'} not shown here."


def _clip_name(text: str) -> str:
    return clip(text, MAX_NAME_LENGTH)


def _clip_cell(text: str) -> str:
    return clip(text, MAX_CELL_LENGTH)


def _table(rows: Sequence[Sequence[Cell]], *, numbers_from: int, omitted: int = 0) -> BlockGroup:
    """Build a table of as many rows as fit into a message under a heading."""
    shown = len(rows)
    while True:
        built = _build_table(rows[:shown], numbers_from=numbers_from, omitted=omitted + len(rows) - shown)
        forms = (built.blocks, built.basic_blocks or ())
        if shown <= 2 or (max(map(size_of, forms)) <= _MAX_TABLE_SIZE and len("\n".join(built.lines)) <= _MAX_TABLE_TEXT):  # noqa: PLR2004 - the head and one row
            return built
        shown -= 1


def _build_table(rows: Sequence[Sequence[Cell]], *, numbers_from: int, omitted: int) -> BlockGroup:
    """Build a table; its lines label each value with its column, and so does the paragraph of a workspace that refuses tables."""
    head, *values = rows
    labels = [_text_of(cell) for cell in head]
    described = [_labelled(row, labels) for row in values]
    rest = (not_shown(omitted),) if omitted else ()
    small = tuple(context(one) for one in rest)
    return BlockGroup(
        blocks=(table(rows, numbers_from=numbers_from), *small),
        lines=(*("".join(text for text, _ in one.parts) for one in described), *rest),
        basic_blocks=(linked_lines([_as_item(one) for one in described]), *small),
    )


def _labelled(row: Sequence[Cell], labels: Sequence[str]) -> LinkedText:
    """Return a row as one line, with its links."""
    first, *others = row
    shown = first.parts if isinstance(first, LinkedText) else ((first, None),)
    said = "".join(f", {label}: {text}" for label, cell in zip(labels[1:], others, strict=True) if (text := _text_of(cell)))
    return LinkedText(parts=(*shown, (said, None)))


def _as_item(line: LinkedText) -> LinkedText:
    return LinkedText(parts=(("\u2022 ", None), *line.parts))


def _text_of(cell: Cell) -> str:
    return "".join(text for text, _ in cell.parts) if isinstance(cell, LinkedText) else cell


def _why(why: content.WhyChanged) -> Iterator[BlockGroup]:
    if why.movers:
        shown = why.movers[:MAX_ROWS_PER_KIND]
        rows = [["Workload", "Where", "Why", "Change"], *(_mover_row(mover, why.currency) for mover in shown)]
        yield _table(rows, numbers_from=3, omitted=len(why.movers) - len(shown))
    causes = f"{format_causes(why)}." if why.causes else ""
    for sentence in (causes, format_no_cause(why), format_small_changes(why), format_not_comparable(why)):
        if sentence:
            yield paragraph(sentence)


def _mover_row(mover: content.Mover, currency: str) -> list[str]:
    return [
        _clip_cell(mover.label),
        clip(format_places(mover), 60),
        clip(mover.sentence, 120),
        format_change(mover.amount, mover.share, currency),
    ]


def _components(body: content.ComponentOverview, links: MessageLinks) -> Iterator[BlockGroup]:
    head = ["Component", "7 days", "Like for like", "Savings, a month", "Automated", "Open alerts"]
    listed = [[_linked_name(row, links), *_figures(row.figures, row.alerts)] for row in body.components]
    rows: list[Sequence[Cell]] = [head, ["All components", *_figures(body.total, ())], *listed[:MAX_ROWS_PER_KIND]]
    yield _table(rows, numbers_from=1, omitted=max(0, len(listed) - MAX_ROWS_PER_KIND))
    if body.note:
        yield paragraph(clip(body.note, MAX_SENTENCE_LENGTH))
    yield from _rows(clip(format_budget_line(component, month), MAX_SENTENCE_LENGTH) for component, month in body.budgeted)


def _figures(figures: content.ComponentFigures, alerts: Sequence[str]) -> list[str]:
    return [
        format_partial(figures.cost),
        clip(format_component_change(figures), MAX_SENTENCE_LENGTH),
        format_partial(figures.savings_available),
        format_automated(figures.automation),
        clip(f"{figures.open_alerts}{': ' if alerts else ''}{', '.join(alerts)}", MAX_REASON_LENGTH),
    ]


def _linked_name(row: content.ComponentSummary, links: MessageLinks) -> Cell:
    """Return the name of a component, which leads to its page, and the link to its entity in Backstage."""
    page, title = links.component(row.component.ref), _clip_cell(row.component.title)
    if row.catalog is None:
        return title if page is None else LinkedText(parts=((title, page),))
    return LinkedText(parts=((title, page), (" ", None), ("Backstage", row.catalog)))


def _budgets(budgets: content.ComponentBudgets) -> Iterator[BlockGroup]:
    yield from _rows(clip(format_budget_line(one.component, one.month), MAX_SENTENCE_LENGTH) for one in budgets.components)


def _follow_up(follow: content.FollowUp) -> Iterator[BlockGroup]:
    yield paragraph(format_follow_up(follow))
    for line in follow.open_lines:
        yield paragraph(clip(line, 2 * MAX_SENTENCE_LENGTH))
    yield from _rows(
        f"{_clip_name(one.workload.label)} ({_clip_name(format_components(one.owners))}, {_clip_name(format_place(one.workload))})."
        f" {clip(one.sentence, MAX_SENTENCE_LENGTH)}"
        for one in follow.ended
    )


def _alerts(alerts: content.AlertList) -> Iterator[BlockGroup]:
    yield paragraph(format_alerts(alerts))
    yield from _rows(clip(alert.sentence, MAX_SENTENCE_LENGTH) for alert in alerts.open)


def _network(network: content.Network) -> Iterator[BlockGroup]:
    yield paragraph(format_network(network))
    yield from _rows(
        f"{_clip_name(spot.label)}: {format_money(spot.cross_az_cost, network.currency)} ({clip(format_places(spot), 120)})"
        for spot in network.hot_spots
    )


def _automation(automation: content.Automation) -> Iterator[BlockGroup]:
    yield paragraph(format_automation(automation))


def _gaps(gaps: content.DataGaps) -> Iterator[BlockGroup]:
    if not gaps.gaps:
        yield paragraph(NO_GAP)
    yield from _rows(clip(gap.sentence, MAX_SENTENCE_LENGTH) for gap in gaps.gaps)


def _teams(teams: content.TeamOverview) -> Iterator[BlockGroup]:
    if not teams.teams:
        yield paragraph(NO_TEAM)
        return
    shown = teams.teams[: 2 * MAX_ROWS_PER_KIND]
    head = ["Team", "7 days", "Like for like", "Savings available, per month", "Measured"]
    yield _table([head, *map(_team_row, shown)], numbers_from=1, omitted=len(teams.teams) - len(shown))


def _team_row(team: content.TeamSummary) -> list[str]:
    return [
        _clip_cell(team.title),
        format_partial(team.cost),
        format_like_for_like(team),
        format_partial(team.savings_available),
        f"{team.components_measured:,} of {team.components:,}",
    ]


def _unallocated(spend: content.UnallocatedSpend) -> Iterator[BlockGroup]:
    yield paragraph(format_unallocated(spend))
    if missing := format_not_in_sums(spend):
        yield paragraph(clip(missing, MAX_SENTENCE_LENGTH))
    if spend.weeks:
        yield small_print(f"{sparkline(spend.trend)}  {format_trend(spend.trend)}")
    if spend.advice:
        yield paragraph(spend.advice)
    if spend.namespaces.top:
        yield _table(_namespace_rows(spend.namespaces), numbers_from=2)
    for label, line in (("Largest workloads", format_largest(spend)), ("Shared namespaces", format_shared(spend))):
        if line:
            yield paragraph(clip(f"{label}: {line}.", MAX_SENTENCE_LENGTH))


def _namespace_rows(namespaces: content.NamespaceList) -> list[list[str]]:
    rows = [
        [_clip_cell(one.namespace), _clip_cell(one.cluster), format_partial(one.cost), f"{one.cost.parts:,}"]
        for one in namespaces.top
    ]
    more = namespaces.more_cost
    rest = [[f"{namespaces.more:,} more", "", format_partial(more), f"{more.parts:,}"]] if namespaces.more else []
    return [["Namespace", "Cluster", "7 days", "Workloads"], *rows, *rest]


def _team_budgets(budgets: content.TeamBudgets) -> Iterator[BlockGroup]:
    if not budgets.teams:
        yield paragraph(NO_TEAM)
        return
    rows = [["Team", "Cost", "Budget", "Variance"]]
    for team in budgets.teams[: 2 * MAX_ROWS_PER_KIND]:
        budget = team.cost.monthly_budget
        of = "" if budget is None else format_money(budget, team.cost.currency)
        rows.append([_clip_cell(team.title), format_spent(team.cost), of, format_variance(team)])
    yield _table(rows, numbers_from=1, omitted=max(0, len(budgets.teams) - 2 * MAX_ROWS_PER_KIND))


def _routing(routing: content.RoutingProblems) -> Iterator[BlockGroup]:
    if summary := format_routing(routing):
        yield paragraph(summary)
    yield from _rows(
        f"{_clip_name(gap.title)} has no channel of its own: {clip(gap.reason, MAX_REASON_LENGTH)}." for gap in routing.unrouted
    )
    for sentences in (routing.problems, routing.skipped):
        yield from _rows(clip(sentence, MAX_SENTENCE_LENGTH) for sentence in sentences)


def _renderers(links: MessageLinks) -> Mapping[str, Callable[..., Iterable[BlockGroup]]]:
    """Return what renders each kind of section of the thread; trend and actions are on the first screen."""
    return {
        "why": _why,
        "components": partial(_components, links=links),
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
