"""`report` and `trend`: look at a week, send it by hand, and follow a cost over the weeks."""

from __future__ import annotations

import json
from decimal import Decimal

import click

from actions.live.outputs import figure
from cli.output import say, say_json, show_table
from cli.session import open_context
from domain.measures import Measured, Total, Unknown
from domain.messages import Json
from domain.money import format_count, format_money
from domain.refs import EntityRef
from domain.weeks import IsoWeek
from reports import content
from reports.render.html_page import render_page
from reports.render.markdown import render_markdown
from reports.render.slack import render_slack
from tasks.report.stage import AlreadySent, preview
from tasks.report.stage import send as send_report
from tasks.report.trend import WeeklyCost, weekly_trend


@click.command()
@click.option("--team", help="kind:namespace/name of the team; left out: the roll-up of all teams.")
@click.option("--week", help="ISO week, for example 2026-W47; left out: the last completed one.")
@click.option("--format", "form", type=click.Choice(["html", "markdown", "slack", "json"]), default="markdown", show_default=True)
@click.option("--send", is_flag=True, help="Make it the run of that week and put it into the outbox.")
@click.option("--again", is_flag=True, help="With --send: another, marked one, though that week was sent.")
def report(*, team: str | None, week: str | None, form: str, send: bool, again: bool) -> None:
    r"""Show the weekly report of a team; nothing is written or sent without --send.

    The running week can be shown, not sent. A week that was reported shows what was reported.

    \b
    Examples:
      scaleops-worker report --team group:default/payments --format html > payments.html
      scaleops-worker report --team group:default/payments --week 2026-W47 --send
    """
    if again and not send:
        message = "--again goes with --send"
        raise click.UsageError(message)
    ref = EntityRef.parse(team) if team else None
    chosen = IsoWeek.parse(week) if week else None
    with open_context() as context:
        if not send:
            say(_rendered(preview(context, ref, chosen), form))
            return
        done = send_report(context, ref, chosen, again=again)
    if isinstance(done, AlreadySent):
        say(done.sentence)
    elif done.trouble:
        raise click.ClickException(done.trouble)
    else:
        say(
            f"{done.report.title}: {format_count(len(done.messages), 'message')} put into the outbox; `scaleops-worker deliver` sends what is there"
        )


def _rendered(report: content.Report, form: str) -> str:
    match form:
        case "html":
            return render_page(report)
        case "markdown":
            return render_markdown(report)
        case "slack":
            first_of_each = [dict(renderings[0].payload) for renderings in render_slack(report)]
            return json.dumps(first_of_each, ensure_ascii=False, indent=2)
        case _:
            return report.model_dump_json(by_alias=True)


@click.command()
@click.argument("ref", metavar="REF")
@click.option(
    "--weeks", type=click.IntRange(1, 104), default=12, show_default=True, help="How many weeks, the running one included."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def trend(ref: str, *, weeks: int, as_json: bool) -> None:
    r"""Show what a component or a team cost week by week, from the snapshots that close each week.

    \b
    Example:
      scaleops-worker trend component:default/checkout --weeks 8
    """
    asked = EntityRef.parse(ref)
    with open_context() as context:
        found = weekly_trend(context, asked, weeks=weeks)
        currency = context.policy.currency
    if as_json:
        say_json({"entityRef": str(asked), "currency": currency, "weeks": [_as_json(one) for one in found]})
        return
    largest = max(
        (one.point.cost_7d.amount for one in found if one.point and isinstance(one.point.cost_7d.amount, Decimal)),
        default=Decimal(0),
    )
    rows = [_row(one, currency, largest) for one in found]
    show_table(
        ["week", "7 days to", "cost", "", "savings/month available", "active", "measured"],
        rows,
        right=["cost", "savings/month available", "active"],
    )


def _row(one: WeeklyCost, currency: str, largest: Decimal) -> list[str]:
    name = f"{one.week} (running)" if one.is_running else str(one.week)
    if one.point is None:
        return [name, "-", "unknown", "", "", "", "no closing snapshot"]
    point = one.point
    return [
        name,
        f"{point.as_of:%a %d %b %H:%M}",
        _words(point.cost_7d.amount, currency),
        _bar(point.cost_7d.amount, largest),
        _words(point.savings_available_per_month.amount, currency),
        _words(point.active_savings_per_month.amount, currency),
        _coverage(point.cost_7d),
    ]


def _words(amount: Measured[Decimal], currency: str) -> str:
    return "unknown" if isinstance(amount, Unknown) else format_money(amount, currency)


def _bar(amount: Measured[Decimal], largest: Decimal) -> str:
    return "" if isinstance(amount, Unknown) or not largest else "█" * max(1, round(20 * amount / largest))


def _coverage(total: Total) -> str:
    return "all workloads" if total.is_complete else f"{total.known} of {total.parts} workloads"


def _as_json(one: WeeklyCost) -> Json:
    point = one.point
    if point is None:
        return {"week": str(one.week), "running": one.is_running, "asOf": None, "reason": "no closing snapshot"}
    return {
        "week": str(one.week),
        "running": one.is_running,
        "asOf": point.as_of.isoformat(),
        "cost7d": _number(point.cost_7d.amount),
        "savingsAvailablePerMonth": _number(point.savings_available_per_month.amount),
        "activeSavingsPerMonth": _number(point.active_savings_per_month.amount),
        "workloads": point.cost_7d.parts,
        "workloadsWithCost": point.cost_7d.known,
        "componentsMeasured": point.measured,
        "componentsUnknown": point.unknown,
    }


def _number(amount: Measured[Decimal]) -> int | float | None:
    return None if isinstance(amount, Unknown) else figure(amount)
