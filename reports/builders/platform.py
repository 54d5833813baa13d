"""The section of the roll-up that compares all teams."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from domain.closing_point import ClosingPoint
from domain.cost_change import CostComparison, compare
from domain.refs import EntityRef
from domain.snapshots import Measurement, Outcome
from domain.weeks import IsoWeek
from reports import content
from reports.builders.headline import amount_of
from reports.links import Links, team_slug


def build_team_overview(
    now: ClosingPoint, then: ClosingPoint | None, *, currency: str, titles: Mapping[EntityRef, str], links: Links, week: IsoWeek
) -> content.TeamOverview:
    """Compare all teams, highest cost first. A workload of two teams counts once for each."""
    before = {} if then is None else _by_team(then)
    rows = [
        _team_row(team, mine, before.get(team), currency=currency, titles=titles, link=links.report(team_slug(team), week))
        for team, mine in _by_team(now).items()
    ]
    return content.TeamOverview(teams=tuple(sorted(rows, key=lambda row: (-(row.cost.amount or Decimal(0)), row.ref))))


def _by_team(closing: ClosingPoint) -> Mapping[EntityRef, ClosingPoint]:
    grouped: dict[EntityRef, list[Measurement]] = {}
    for measurement in closing.measurements:
        grouped.setdefault(measurement.snapshot.team, []).append(measurement)
    return {
        team: ClosingPoint(as_of=closing.as_of, measurements=tuple(mine), listing_complete=closing.listing_complete)
        for team, mine in grouped.items()
    }


def _team_row(
    team: EntityRef,
    now: ClosingPoint,
    then: ClosingPoint | None,
    *,
    currency: str,
    titles: Mapping[EntityRef, str],
    link: str | None,
) -> content.TeamSummary:
    change = None if then is None else compare(now, then)
    if change is not None and not change.group(CostComparison.LIKE_FOR_LIKE).workloads:
        change = None
    return content.TeamSummary(
        ref=str(team),
        title=titles.get(team) or team.name,
        cost=amount_of(now.cost_7d, currency=currency, period="7 days", as_of=now.as_of),
        like_for_like=change.group(CostComparison.LIKE_FOR_LIKE).amount if change is not None else None,
        share=change.like_for_like_share if change is not None else None,
        savings_available=amount_of(now.savings_available_per_month, currency=currency, period="month", as_of=now.as_of),
        savings_realised=amount_of(now.realised_savings_per_month, currency=currency, period="month", as_of=now.as_of),
        components=len(now.outcomes),
        components_measured=list(now.outcomes.values()).count(Outcome.MEASURED),
        link=link,
    )
