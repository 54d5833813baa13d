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
from domain.figures import FigureKind
from domain.refs import EntityRef, InvalidReference
from domain.workload import WorkloadKey

WHOLE_COMPONENT: Final = "as a whole"
"""The subject of a finding about the component, team or platform itself."""
MAX_DEDUP_KEY_LENGTH: Final = 255
"""https://developer.pagerduty.com/docs/send-alert-event"""


class InvalidAlertId(ValueError):
    """The text is not an alert id; the message shows the format."""


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
                f"{text!r} is not an alert id; write RULE:ENTITY, for example under-provisioned:component:default/checkout "
                "(`scaleops-worker alerts list` shows them)"
            )
            raise InvalidAlertId(message) from error

    def __str__(self) -> str:
        return f"{self.rule}:{self.about}"


def dedup_key_of(alert: AlertId, instance: str) -> str:
    """Return PagerDuty's dedup key: `<instance>:<rule>:<entity>`, or its SHA-256 when that is too long for PagerDuty."""
    key = f"{instance}:{alert}"
    return key if len(key) <= MAX_DEDUP_KEY_LENGTH else hashlib.sha256(key.encode()).hexdigest()


class Severity(StrEnum):
    """PagerDuty's severities."""

    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """A number that grows with the severity."""
        return (Severity.WARNING, Severity.ERROR, Severity.CRITICAL).index(self)


def worst_of(severities: Iterable[Severity]) -> Severity:
    """Return the highest severity; `warning` for none."""
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
    keeps_memory: bool = False
    """It was OOM-killed and ScaleOps recommends less memory: the memory recommended here is what it has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CostFigures:
    """Cost of 7 days, and the mean of the closing snapshots before."""

    of: Literal["cost"] = "cost"
    cost_7d: Decimal
    usual_cost_7d: Decimal
    weeks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetFigures:
    """The month to date and its forecast."""

    of: Literal["budget"] = "budget"
    month_to_date: Decimal
    forecast: Decimal
    monthly_budget: Decimal
    known_days: int
    days: int
    is_complete: bool = True
    """False: parts of the cost are unknown, so month to date and forecast are at least these."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnmeasuredFigures:
    """What could not be measured, and why."""

    of: Literal["unmeasured"] = "unmeasured"
    reason: str
    what: FigureKind = FigureKind.WORKLOADS
    cluster: str | None = None
    """The cluster whose figures are missing; None: all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogFigures:
    """What is wrong with the catalog's listing."""

    of: Literal["catalog"] = "catalog"
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutageFigures:
    """How many of the components measured before are now unknown."""

    of: Literal["outage"] = "outage"
    unknown: int
    components: int
    what: FigureKind = FigureKind.WORKLOADS


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberFigures:
    """An alert that a storm summarises."""

    of: Literal["member"] = "member"
    alert: AlertId
    workloads: int
    worst: Finding | None = None
    """The most important of its findings; None: stored by a version that kept none."""


Figures = RequestFigures | CostFigures | BudgetFigures | UnmeasuredFigures | CatalogFigures | OutageFigures | MemberFigures


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that meets a condition: a workload, or the component as a whole."""

    subject: str = WHOLE_COMPONENT
    """Its identity from sweep to sweep: the workload's key, the whole component, or a storm's member."""
    workload: WorkloadKey | None = None
    severity: Severity = Severity.WARNING
    amount: Decimal = Decimal(0)
    """What may grow: OOM kills, savings per month, cost above the usual or the budget."""
    has_evidence: bool = False
    """There is harm already, not only waste or risk."""
    page: PagingMode = PagingMode.NEVER
    """When this may page; `never` outside production, whatever the rule says."""
    paged_by: AlertId | None = None
    """Another alert that pages for this workload, because several components own it."""
    figures: Figures

    @property
    def is_danger(self) -> bool:
        """True if it pages at the first sweep that shows it: the harm is measured, and it may page."""
        return self.has_evidence and self.page is not PagingMode.NEVER

    def may_page(self, *, from_first_sweep: bool) -> bool:
        """Return True if it may page. What the first sweep shows pages only with evidence."""
        return self.is_danger or (self.page is PagingMode.ALWAYS and not from_first_sweep)


def worst_first(findings: Iterable[Finding]) -> list[Finding]:
    """Return findings with the most important first; of a storm's members, the one whose worst finding is."""

    def importance(finding: Finding) -> tuple[int, Decimal, str]:
        worst = finding.figures.worst if isinstance(finding.figures, MemberFigures) else None
        return -finding.severity.rank, -(worst or finding).amount, finding.subject

    return sorted(findings, key=importance)


class Verdict(StrEnum):
    """Whether a sweep could decide the condition."""

    MEASURED = "measured"
    """What meets the condition is in `found`, what could not be decided in `unknown`; nothing else meets it."""
    UNKNOWN = "unknown"
    """Not measured."""
    WITHDRAWN = "withdrawn"
    """There is nothing left to measure: the component left the catalog, or the rule was disabled."""
    USUAL = "usual"
    """Measured, and as high as before, but it lasted until it was the usual level."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What one sweep shows of one rule and component."""

    alert: AlertId
    team: EntityRef
    as_of: datetime
    verdict: Verdict = Verdict.MEASURED
    reason: str = ""
    """Why it is unknown, withdrawn or usual; empty when measured."""
    first_sweep: bool = False
    """No sweep before this one measured the component."""
    found: tuple[Finding, ...] = ()
    unknown: tuple[str, ...] = ()
    """Subjects that could not be decided."""

    def as_unknown(self, reason: str) -> Observation:
        """Return the observation that replaces this one if its condition was not measured."""
        return Observation(alert=self.alert, team=self.team, as_of=self.as_of, verdict=Verdict.UNKNOWN, reason=reason)
