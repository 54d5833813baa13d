"""A report as Slack messages: the first screen in the channel, everything else in its thread.

Names (workloads, components, clusters, reasons) stand in plain or raw text only, which Slack never interprets; mrkdwn is for our
own words and numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, TypeVar

from domain.messages import Rendering, Variant
from domain.money import format_count, format_money
from domain.weeks import IsoWeek
from reports import content
from reports.build.sentences import (
    MOST_NAME,
    format_automation,
    format_follow_up,
    format_names,
    format_network,
    key_figures,
    remarks,
)
from reports.build.top_actions import format_requests
from reports.dates import format_moment, format_week
from reports.formatting import (
    clip,
    format_amount,
    format_components,
    format_place,
    format_share,
    format_trend,
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
    link_button,
    mrkdwn,
    pack,
    plain_text,
    table,
)

MOST_SENTENCE: Final = 400
MOST_REASON: Final = 300
ROWS: Final = 15
"""A table in a thread shows this many rows of a kind; the page shows all."""

T = TypeVar("T")


def write_slack(report: content.Report, *, page: str | None = None) -> tuple[tuple[Rendering, ...], ...]:
    """Write the messages in order, the first for the channel, the others for its thread; each native, then plain text.

    `page`: where the link to the whole report leads, when not to `report.page`.
    """
    first = pack(_first_screen(report, page or report.page))
    thread = pack(_thread(report))
    return tuple(_renderings(message) for message in (*first, *thread))


def _renderings(message: BlockGroup) -> tuple[Rendering, ...]:
    text = clip_text("\n".join(message.lines))
    quiet = {"mrkdwn": False, "unfurl_links": False, "unfurl_media": False}
    return (
        Rendering(variant=Variant.NATIVE, payload={"text": text, "blocks": list(message.blocks), **quiet}),
        Rendering(variant=Variant.TEXT, payload={"text": text, **quiet}),
    )


def _first_screen(report: content.Report, page: str | None) -> Iterator[BlockGroup]:
    headline = report.headline
    title = f"{clip(report.title, 90)}: weekly cost, {report.week}"
    when = format_week(IsoWeek.parse(report.week))
    as_of = headline.cost.as_of
    period = f"{when} ({report.zone})"
    if as_of is not None:
        period += f". Costs are for the 7 days to {format_moment(as_of, report.zone)}, in {report.currency}."
    yield BlockGroup(blocks=(header(title), context(period)), lines=(title, period))
    for remark in remarks(report):
        yield BlockGroup(blocks=(context(clip(remark, MOST_SENTENCE)),), lines=(clip(remark, MOST_SENTENCE),))
    if headline.missing:
        lines = [clip(line, MOST_SENTENCE) for line in headline.missing]
        yield BlockGroup(
            blocks=(plain_text("\n".join(f"\u26a0 {line}" for line in lines)),), lines=tuple(f"Missing: {line}" for line in lines)
        )
    said = f"*{escape(headline.changed)}*\n{escape(headline.todo)}"
    yield BlockGroup(blocks=(mrkdwn(said),), lines=(headline.changed, headline.todo))
    pairs = tuple(key_figures(headline))
    yield BlockGroup(blocks=(fields(pairs),), lines=tuple(f"{label}: {value}".replace("\n", ", ") for label, value in pairs))
    for section in report.sections:
        if isinstance(section.body, content.Trend):
            drawn = f"{sparkline(section.body)}  {format_trend(section.body)}"
            yield BlockGroup(blocks=(context(drawn),), lines=(drawn,))
    for section in report.sections:
        if isinstance(section.body, content.TopActions):
            yield from _safely(section, _actions, section.body)
    if page is not None:
        yield BlockGroup(blocks=(link_button("Open the full report", page),), lines=(f"The full report: {page}",))


def _actions(actions: content.TopActions) -> Iterator[BlockGroup]:
    yield _title("What to do")
    if not actions.top:
        yield _paragraph("Nothing: ScaleOps advises no change that needs a person.")
    for action in actions.top:
        owner = clip(format_components(action.components), MOST_NAME)
        place = clip(format_place(action.workload), MOST_NAME)
        said = f"{action.number}. {clip(action.sentence, MOST_SENTENCE)}"
        small = f"{owner}, {place}, {action.priority} priority"
        link = None if action.link is None else ("Open in ScaleOps", action.link)
        lines = tuple(line for line in (said, format_requests(action.requests), small) if line)
        yield BlockGroup(blocks=(plain_text("\n".join(lines), link=link),), lines=(said, *(f"   {line}" for line in lines[1:])))
    rest: list[str] = []
    if actions.more:
        saved = f", {format_money(actions.more_savings, actions.currency)} a month" if actions.more_savings else ""
        rest.append(f"{actions.more:,} more{saved}.")
    if actions.left_to_automation:
        rest.append(f"ScaleOps lowers {format_count(actions.left_to_automation, 'workload')} by itself.")
    if rest:
        yield BlockGroup(blocks=(context(" ".join(rest)),), lines=(" ".join(rest),))


def _thread(report: content.Report) -> Iterator[BlockGroup]:
    for section in report.sections:
        body = section.body
        if body is None:
            yield _paragraph(f"{section.title}: {section.failed}")
        elif body.kind in _WRITERS:
            yield from _safely(section, _WRITERS[body.kind], body)


def _safely(section: content.Section, write: Callable[[T], Iterable[BlockGroup]], body: T) -> Iterable[BlockGroup]:
    try:
        return tuple(write(body))
    except Exception as trouble:  # noqa: BLE001 - one section's bug must not cost a team its report; the message tells it
        return (_paragraph(f"{section.title}: this section could not be written ({type(trouble).__name__})."),)


def _title(text: str) -> BlockGroup:
    return BlockGroup(blocks=(divider(), mrkdwn(f"*{escape(text)}*")), lines=("", text))


def _paragraph(text: str) -> BlockGroup:
    return BlockGroup(blocks=(plain_text(text),), lines=(text,))


def _name(text: str) -> str:
    return clip(text, MOST_NAME)


def _table(title: str, rows: Sequence[Sequence[str]], *, numbers_from: int, left_out: int = 0) -> BlockGroup:
    """Make a titled table; the plain lines name each value by its column."""
    head, *values = rows
    lines = [
        ", ".join([row[0], *(f"{label}: {cell}" for label, cell in zip(head[1:], row[1:], strict=True) if cell)])
        for row in values
    ]
    blocks: tuple[Block, ...] = (mrkdwn(f"*{escape(title)}*"), table(rows, numbers_from=numbers_from))
    if left_out:
        more = f"{left_out:,} more {'is' if left_out == 1 else 'are'} not shown here."
        return BlockGroup(blocks=(*blocks, context(more)), lines=("", title, *lines, more))
    return BlockGroup(blocks=blocks, lines=("", title, *lines))


def _movers(movers: content.Movers) -> Iterator[BlockGroup]:
    kinds = (("", movers.moved), ("added", movers.added), ("removed", movers.removed))
    rows = [["Workload", "Where", "Then", "Now", "Change"]]
    left_out = 0
    for kind, some in kinds:
        shown = some[: ROWS if not kind else ROWS // 3]
        left_out += len(some) - len(shown)
        rows += [_mover_row(mover, kind, movers.currency) for mover in shown]
    if len(rows) == 1:
        yield _title("What moved the cost")
        yield _paragraph("Nothing moved: every workload cost what it cost the week before.")
        return
    yield _table("What moved the cost, 7 days", rows, numbers_from=2, left_out=left_out)


def _mover_row(mover: content.Mover, kind: str, currency: str) -> list[str]:
    change = format_money(mover.amount, currency, signed=True)
    note = kind or format_share(mover.share)
    return [
        clip(mover.workload.name, 40),
        clip(format_place(mover.workload), 40),
        "" if mover.then is None else format_money(mover.then, currency),
        "" if mover.now is None else format_money(mover.now, currency),
        f"{change} ({note})" if note else change,
    ]


def _follow_up(follow: content.FollowUp) -> Iterator[BlockGroup]:
    yield _title("What became of the recommendations")
    yield _paragraph(format_follow_up(follow))
    for outcome in (*follow.ended[:ROWS], *follow.ignored[:ROWS]):
        yield _paragraph(
            f"{_name(outcome.workload.name)} ({_name(outcome.component.title)}). {clip(outcome.sentence, MOST_SENTENCE)}"
        )
    left_out = max(0, len(follow.ended) - ROWS) + max(0, len(follow.ignored) - ROWS)
    if left_out:
        yield _paragraph(f"{left_out:,} more are not shown here.")


def _network(network: content.Network) -> Iterator[BlockGroup]:
    yield _title("Traffic between zones, 7 days")
    yield _paragraph(format_network(network))
    for spot in network.hot_spots:
        cost = format_money(spot.cross_az_cost, network.currency)
        yield _paragraph(f"{_name(spot.workload.name)} ({_name(format_place(spot.workload))}): {cost} between zones")


def _automation(automation: content.Automation) -> Iterator[BlockGroup]:
    yield _title("Automation and policies")
    yield _paragraph(format_automation(automation))


def _gaps(gaps: content.DataGaps) -> Iterator[BlockGroup]:
    yield _title("What could not be measured")
    if not gaps.gaps:
        yield _paragraph("Everything could be measured.")
    for gap in gaps.gaps[:ROWS]:
        what = "not measured: " if gap.what == "component" else ""
        yield _paragraph(f"{format_names(gap.names, most=5)}: {what}{clip(gap.reason, MOST_REASON)}")
    if len(gaps.gaps) > ROWS:
        yield _paragraph(f"{len(gaps.gaps) - ROWS:,} more reasons are not shown here.")


def _teams(teams: content.TeamOverview) -> Iterator[BlockGroup]:
    rows = [["Team", "7 days", "Like for like", "Could be saved, a month", "Measured"]]
    if not teams.teams:
        yield _title("Teams")
        yield _paragraph("No team owned a component.")
        return
    for line in teams.teams[: 2 * ROWS]:
        share = format_share(line.share)
        moved = "" if line.like_for_like is None else format_money(line.like_for_like, line.cost.currency, signed=True)
        rows.append(
            [
                clip(line.title, 40),
                format_amount(line.cost),
                f"{moved} ({share})" if share else moved,
                format_amount(line.savings_available),
                f"{line.components_measured:,} of {line.components:,}",
            ]
        )
    yield _table("Teams", rows, numbers_from=1, left_out=max(0, len(teams.teams) - 2 * ROWS))


def _routing(routing: content.RoutingProblems) -> Iterator[BlockGroup]:
    yield _title("Routes")
    if not routing.unrouted and not routing.skipped:
        yield _paragraph("Every team has a channel of its own, and every report was made.")
    for gap in routing.unrouted[:ROWS]:
        yield _paragraph(f"{_name(gap.title)} has no channel of its own: {clip(gap.reason, MOST_REASON)}.")
    if len(routing.unrouted) > ROWS:
        yield _paragraph(f"{len(routing.unrouted) - ROWS:,} more teams have none.")
    for sentence in routing.skipped[:ROWS]:
        yield _paragraph(clip(sentence, MOST_SENTENCE))


_WRITERS: Final[Mapping[str, Callable[..., Iterable[BlockGroup]]]] = {
    "movers": _movers,
    "follow-up": _follow_up,
    "network": _network,
    "automation": _automation,
    "gaps": _gaps,
    "teams": _teams,
    "routing": _routing,
}
"""What goes into the thread; trend and actions stand on the first screen."""
