"""Sample facts of the monthly roll-up: October 2026 of two teams."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from domain.measures import total_of
from domain.month_to_date import MonthToDate
from domain.months import Month
from reports.facts import MonthFacts, MonthMeta, TeamMonthFacts
from tests.factories import PAYMENTS
from tests.unit.report_samples import LINKS, SHOP, TITLES, closing_now, followed, unallocated_facts

END = datetime(2026, 11, 1, tzinfo=timezone.utc)
DUE = datetime(2026, 11, 2, 8, tzinfo=timezone.utc)


def month_cost(low: float, high: float | None = None, *, month: int = 10, known_days: int = 31, reason: str = "") -> MonthToDate:
    start = Month(2026, month).starts_at
    return MonthToDate(
        start=start,
        until=Month(2026, month).ends_at,
        low=Decimal(str(low)),
        high=Decimal(str(low if high is None else high)),
        known_days=known_days,
        days=31,
        reason=reason,
    )


def month_facts(**changes: Any) -> MonthFacts:
    now, found = replace(closing_now(), as_of=END), unallocated_facts()
    facts: dict[str, Any] = {
        "meta": MonthMeta(
            month=Month(2026, 10),
            zone="Europe/Madrid",
            due_at=DUE,
            made_at=DUE + timedelta(minutes=2),
            late=None,
            again=0,
            running=False,
            currency="EUR",
            route="It goes to C0BOSS, by monthly.slack_channel of the configuration file.",
            links=LINKS,
        ),
        "now": now,
        "cost": month_cost(5400),
        "before": month_cost(5000, month=9),
        "reported_before": None,
        "weeks": tuple(total_of([Decimal(cost)]) for cost in (1200, 1100, 1300, 1250)),
        "teams": (
            TeamMonthFacts(team=SHOP, title="Storefront <beta>", cost=month_cost(1200), monthly_budget=None),
            TeamMonthFacts(team=PAYMENTS, title="Payments", cost=month_cost(4200), monthly_budget=Decimal(4000)),
        ),
        "done": followed()[:2],
        "unallocated": replace(found, closing=replace(found.closing, as_of=END), weeks=()),
        "titles": TITLES,
        "sweeps": (),
    }
    return MonthFacts(**(facts | changes))
