"""Made-up components and measurements for tests of the store and of collecting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal

from domain.component import Component, NotificationTargets, Team
from domain.measures import Unknown
from domain.refs import EntityRef
from domain.snapshots import Measurement, NetworkOff, NetworkUse, WorkloadPoint
from domain.workload import WorkloadKey
from store import Transaction
from tests.factories import make_component, make_measurement, make_team

SLOT = datetime(2026, 11, 23, 6, tzinfo=timezone.utc)
NOW = SLOT + timedelta(minutes=5)
PAYMENTS = EntityRef.parse("group:default/payments")
SEARCH = EntityRef.parse("group:default/search")


def ref(name: str) -> EntityRef:
    return EntityRef.parse(f"component:default/{name}")


def component(name: str, *, team: EntityRef = PAYMENTS, selector: str | None = None) -> Component:
    return make_component(
        name,
        team=team,
        system="system:default/shop",
        label_selector=f"app={name}" if selector is None else selector,
        contact=NotificationTargets(slack_channels=(("slack.com/bot-notify", "C1"),), pagerduty_fingerprint="0123456789abcdef"),
    )


def team(of: EntityRef = PAYMENTS) -> Team:
    return make_team(of, parent=EntityRef.parse("group:default/all"))


def key(name: str, *, cluster: str = "eu-1") -> WorkloadKey:
    return WorkloadKey(cluster=cluster, namespace="shop", type="Deployment", name=name)


def point(name: str, *, cluster: str = "eu-1", cost: str | None = "10.10", as_of: datetime = SLOT) -> WorkloadPoint:
    return WorkloadPoint(
        as_of=as_of,
        key=key(name, cluster=cluster),
        policy_name="production",
        automated=True,
        under_provisioned=False,
        over_provisioned=True,
        replicas=3,
        cpu_request_millicores=250.5,
        cpu_recommended_millicores=100.25,
        memory_request_bytes=2.0**31,
        memory_recommended_bytes=Unknown("ScaleOps gave no recommendation"),
        cost_7d=Unknown("ScaleOps gave no cost for it") if cost is None else Decimal(cost),
        savings_available_per_month=Decimal("0.1"),
        active_savings_per_month=Decimal("-0.20"),
        oom_kills_24h=0,
        network=NetworkUse(
            cost=Decimal("1.23456789012345678901234567890"),
            cross_az_cost=Unknown("left out"),
            cross_az_traffic_bytes=Decimal(10) ** 18,
        ),
    )


def without_network(name: str) -> WorkloadPoint:
    blank = WorkloadPoint.unmeasured(as_of=SLOT, key=key(name), reason="the cluster is lost")
    return replace(blank, network=NetworkOff())


def measurement(
    name: str, *points: WorkloadPoint, team: EntityRef = PAYMENTS, as_of: datetime = SLOT, warnings: tuple[str, ...] = ()
) -> Measurement:
    return make_measurement(ref(name), points, as_of=as_of, team=team, warnings=warnings)


def unmeasured(
    name: str, reason: str = "ScaleOps did not answer", *, team: EntityRef = PAYMENTS, as_of: datetime = SLOT
) -> Measurement:
    return make_measurement(ref(name), (), as_of=as_of, team=team, reason=reason)


def record_listing(
    transaction: Transaction, components: Sequence[Component], teams: Sequence[Team], *, as_of: datetime, complete: bool = True
) -> None:
    """Store a whole catalog listing as one page."""
    transaction.components.record_page(components, teams, as_of=as_of)
    transaction.components.finish_listing(as_of=as_of, complete=complete)
