"""What to report: a week of a team, or a month of all teams, and the circumstances."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from domain.months import MONTHLY_REPORT, Month
from domain.weeks import WEEKLY_REPORT, IsoWeek, Lateness


@dataclass(frozen=True, kw_only=True)
class ReportRequest:
    """The week to report and the circumstances. `again` counts repeats by hand; `running`: the week has not ended."""

    week: IsoWeek
    now: datetime
    late: Lateness | None = None
    again: int = 0
    running: bool = False

    @property
    def report(self) -> str:
        """The name of the report."""
        return WEEKLY_REPORT

    @property
    def period(self) -> IsoWeek:
        """The week."""
        return self.week


@dataclass(frozen=True, kw_only=True)
class MonthRequest:
    """The month to report and the circumstances, as of a week."""

    month: Month
    now: datetime
    late: Lateness | None = None
    again: int = 0
    running: bool = False

    @property
    def report(self) -> str:
        """The name of the report."""
        return MONTHLY_REPORT

    @property
    def period(self) -> Month:
        """The month."""
        return self.month


AnyRequest = ReportRequest | MonthRequest
