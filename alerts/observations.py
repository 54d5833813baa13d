"""What one sweep shows of one condition: which workloads meet it, which are unknown, how bad it is."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final, Literal

from alerts.policy import PagingMode, Rule
from domain.refs import EntityRef, InvalidReference
from domain.workload import WorkloadKey

PLATFORM = EntityRef("platform", "default", "platform")
"""Whom storms of many teams, and outages, are about."""


LONGEST_DEDUP_KEY: Final = 255
"""https://developer.pagerduty.com/docs/send-alert-event"""


class InvalidAlertId(ValueError):
    """The text names no alert; the message says what one looks like."""


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class AlertId:
    """An alert is one rule about one component (or team, or the platform)."""

    rule: Rule
    about: EntityRef

    @classmethod
    def parse(cls, text: str) -> AlertId:
        """Read `under-provisioned:component:default/checkout`.

        Raises:
            InvalidAlertId: anything else.
        """
        rule, _, about = text.strip().partition(":")
        try:
            return cls(rule=Rule(rule), about=EntityRef.parse(about))
        except (ValueError, InvalidReference) as error:
            message = (
                f"{text!r} is no alert; write RULE:ENTITY, for example under-provisioned:component:default/checkout "
                "(`scaleops-worker alerts list` shows them)"
            )
            raise InvalidAlertId(message) from error

    def __str__(self) -> str:
        return f"{self.rule}:{self.about}"


def dedup_key_of(alert: AlertId, instance: str) -> str:
    """Answer PagerDuty's dedup key: `<instance>:<rule>:<entity>`, or its SHA-256 when that is longer than PagerDuty takes."""
    key = f"{instance}:{alert}"
    return key if len(key) <= LONGEST_DEDUP_KEY else hashlib.sha256(key.encode()).hexdigest()


class Severity(StrEnum):
    """How bad it is, in PagerDuty's words."""

    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """A number that grows with the severity."""
        return (Severity.WARNING, Severity.ERROR, Severity.CRITICAL).index(self)


def worst_of(severities: Iterable[Severity]) -> Severity:
    """Answer the highest severity; `warning` of none."""
    return max(severities, key=lambda severity: severity.rank, default=Severity.WARNING)


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestFigures:
    """Requests and recommendations per pod, OOM kills in 24 hours, savings per month. None: not known."""

    of: Literal["requests"] = "requests"
    cpu_request_millicores: float | None
    cpu_recommended_millicores: float | None
    memory_request_bytes: float | None
    memory_recommended_bytes: float | None
    oom_kills_24h: int | None
    savings_available_per_month: Decimal | None
    cost_7d: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CostFigures:
    """Cost of 7 days, and the mean of the closing snapshots before."""

    of: Literal["cost"] = "cost"
    cost_7d: Decimal
    usual_cost_7d: Decimal
    weeks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetFigures:
    """The month as it is going."""

    of: Literal["budget"] = "budget"
    month_to_date: Decimal
    forecast: Decimal
    monthly_budget: Decimal
    known_days: int
    days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UnmeasuredFigures:
    """Why nothing could be measured."""

    of: Literal["silence"] = "silence"
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutageFigures:
    """How many of the components measured before are unknown."""

    of: Literal["outage"] = "outage"
    unknown: int
    components: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberFigures:
    """An alert that a storm stands for."""

    of: Literal["member"] = "member"
    alert: AlertId
    workloads: int


Figures = RequestFigures | CostFigures | BudgetFigures | UnmeasuredFigures | OutageFigures | MemberFigures


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that meets a condition: a workload, or the component as a whole."""

    subject: str
    """What makes it itself from sweep to sweep: the workload's key, or the alert's own name."""
    workload: WorkloadKey | None
    severity: Severity
    amount: Decimal
    """What may grow: OOM kills, savings per month, money above the usual or the budget."""
    has_evidence: bool
    """There is a sign of harm, not only of waste or risk."""
    page: PagingMode
    """When this may page; `never` outside production, whatever the rule says."""
    figures: Figures

    def may_page(self, *, from_first_sweep: bool) -> bool:
        """Say whether it may call somebody. What was there when we first looked calls only with evidence."""
        if self.page is PagingMode.NEVER:
            return False
        return self.has_evidence or (self.page is PagingMode.ALWAYS and not from_first_sweep)


class Verdict(StrEnum):
    """What kind of answer the sweep gave."""

    GOOD = "good"
    """Whoever meets the condition is in `found`, whoever could not be judged in `unknown`; everybody else does not meet it."""
    UNKNOWN = "unknown"
    """Nothing was learned."""
    WITHDRAWN = "withdrawn"
    """There is nothing left to watch: the component left the catalog, or the rule was switched off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What one sweep shows of one rule and component."""

    alert: AlertId
    team: EntityRef
    as_of: datetime
    answer: Verdict
    reason: str = ""
    """Why nothing was learned, or why there is nothing left to watch; empty for a good answer."""
    first_sweep: bool = False
    """No sweep before this one measured the component."""
    found: tuple[Finding, ...] = ()
    unknown: tuple[str, ...] = ()
    """Subjects that could not be judged."""

    @property
    def shows_nothing(self) -> bool:
        """Say whether a good answer shows that nobody meets the condition."""
        return self.answer is Verdict.GOOD and not self.found and not self.unknown

    def suppressed(self, reason: str) -> Observation:
        """Answer the observation that learned nothing, whatever this one shows: during an outage nobody is judged."""
        return Observation(alert=self.alert, team=self.team, as_of=self.as_of, answer=Verdict.UNKNOWN, reason=reason)
