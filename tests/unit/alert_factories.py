"""Builders for tests of alerts: one component, its workloads, and sweeps six hours apart."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal

from alerts.folding import apply
from alerts.lifecycle import Notice, Paging, record, step
from alerts.observations import AlertId, Finding, Observation, RequestFigures, Severity, Verdict
from alerts.policy import AlertPolicy, PagingMode, Rule
from alerts.states import AlertState, Event, OpenIncident, SlackPost
from domain.measures import Measured, total_of
from domain.snapshots import Measurement, NetworkOff, WorkloadPoint
from domain.workload import WorkloadKey
from tests.factories import CHECKOUT, PAYMENTS, make_measurement

POLICY = AlertPolicy(instance="scaleops.example")
ALERT = AlertId(rule=Rule.UNDER_PROVISIONED, about=CHECKOUT)
START = datetime(2026, 9, 7, 0, 0, tzinfo=timezone.utc)
SLOT = timedelta(hours=6)


def sweep(number: float) -> datetime:
    return START + number * SLOT


def key(name: str, cluster: str = "east") -> WorkloadKey:
    return WorkloadKey(cluster=cluster, namespace="shop", type="Deployment", name=name)


def finding(
    name: str = "api", *, kills: int = 1, page: PagingMode = PagingMode.WITH_EVIDENCE, amount: int | None = None
) -> Finding:
    severity = Severity.CRITICAL if kills >= 3 else Severity.ERROR if kills else Severity.WARNING
    return Finding(
        subject=str(key(name)),
        workload=key(name),
        severity=severity,
        amount=Decimal(kills if amount is None else amount),
        has_evidence=kills > 0,
        page=page,
        figures=RequestFigures(
            cpu_request_millicores=250,
            cpu_recommended_millicores=900,
            memory_request_bytes=256 * 2**20,
            memory_recommended_bytes=768 * 2**20,
            oom_kills_24h=kills,
            savings_available_per_month=Decimal(0),
            cost_7d=Decimal(12),
        ),
    )


def met(number: float, *findings: Finding, unknown: tuple[str, ...] = (), first: bool = False) -> Observation:
    return Observation(
        alert=ALERT,
        team=PAYMENTS,
        as_of=sweep(number),
        first_sweep=first,
        found=findings or (finding(),),
        unknown=unknown,
    )


def clear(number: float, *, unknown: tuple[str, ...] = ()) -> Observation:
    return Observation(alert=ALERT, team=PAYMENTS, as_of=sweep(number), unknown=unknown)


def unknown(number: float) -> Observation:
    return Observation(
        alert=ALERT, team=PAYMENTS, as_of=sweep(number), verdict=Verdict.UNKNOWN, reason="ScaleOps answered with status 503"
    )


def gone(number: float) -> Observation:
    return Observation(
        alert=ALERT, team=PAYMENTS, as_of=sweep(number), verdict=Verdict.WITHDRAWN, reason="The component left the catalog."
    )


def is_clear(observation: Observation) -> bool:
    """Return True if a sweep measured everything and nothing meets the condition."""
    return observation.verdict is Verdict.MEASURED and not observation.found and not observation.unknown


class AlertScenario:
    """Applies observations as `tasks.evaluate` does, with one Slack channel and one PagerDuty service for all notices."""

    def __init__(self, alert: AlertId = ALERT, policy: AlertPolicy = POLICY) -> None:
        self.state = AlertState(alert=alert)
        self.events: list[Event] = []
        self.notices: list[Notice] = []
        self.policy = policy

    def observe(self, observation: Observation, now: datetime | None = None) -> tuple[Notice, ...]:
        at = now or observation.as_of + timedelta(minutes=5)
        stepped = step(self.state, observation, at, self.policy)
        self.state = stepped.state
        self.events += stepped.events
        for notice in stepped.notices:
            page = None
            if notice.paging is Paging.TRIGGER:
                page = OpenIncident(target="f" * 16, route="by default", dedup_key=str(notice.alert))
            post = SlackPost(target="C1", route="by default", root="root") if notice.posts else None
            self.apply(record(notice, now=at, post=post, page=page))
        self.notices += stepped.notices
        return stepped.notices

    def apply(self, event: Event) -> None:
        self.state = apply(self.state, event)
        self.events.append(event)


def point(name: str = "api", cluster: str = "east", **changes: object) -> WorkloadPoint:
    whole = WorkloadPoint(
        as_of=START,
        key=key(name, cluster),
        policy_name="default",
        automated=False,
        under_provisioned=False,
        over_provisioned=False,
        replicas=2,
        cpu_request_millicores=1000.0,
        cpu_recommended_millicores=400.0,
        memory_request_bytes=2.0 * 2**30,
        memory_recommended_bytes=1.0 * 2**30,
        cost_7d=Decimal(35),
        savings_available_per_month=Decimal(0),
        active_savings_per_month=Decimal(0),
        oom_kills_24h=0,
        network=NetworkOff(),
    )
    return replace(whole, **changes)  # type: ignore[arg-type]  # the names are those of the fields


def measurement(*points: WorkloadPoint, reason: str = "", cost: Measured[Decimal] | None = None) -> Measurement:
    changes = {} if cost is None else {"cost_7d": total_of([cost])}
    return make_measurement(CHECKOUT, points, as_of=START, reason=reason, **changes)
