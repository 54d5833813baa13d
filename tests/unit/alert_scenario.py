"""The alert of one component over sweeps six hours apart: what each sweep found, and what the alert did."""

from datetime import datetime, timedelta, timezone
from decimal import Decimal

from alerts.folding import apply
from alerts.lifecycle import Notice, Paging, record, step
from alerts.observations import AlertId, Finding, Observation, RequestFigures, Severity, Verdict
from alerts.policy import AlertPolicy, PagingMode, Rule
from alerts.states import AlertState, Event, NoticeKind, OpenIncident, SlackPost
from tests.factories import CHECKOUT, PAYMENTS, make_key

POLICY = AlertPolicy(instance="scaleops.example")
ALERT = AlertId(rule=Rule.UNDER_PROVISIONED, about=CHECKOUT)
START = datetime(2026, 9, 7, 0, 0, tzinfo=timezone.utc)
SLOT = timedelta(hours=6)


def sweep(number: float) -> datetime:
    return START + number * SLOT


def finding(
    name: str = "api", *, kills: int = 1, page: PagingMode = PagingMode.WITH_EVIDENCE, amount: int | None = None
) -> Finding:
    severity = Severity.CRITICAL if kills >= 3 else Severity.ERROR if kills else Severity.WARNING
    return Finding(
        subject=str(make_key(name)),
        workload=make_key(name),
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
        alert=ALERT, team=PAYMENTS, as_of=sweep(number), first_sweep=first, found=findings or (finding(),), unknown=unknown
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
    return observation.verdict is Verdict.MEASURED and not observation.found and not observation.unknown


class AlertScenario:
    def __init__(self, alert: AlertId = ALERT, policy: AlertPolicy = POLICY) -> None:
        self.state = AlertState(alert=alert)
        self.events: list[Event] = []
        self.notices: list[Notice] = []
        self.policy = policy

    def observe(self, *observations: Observation, now: datetime | None = None) -> tuple[Notice, ...]:
        """Apply observations one after the other; return the notices of the last."""
        sent: tuple[Notice, ...] = ()
        for observation in observations:
            at = now or observation.as_of + timedelta(minutes=5)
            stepped = step(self.state, observation, at, self.policy)
            self.state, sent = stepped.state, stepped.notices
            self.events += stepped.events
            for notice in sent:
                page = None
                if notice.paging is Paging.TRIGGER:
                    page = OpenIncident(target="f" * 16, route="by default", dedup_key=str(notice.alert))
                post = SlackPost(target="C1", route="by default", root="root") if notice.posts else None
                self.apply(record(notice, now=at, post=post, page=page))
            self.notices += sent
        return sent

    def apply(self, event: Event) -> None:
        self.state = apply(self.state, event)
        self.events.append(event)


MILD = finding(kills=0)


def opened(*findings: Finding) -> AlertScenario:
    alert = AlertScenario()
    alert.observe(met(0, *findings), met(1, *findings))
    return alert


def kinds(alert: AlertScenario) -> list[NoticeKind]:
    return [notice.kind for notice in alert.notices]
