"""The change events of a sweep: recommendations that are done, and automation that was switched on since the sweep before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from datetime import datetime

from domain.component import Component
from domain.messages import Message
from domain.refs import EntityRef
from domain.tracking import Recommendation, RecommendationEnd
from domain.workload import WorkloadKey
from reports.change_events import automated_event, done_event
from reports.links import catalog_page
from store import Transaction
from tasks.context import Policy


def change_messages(
    transaction: Transaction, policy: Policy, recommendations: Iterable[Recommendation], *, as_of: datetime, now: datetime
) -> tuple[Message, ...]:
    """Return the change events of the components that have an integration key of their own; each has a key, so it is sent once."""
    if not policy.pagerduty_changes:
        return ()
    components = {one.ref: one for one in transaction.components.all() if one.contact.pagerduty_fingerprint}
    done = [one for one in recommendations if one.ending is RecommendationEnd.DONE and one.ended_at == as_of]
    messages = [_done(one, components[one.key.entity], policy, now) for one in done if one.key.entity in components]
    announced = {(one.key.entity, one.key.workload) for one in done}
    for component in components.values():
        messages += _automated(transaction, policy, component, as_of=as_of, now=now, announced=announced)
    return tuple(messages)


def _done(one: Recommendation, component: Component, policy: Policy, now: datetime) -> Message:
    target = component.contact.pagerduty_fingerprint or ""
    return done_event(
        one,
        title=component.title or component.spelled_name,
        target=target,
        instance=policy.instance,
        links=_links(component, policy),
        now=now,
    )


def _automated(
    transaction: Transaction,
    policy: Policy,
    component: Component,
    *,
    as_of: datetime,
    now: datetime,
    announced: AbstractSet[tuple[EntityRef, WorkloadKey]],
) -> Iterator[Message]:
    """Yield the events of workloads that are certainly automated now and certainly were not in the sweep before."""
    before = transaction.sweeps.closed_before(as_of)
    measured = transaction.snapshots.of_component(component.ref, as_of)
    earlier = transaction.snapshots.of_component(component.ref, before.as_of) if before is not None else None
    if measured is None or earlier is None:
        return
    manual = {point.key for point in earlier.points if point.automated is False}
    for point in measured.points:
        if point.automated is True and point.key in manual and (component.ref, point.key) not in announced:
            yield automated_event(
                point.key,
                component.ref,
                at=as_of,
                title=component.title or component.spelled_name,
                target=component.contact.pagerduty_fingerprint or "",
                instance=policy.instance,
                links=_links(component, policy),
                now=now,
            )


def _links(component: Component, policy: Policy) -> list[tuple[str, str]]:
    return [] if policy.catalog_url is None else [("Open in Backstage", catalog_page(policy.catalog_url, component.ref))]
