"""Sample facts for report tests: a typical week of one team, and variants without data, with too much, with unknown values."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from alerts.policy import Rule
from domain.advice import Issue, IssuePriority
from domain.closing_point import ClosingPoint
from domain.inventory import InventoryWorkload, NamespaceCost
from domain.measures import Measured, Unknown, total_of
from domain.month_to_date import MonthToDate
from domain.refs import EntityRef
from domain.snapshots import Measurement, NetworkOff, NetworkUse, WorkloadPoint
from domain.tracking import LastAdvice, Recommendation, RecommendationEnd, RecommendationKey
from domain.unallocated import SweepUnallocated, summarize_unallocated
from domain.weeks import IsoWeek, Lateness
from reports import content
from reports.builders.report import build_platform_report, build_team_report
from reports.facts import (
    ComponentMonth,
    OpenedAlert,
    PlatformFacts,
    ReportedAlert,
    ReportMeta,
    TeamAlerts,
    TeamFacts,
    UnallocatedFacts,
    WeekTotal,
)
from reports.links import Links
from tests.factories import PAYMENTS, make_key, make_measurement, make_point, make_ref

WEEK = IsoWeek.parse("2026-W47")
NOW = datetime(2026, 11, 22, 23, 0, tzinfo=timezone.utc)
THEN = NOW - timedelta(days=7)
DUE = datetime(2026, 11, 23, 8, 0, tzinfo=timezone.utc)
SHOP = EntityRef.parse("group:default/storefront")
MI = 1024**2


def dashboard(workload_name: str, labels: tuple[str, ...]) -> str | None:
    return f"https://scaleops.example/cost-report/compute?searchTerms={workload_name}{''.join('&labels=' + label for label in labels)}"


LINKS = Links(workload=dashboard, pages="https://reports.example", catalog="https://backstage.example")


def point(
    name: str,
    cost: float | None = 10,
    *,
    cluster: str = "prod@eu-west-1",
    under: bool = False,
    over: bool = False,
    automated: bool = True,
    cpu: tuple[float, float] = (500, 500),
    memory_mi: tuple[float, float] = (512, 512),
    savings: float = 0,
    active: float = 0,
    ooms: int = 0,
    policy: str | None = "production",
    cross_az: float | None = None,
    network_off: bool = False,
    pods: int = 3,
) -> WorkloadPoint:
    """Cost None: the cost report had no row for it."""
    network: Measured[NetworkUse | NetworkOff] = Unknown("no network map came back")
    if network_off:
        network = NetworkOff()
    elif cross_az is not None:
        network = NetworkUse(
            cost=Decimal(str(cross_az)) * 2,
            cross_az_cost=Decimal(str(cross_az)),
            cross_az_traffic_bytes=Decimal(str(cross_az)) * 100_000_000,
        )
    return make_point(
        name,
        cluster=cluster,
        as_of=NOW,
        policy_name=policy,
        automated=automated,
        under_provisioned=under,
        over_provisioned=over,
        replicas=pods,
        pod_hours_7d=168.0 * pods,
        cpu_request_millicores=cpu[0],
        cpu_recommended_millicores=cpu[1],
        memory_request_bytes=memory_mi[0] * MI,
        memory_recommended_bytes=memory_mi[1] * MI,
        cost_7d=Unknown("no cost row for this workload") if cost is None else Decimal(str(cost)),
        savings_available_per_month=Decimal(str(savings)),
        active_savings_per_month=Decimal(str(active)),
        oom_kills_24h=ooms,
        network=network,
    )


def measured(
    name: str, *points: WorkloadPoint, team: EntityRef = PAYMENTS, unknown: str = "", warnings: tuple[str, ...] = ()
) -> Measurement:
    return make_measurement(name, *points, as_of=NOW, team=team, reason=unknown, warnings=warnings)


def closing_now() -> ClosingPoint:
    cart = point(
        "redis-cart", 120, over=True, automated=False, cpu=(2000, 500), memory_mi=(4096, 1024), savings=214.8, cross_az=2.1
    )
    return ClosingPoint(
        as_of=NOW,
        measurements=(
            measured(
                "checkout",
                point("checkout", 412.5, under=True, memory_mi=(256, 512), cpu=(250, 400), ooms=3, cross_az=18.4, active=61.2),
                cart,
                warnings=("ScaleOps does not support 'tier!=canary' of the selector; it was left out",),
            ),
            measured(
                "payment-service",
                point("payment-service", 310.25, over=True, automated=False, cpu=(1500, 600), savings=148.5, cross_az=7.75),
                cart,
                point("fraud-scorer", 96.4, automated=False, savings=12, policy=None, cross_az=0),
            ),
            measured(
                "ledger",
                point("ledger", 88, over=True, savings=20, active=42.5, cross_az=0.4),
                point("ledger-export", None, automated=False, savings=3),
                point("ledger-archive", 15.5, cluster="dev-us", network_off=True, policy="cost"),
                WorkloadPoint.unmeasured(
                    as_of=NOW, key=make_key("ledger-dr", cluster="dr-eu"), reason="the cluster dr-eu stopped answering"
                ),
            ),
            measured("invoices", unknown="ScaleOps answered 503 three times to the list of its workloads"),
        ),
    )


def closing_then() -> ClosingPoint:
    return ClosingPoint(
        as_of=THEN,
        measurements=(
            measured(
                "checkout",
                point("checkout", 355.1, cpu=(250, 400), memory_mi=(256, 512)),
                point("redis-cart", 121.75, cpu=(2000, 500), memory_mi=(4096, 1024)),
            ),
            measured("payment-service", point("payment-service", 402.6, cpu=(1500, 600), pods=4), point("legacy-gateway", 64.2)),
            measured(
                "ledger",
                point("ledger", 88),
                point("ledger-export", 9.5),
                point("ledger-archive", 11.2, cluster="dev-us"),
                point("ledger-dr", 44, cluster="dr-eu"),
            ),
            measured("invoices", point("invoices", 71)),
        ),
    )


WEEKLY = (870.5, 905.25, 911.4, 899, None, 940.75, 1010.2, 1042.6, 1128.4, 1101.9, 1168.35)


def weeks_until(now: ClosingPoint | None, costs: Sequence[float | None] = WEEKLY) -> tuple[WeekTotal, ...]:
    first = WEEK.shift(-len(costs))
    past = tuple(
        WeekTotal(
            week=first.shift(number),
            as_of=None if cost is None else NOW - timedelta(weeks=len(costs) - number),
            cost_7d=total_of([Unknown("no closing snapshot") if cost is None else Decimal(str(cost))]),
        )
        for number, cost in enumerate(costs)
    )
    total = total_of([Unknown("no closing snapshot")]) if now is None else now.cost_7d
    return (*past, WeekTotal(week=WEEK, as_of=None if now is None else now.as_of, cost_7d=total))


def recommendation(
    component: str,
    workload: str,
    issue: Issue,
    days: int,
    ending: RecommendationEnd | None = None,
    *,
    realised: Decimal | None = None,
) -> Recommendation:
    """Return a recommendation that opened some days ago; with an ending it ended two days ago."""
    opened_at = NOW - timedelta(days=days)
    return Recommendation(
        key=RecommendationKey(entity=make_ref(component), workload=make_key(workload, cluster="prod@eu-west-1"), issue=issue),
        team=PAYMENTS,
        opened_at=opened_at,
        last_seen_at=opened_at,
        advised=LastAdvice(
            priority=IssuePriority.HIGH,
            cpu_request_millicores=None,
            cpu_recommended_millicores=None,
            memory_request_bytes=None,
            memory_recommended_bytes=None,
            savings_available_per_month=None,
        ),
        ended_at=None if ending is None else NOW - timedelta(days=2),
        ending=ending,
        realised_per_month=realised,
        judged_at=NOW - timedelta(days=2) if ending is RecommendationEnd.DONE else None,
    )


def followed() -> tuple[Recommendation, ...]:
    return (
        recommendation("ledger", "ledger-batch", Issue.OVER_PROVISIONED, 20, RecommendationEnd.DONE, realised=Decimal("118.4")),
        recommendation("invoices", "invoices", Issue.UNDER_PROVISIONED, 9, RecommendationEnd.DONE),
        recommendation("payment-service", "legacy-gateway", Issue.NOT_AUTOMATED, 13, RecommendationEnd.GONE),
        recommendation("payment-service", "fraud-scorer", Issue.OVER_PROVISIONED, 8, RecommendationEnd.NO_LONGER_ADVISED),
        recommendation("checkout", "redis-cart", Issue.OVER_PROVISIONED, 30),
        recommendation("payment-service", "payment-service", Issue.OVER_PROVISIONED, 30),
        recommendation("checkout", "checkout", Issue.UNDER_PROVISIONED, 3),
    )


def make_meta(**changes: Any) -> ReportMeta:
    meta = ReportMeta(
        week=WEEK,
        zone="Europe/Madrid",
        due_at=DUE,
        made_at=DUE + timedelta(minutes=2),
        late=None,
        again=0,
        running=False,
        currency="EUR",
        route="It goes to C0PAY, named by slack.com/bot-notify on group:default/payments.",
        links=LINKS,
    )
    return replace(meta, **changes)


TITLES = {
    make_ref("checkout"): "Checkout",
    make_ref("payment-service"): "Payment Service",
    make_ref("ledger"): "Ledger",
    make_ref("invoices"): "Invoices & Receipts",
}


def make_month() -> MonthToDate:
    """Return a month of which one day was not measured."""
    return MonthToDate(
        start=datetime(2026, 11, 1, tzinfo=timezone.utc),
        until=datetime(2026, 11, 23, tzinfo=timezone.utc),
        low=Decimal("3121.4"),
        high=Decimal("3280.4"),
        known_days=21,
        days=22,
        reason="1 day was not measured",
    )


def rich_facts() -> TeamFacts:
    now = closing_now()
    return TeamFacts(
        meta=make_meta(),
        team=PAYMENTS,
        title="Payments",
        now=now,
        then=closing_then(),
        weeks=weeks_until(now),
        titles=TITLES,
        labels={make_ref("checkout"): ("app=checkout",)},
        followed=followed(),
        followed_since=THEN,
        reported_at=tuple(NOW - timedelta(weeks=back) for back in range(1, 6)),
        handled=frozenset({("over-provisioned", make_ref("payment-service"))}),
        alerts=TeamAlerts(
            open=(ReportedAlert(rule=Rule.OVER_PROVISIONED, about=make_ref("payment-service"), since=THEN),),
            became_usual=(make_ref("checkout"),),
        ),
        opened=(
            OpenedAlert(rule=Rule.COST_INCREASE, about=make_ref("checkout"), as_of=NOW - timedelta(days=17), is_page=False),
            OpenedAlert(rule=Rule.OVER_PROVISIONED, about=make_ref("ledger"), as_of=NOW - timedelta(days=3), is_page=False),
            OpenedAlert(rule=Rule.UNDER_PROVISIONED, about=make_ref("checkout"), as_of=NOW - timedelta(days=2), is_page=True),
        ),
        month_to_date=make_month(),
        component_months=(
            ComponentMonth(
                ref=make_ref("checkout"), month=make_month(), monthly_budget=Decimal(6000), costs_7d=(total_of([Decimal(900)]),)
            ),
        ),
        monthly_budget=Decimal(4000),
    )


def namespace_cost(namespace: str, *costs: float | None, cluster: str = "prod@eu-west-1", allocated: float = 0) -> NamespaceCost:
    """One unclaimed workload for each cost; None: the costs of its cluster are not trusted."""
    return NamespaceCost(
        cluster=cluster,
        namespace=namespace,
        unallocated=total_of(Unknown("its costs are not trusted") if cost is None else Decimal(str(cost)) for cost in costs),
        allocated=total_of([Decimal(str(allocated))] if allocated else []),
    )


def unallocated_facts() -> UnallocatedFacts:
    """Thirteen namespaces, of which one is shared and one unknown, and four weeks with a gap."""
    costs = [
        namespace_cost("payments", allocated=1248.25),
        namespace_cost("kube-system", 61.5, 12),
        namespace_cost("sandbox", None, None, cluster="dev-us"),
        *(namespace_cost(f"team-{number:02}", 4 * number, 1.25) for number in range(1, 12)),
    ]
    closing = SweepUnallocated(as_of=NOW, cost=summarize_unallocated(costs, shared={"kube-system"}))
    small = summarize_unallocated([namespace_cost("team-01", 80, allocated=900)], shared=())
    keys = (make_key("etl", namespace="team-11"), make_key("batch", namespace="team-10"), make_key("web"))
    return UnallocatedFacts(
        closing=closing,
        largest=tuple(InventoryWorkload(key=key, cost_7d=Decimal(44 - number)) for number, key in enumerate(keys)),
        without_workloads=1,
        weeks=(
            (WEEK.shift(-3), SweepUnallocated(as_of=NOW - timedelta(weeks=3), cost=small)),
            (WEEK.shift(-2), SweepUnallocated(as_of=NOW - timedelta(weeks=2), cost=Unknown("the inventory is not trusted"))),
            (WEEK.shift(-1), SweepUnallocated(as_of=NOW - timedelta(weeks=1), cost=small)),
            (WEEK, closing),
        ),
    )


def platform_facts() -> PlatformFacts:
    """The roll-up of the same week: two teams, one without a channel."""
    now, then = closing_now(), closing_then()
    shop_now = measured("frontend", point("frontend", 205.6, over=True, automated=False, savings=33, cross_az=4.2), team=SHOP)
    shop_then = measured("frontend", point("frontend", 180.1), team=SHOP)
    together = ClosingPoint(as_of=NOW, measurements=(*now.measurements, shop_now))
    return PlatformFacts(
        meta=make_meta(route="It goes to C0PLAT, the platform channel.", zone="UTC"),
        now=together,
        then=ClosingPoint(as_of=THEN, measurements=(*then.measurements, shop_then)),
        weeks=weeks_until(together),
        titles={**TITLES, make_ref("frontend"): "Frontend"},
        team_titles={PAYMENTS: "Payments", SHOP: "Storefront <beta>"},
        unallocated=unallocated_facts(),
        unrouted=(
            content.UnroutedTeam(
                ref=str(SHOP),
                title="Storefront <beta>",
                reason="no channel on its components, its group or above it, nor in the configuration",
            ),
        ),
        skipped=("Storefront: the report of 2026-W45 was more than three days late when the worker came back; it was not sent.",),
    )


def facts_of_the_first_week() -> TeamFacts:
    """Something was measured, and there is nothing before it."""
    now = closing_now()
    return replace(rich_facts(), then=None, weeks=weeks_until(now, ()), followed=(), month_to_date=None, monthly_budget=None)


def facts_of_nothing() -> TeamFacts:
    return replace(rich_facts(), now=None, then=None, weeks=weeks_until(None, (None, None)), followed=(), month_to_date=None)


def facts_of_the_unknown() -> TeamFacts:
    """Workloads are known to be there, and nothing else is."""
    blank = tuple(
        WorkloadPoint.unmeasured(
            as_of=NOW, key=make_key(f"w{number}", cluster="prod@eu-west-1"), reason="the cluster stopped answering"
        )
        for number in range(3)
    )
    now = ClosingPoint(
        as_of=NOW, measurements=(measured("checkout", *blank), measured("ledger", unknown="ScaleOps answered HTML"))
    )
    return replace(rich_facts(), now=now, weeks=weeks_until(now), followed=())


def facts_of_no_workloads() -> TeamFacts:
    """Everything answered, and there is nothing."""
    now = ClosingPoint(as_of=NOW, measurements=(measured("checkout"),))
    return replace(rich_facts(), now=now, then=replace(now, as_of=THEN), weeks=weeks_until(now, (0, 0)), followed=())


NASTY = "<!here> *bold* `code` & |pipe| <script>alert(1)</script> \u202eevil\n# heading "


def facts_of_too_much(workloads: int = 500) -> TeamFacts:
    """Five hundred workloads with names of three hundred characters that try everything."""
    title = (NASTY * 5)[:300]
    points = tuple(
        point(
            f"{number:04}{title}"[:300], 10 + number, over=True, automated=False, savings=number, cpu=(1000, 100), cross_az=number
        )
        for number in range(workloads)
    )
    unknown = tuple(point(f"u{number:04}{title}"[:300], None) for number in range(workloads))
    before = tuple(point(f"{number:04}{title}"[:300], 5) for number in range(workloads // 2, workloads + workloads // 2))
    now = ClosingPoint(
        as_of=NOW, measurements=(measured("monster", *points, *unknown, warnings=(title,)), measured("gone", unknown=title))
    )
    then = ClosingPoint(as_of=THEN, measurements=(measured("monster", *before),))
    many = tuple(
        recommendation("monster", point.key.name, Issue.OVER_PROVISIONED, 40, RecommendationEnd.DONE, realised=Decimal(5))
        for point in points
    )
    return replace(
        rich_facts(),
        title=title,
        now=now,
        then=then,
        weeks=weeks_until(now),
        titles={make_ref("monster"): title, make_ref("gone"): title},
        followed=many,
        meta=make_meta(late=Lateness(due_at=DUE, made_at=DUE + timedelta(days=2, hours=3))),
    )


def many_reports() -> tuple[content.Report, ...]:
    """Two teams and the roll-up over five weeks, for the index."""
    reports: list[content.Report] = []
    for back in range(4, -1, -1):
        week = WEEK.shift(-back)
        meta = make_meta(week=week, made_at=DUE - timedelta(weeks=back), due_at=DUE - timedelta(weeks=back))
        reports.append(build_team_report(replace(rich_facts(), meta=meta)))
        reports.append(build_platform_report(replace(platform_facts(), meta=meta)))
        if back < 3:
            small = ClosingPoint(as_of=NOW, measurements=(measured("frontend", point("frontend", 200 - 10 * back)),))
            facts = replace(rich_facts(), meta=meta, team=SHOP, title="Storefront <beta>", now=small, then=None)
            reports.append(build_team_report(replace(facts, weeks=weeks_until(small, (150, 160)), followed=())))
    return tuple(reports)
