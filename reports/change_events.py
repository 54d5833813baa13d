"""Changes that PagerDuty shows next to incidents: a recommendation was carried out, automation was switched on.

A change event sends no notification and has no dedup key, so the outbox's unique key is what sends it once. Limits:
https://developer.pagerduty.com/docs/send-change-event (a summary of 1024 characters, links only, keys of services only).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from domain.advice import Issue
from domain.clock import format_utc
from domain.messages import Channel, EventAction, Json, Message, Rendering, Variant
from domain.refs import EntityRef
from domain.tracking import LastAdvice, Recommendation
from domain.workload import WorkloadKey
from reports.alert_titles import format_subject
from reports.formatting import clip
from reports.pagerduty_events import MAX_SUMMARY_LENGTH, event_links
from reports.request_sizes import resource_sizes

CHANGE_TTL: Final = timedelta(hours=24)


def done_event(
    done: Recommendation, *, title: str, target: str, instance: str, links: Sequence[tuple[str, str]], now: datetime
) -> Message:
    """Return the change event of a recommendation that was carried out."""
    ended_at = done.ended_at or now
    how = "raised" if done.key.issue is Issue.UNDER_PROVISIONED else "lowered"
    key = f"change:done:{done.key.entity}:{done.key.workload}:{done.key.issue}:{done.opened_at:%Y-%m-%dT%H:%MZ}:pagerduty"
    summary = f"{format_subject(done.key.workload, done.key.entity, title)}: recommendation carried out, requests {how} or automated by ScaleOps"
    details = {"advised since": format_utc(done.opened_at), **_advised(done.advised)}
    return _change(
        key, summary, details=details, about=done.key.entity, at=ended_at, target=target, instance=instance, links=links, now=now
    )


def automated_event(
    workload: WorkloadKey,
    entity: EntityRef,
    *,
    at: datetime,
    title: str,
    target: str,
    instance: str,
    links: Sequence[tuple[str, str]],
    now: datetime,
) -> Message:
    """Return the change event of a workload whose automation was switched on in the time before a sweep (`at`)."""
    key = f"change:automated:{entity}:{workload}:{at:%Y-%m-%dT%H:%MZ}:pagerduty"
    summary = f"{format_subject(workload, entity, title)}: ScaleOps automation switched on"
    return _change(key, summary, about=entity, at=at, target=target, instance=instance, links=links, now=now)


def _advised(advised: LastAdvice) -> dict[str, str]:
    """Return the requests that the recommendation was about, and what it recommended, per pod."""
    return {one.label: one.step for one in resource_sizes(advised) if one.is_change}


def _change(
    key: str,
    summary: str,
    *,
    details: Mapping[str, str] | None = None,
    about: EntityRef,
    at: datetime,
    target: str,
    instance: str,
    links: Sequence[tuple[str, str]],
    now: datetime,
) -> Message:
    payload: dict[str, Json] = {
        "summary": clip(summary, MAX_SUMMARY_LENGTH),
        "source": clip(instance, MAX_SUMMARY_LENGTH),
        "timestamp": at.isoformat(),
        "custom_details": {"component": clip(str(about), MAX_SUMMARY_LENGTH), **(details or {})},
    }
    body: dict[str, Json] = {"payload": payload, "links": event_links(links)}
    return Message(
        key=key,
        stream=key,
        number=1,
        channel=Channel.PAGERDUTY,
        target=target,
        action=EventAction.CHANGE,
        thread_of=None,
        about=str(about),
        reason="pagerduty.changes is set, and the component has an integration key of its own.",
        renderings=(Rendering(variant=Variant.NATIVE, payload=body),),
        created_at=now,
        expires_at=now + CHANGE_TTL,
    )
