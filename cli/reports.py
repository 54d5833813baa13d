"""`report` and `trend`: show or send the report of a week, and show the cost by week."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Final

import click

from actions.errors import NotFoundError
from actions.history.costs import get_cost_trend
from actions.history.explanation import explain_cost_change
from actions.history.explanation_models import ExplainInput, ExplainOutput
from actions.history.models import TrendInput, TrendWeekRow
from actions.history.view import HistoryView, parse_team
from cli.output import say, say_json, show_table
from cli.session import open_context, open_history
from cli.slack_validation import validate_messages
from cli.streams import say_error
from clients.http.errors import ServiceError
from clients.slack.client import SlackClient
from domain.messages import Json
from domain.money import format_count, format_money
from domain.months import Month
from domain.refs import PLATFORM, EntityRef
from domain.weeks import IsoWeek
from reports import content
from reports.formatting import format_instant
from reports.render.documents import render_markdown, render_page
from reports.render.renderings import slack_messages
from tasks.context import StageContext
from tasks.entity_lookup import find_entity
from tasks.report.stage import AlreadySent, preview, preview_month, send_month
from tasks.report.stage import send as send_report
from tasks.report.upcoming import upcoming_report
from wiring.settings import SettingsError

_BAR_WIDTH: Final = 12


@click.command()
@click.option("--team", help="kind:namespace/name of the team; default: the roll-up of all teams.")
@click.option("--week", help="ISO week, for example 2026-W47; default: the last completed one.")
@click.option("--monthly", is_flag=True, help="The monthly roll-up of all teams.")
@click.option("--month", help="With --monthly: a month, for example 2026-10; default: the last completed one.")
@click.option("--format", "form", type=click.Choice(["html", "markdown", "slack", "json"]), default="markdown", show_default=True)
@click.option(
    "--preview",
    "previewed",
    is_flag=False,
    flag_value="report",
    type=click.Choice(["report", "slack"]),
    help="Say as well what is missing, and when it is sent. `slack`: show the messages as JSON, which Slack validates without posting.",
)
@click.option("--send", is_flag=True, help="Record it as the report of that week or month and put it into the outbox.")
@click.option("--again", is_flag=True, help="With --send: send another one, marked as such, for a week or month that was sent.")
def report(
    *,
    team: str | None,
    week: str | None,
    monthly: bool,
    month: str | None,
    form: str,
    previewed: str | None,
    send: bool,
    again: bool,
) -> None:
    r"""Show or send the weekly report of a team, or a roll-up; nothing is sent without --send.

    The current week or month can be shown, not sent; until a week was measured to its end the current one is shown. For one that was
    reported the stored report is shown.

    \b
    Examples:
      scaleops-worker report --team group:default/payments --format html > payments.html
      scaleops-worker report --team group:default/payments --week 2026-W47 --send
      scaleops-worker report --preview
      scaleops-worker report --team payments --preview slack
      scaleops-worker report --monthly --month 2026-10
    """
    if again and not send:
        message = "--again requires --send"
        raise click.UsageError(message)
    if previewed and send:
        message = "--preview sends nothing; leave out --send or --preview"
        raise click.UsageError(message)
    if monthly and (team or week):
        message = "--monthly is of all teams and a month: it takes neither --team nor --week"
        raise click.UsageError(message)
    if month and not monthly:
        message = "--month requires --monthly"
        raise click.UsageError(message)
    ref = parse_team(team) if team else None
    chosen = IsoWeek.parse(week) if week else None
    chosen_month = Month.parse(month) if month else None
    with open_context() as context:
        if not send:
            shown = preview_month(context, chosen_month) if monthly else preview(context, ref, chosen)
            say(_rendered(shown, "slack" if previewed == "slack" else form))
            if not monthly:
                _say_what_follows(context, ref or PLATFORM, is_preview=previewed is not None)
            if previewed == "slack":
                _validate(context, shown)
            return
        done = send_month(context, chosen_month, again=again) if monthly else send_report(context, ref, chosen, again=again)
    if isinstance(done, AlreadySent):
        say(done.sentence)
    elif done.problem:
        raise click.ClickException(done.problem)
    else:
        say(
            f"{done.report.title}: {format_count(len(done.messages), 'message')} put into the outbox; `scaleops-worker deliver` sends what is there"
        )


def _say_what_follows(context: StageContext, team: EntityRef, *, is_preview: bool) -> None:
    """Print on standard error when the next report comes, and what it will lack; before the first one without --preview, too."""
    with context.store.reading() as transaction:
        upcoming = upcoming_report(transaction, context.policy.schedules.of(team), team, context.clock())
    is_first = upcoming.last is None
    if not (is_preview or is_first) or upcoming.measured_since is None:
        return
    due = format_instant(upcoming.due_at, upcoming.zone)
    say_error(f"Nothing was sent. The {'first' if is_first else 'next'} report, of {upcoming.week}, is due {due}.")
    if is_first:
        since = format_instant(upcoming.measured_since, upcoming.zone)
        say_error(f"The first sweep is of {since}: a change needs the week before, and comes with the second report.")
    if is_preview and _slack_of(context) is None:
        say_error("It cannot be sent: SLACK_BOT_TOKEN is not set.")


def _validate(context: StageContext, report: content.AnyReport) -> None:
    """Print on standard error what Slack refuses of the messages. Raises ClickException if it refuses one."""
    slack = _slack_of(context)
    if slack is None:
        say_error("Not validated by Slack: SLACK_BOT_TOKEN is not set.")
        return
    messages = slack_messages(report)
    try:
        checked = validate_messages(slack, messages)
    except ServiceError as error:
        raise click.ClickException(str(error)) from None
    if checked.refused:
        message = "\n".join(["Slack refuses:", *checked.refused])
        raise click.ClickException(message)
    for line in checked.simpler:
        say_error(f"This workspace does not know every block, so a simpler form is sent: {line}")
    say_error(f"Slack accepts {format_count(len(messages), 'message')}.")


def _slack_of(context: StageContext) -> SlackClient | None:
    try:
        return context.services.slack
    except SettingsError:
        return None


def _rendered(report: content.AnyReport, form: str) -> str:
    match form:
        case "html":
            return render_page(report)
        case "markdown":
            return render_markdown(report)
        case "slack":
            first_of_each = [dict(renderings[0].payload) for renderings in slack_messages(report)]
            return json.dumps(first_of_each, ensure_ascii=False, indent=2)
        case _:
            return report.model_dump_json(by_alias=True)


@click.command()
@click.argument("ref", metavar="REF")
@click.option(
    "--weeks", type=click.IntRange(1, 104), default=12, show_default=True, help="How many weeks, the running one included."
)
@click.option("--why", is_flag=True, help="Explain the change between the last two completed weeks as well.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def trend(ref: str, *, weeks: int, why: bool, as_json: bool) -> None:
    r"""Show the weekly cost of a component or a team, from the closing snapshot of each week.

    REF is a reference, or a name that only one component or team has.

    \b
    Examples:
      scaleops-worker trend component:default/checkout --weeks 8
      scaleops-worker trend group:default/payments --why
    """
    entity = None
    try:
        with open_context() as context, open_history(context) as view:
            entity = find_entity(view.rows, ref, may_be_new=True)
            found = get_cost_trend(view, TrendInput(entity_ref=str(entity), weeks=weeks))
            explained = _explain(view, entity) if why else None
    except NotFoundError:
        message = f"no measurement of {entity or ref} in the last {weeks} weeks; `scaleops-worker collect` measures, `status` shows what is known"
        raise click.ClickException(message) from None
    if as_json:
        say_json(found.model_dump(mode="json", by_alias=True) | (explanation_json(explained) if why else {}))
        return
    largest = max((row.cost for row in found.weeks if row.cost is not None), default=0)
    show_table(
        ["week", "7 days to", "cost", "", "savings available a month", "realised", "measured"],
        [_row(row, found.currency, largest) for row in found.weeks],
        right=["cost", "savings available a month", "realised"],
    )
    if explained is not None:
        show_explanation(explained)


def _explain(view: HistoryView, entity: EntityRef) -> ExplainOutput | NotFoundError:
    try:
        return explain_cost_change(view, ExplainInput(entity_ref=str(entity)))
    except NotFoundError as missing:
        return missing


def explanation_json(explained: ExplainOutput | NotFoundError | None) -> dict[str, Json]:
    """Return the member `why` of the JSON; null with its reason where two weeks cannot be compared."""
    if isinstance(explained, ExplainOutput):
        return {"why": explained.model_dump(mode="json", by_alias=True)}
    return {"why": None, "whyReason": str(explained)}


def show_explanation(explained: ExplainOutput | NotFoundError) -> None:
    """Print why the cost changed: sentences, then the workloads that moved it."""
    if isinstance(explained, NotFoundError):
        say(f"\nWhy: {explained}")
        return
    amount = format_money(Decimal(repr(explained.amount)), explained.currency, signed=True)
    say("\n" + "\n".join([f"{explained.week} against {explained.before}: {amount} for 7 days.", *explained.explanation]))
    if explained.movers:
        say("")
        show_table(
            ["workload", "where", "change", "why"],
            [
                [
                    mover.workload_name,
                    ", ".join(dict.fromkeys(f"{place.cluster} / {place.namespace}" for place in mover.places)),
                    format_money(Decimal(repr(mover.amount)), explained.currency, signed=True),
                    mover.explanation,
                ]
                for mover in explained.movers
            ],
            right=["change"],
        )


def _row(row: TrendWeekRow, currency: str, largest: float) -> list[str]:
    name = f"{row.week} (current)" if row.running else row.week
    if row.as_of is None:
        return [name, "-", "unknown", "", "", "", "no closing snapshot"]
    is_complete = row.workloads == row.workloads_with_cost
    return [
        name,
        f"{row.as_of:%a %d %b %H:%M}",
        _money(row.cost, currency),
        "█" * max(1, round(_BAR_WIDTH * row.cost / largest)) if row.cost is not None and largest else "",
        _money(row.savings_available_per_month, currency),
        _money(row.savings_realised_per_month, currency),
        "all workloads" if is_complete else f"{row.workloads_with_cost} of {row.workloads} workloads",
    ]


def _money(amount: float | None, currency: str) -> str:
    return "unknown" if amount is None else format_money(Decimal(repr(amount)), currency)
