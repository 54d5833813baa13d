"""Builders of domain values for tests."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from domain.component import Component, NotificationTargets, Team
from domain.refs import EntityRef
from domain.snapshots import Measurement, Outcome, Snapshot, WorkloadPoint, totals_of

CHECKOUT = EntityRef("component", "default", "checkout")
PAYMENTS = EntityRef("group", "default", "payments")


def make_component(name: str = "checkout", **changes: object) -> Component:
    component = Component(
        ref=EntityRef("component", "default", name),
        spelled_kind="Component",
        spelled_namespace="default",
        spelled_name=name,
        title=name.title(),
        team=PAYMENTS,
        lifecycle="production",
        system="",
        label_selector=f"app={name}",
        kubernetes_id=None,
        namespace_limit=None,
        cluster_limit=None,
        contact=NotificationTargets(),
    )
    return replace(component, **changes)  # type: ignore[arg-type]  # the names are those of the fields


def make_team(ref: EntityRef = PAYMENTS, **changes: object) -> Team:
    team = Team(ref=ref, title=ref.name.title(), parent=None, in_catalog=True, contact=NotificationTargets())
    return replace(team, **changes)  # type: ignore[arg-type]  # the names are those of the fields


def make_measurement(
    ref: EntityRef, points: Iterable[WorkloadPoint], *, as_of: datetime, reason: str = "", **changes: object
) -> Measurement:
    """Return a measurement that sums up its points; with a reason its outcome is unknown."""
    ordered = tuple(sorted(points, key=lambda point: point.key))
    snapshot = Snapshot(
        ref=ref,
        as_of=as_of,
        team=PAYMENTS,
        outcome=Outcome.UNKNOWN if reason else Outcome.MEASURED,
        reason=reason,
        warnings=(),
        workloads=tuple(point.key for point in ordered),
        **totals_of(ordered),
    )
    return Measurement(snapshot=replace(snapshot, **changes), points=ordered)  # type: ignore[arg-type]  # as above
