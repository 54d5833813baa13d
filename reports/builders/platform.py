"""The section of the roll-up that compares all teams."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from domain.closing_point import ClosingPoint
from domain.closing_split import split_closing, team_of
from domain.cost_change import CostComparison, compare
from domain.refs import EntityRef
from domain.snapshots import Outcome
from domain.usual_range import is_noise
from domain.weeks import IsoWeek
from reports import content
from reports.builders.headline import amount_of
from reports.links import Links, team_slug


def build_team_overview(
    now: ClosingPoint, then: ClosingPoint | None, *, currency: str, titles: Mapping[EntityRef, str], links: Links, week: IsoWeek
) -> content.TeamOverview:
    """Compare all teams, highest cost first. A workload of two teams counts once for each."""
    parts = split_closing(now, then or ClosingPoint(as_of=now.as_of, measurements=()), team_of)
    rows = [
        _team_row(
            team,
            mine,
            before if before.measurements else None,
            currency=currency,
            titles=titles,
            link=links.report(team_slug(team), week),
        )
        for team, (mine, before) in parts.items()
        if mine.measurements
    ]
    return content.TeamOverview(teams=tuple(sorted(rows, key=lambda row: (-(row.cost.amount or Decimal(0)), row.ref))))


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
        is_noise=change is not None and is_noise(change.like_for_like),
        savings_available=amount_of(now.savings_available_per_month, currency=currency, period="month", as_of=now.as_of),
        savings_realised=amount_of(now.realised_savings_per_month, currency=currency, period="month", as_of=now.as_of),
        components=len(now.outcomes),
        components_measured=list(now.outcomes.values()).count(Outcome.MEASURED),
        link=link,
    )
