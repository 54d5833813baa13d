"""Alert notices as PagerDuty events: what a person who was just woken needs, the most important first.

The summary is what a phone shows. The details are sentences in the order in which they are read; the numbers behind them are under `raw`.
Limits: https://developer.pagerduty.com/docs/send-alert-event (a summary of 1024 characters; 512,000 bytes, Alertmanager's limit).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Final

from alerts.lifecycle import Notice
from alerts.observations import AlertId, Finding, MemberFigures, RequestFigures, worst_first
from alerts.policy import Rule
from alerts.states import OpenIncident
from domain.messages import Channel, EventAction, Json, Message, Rendering, Variant
from domain.money import format_count
from reports.alert_titles import alert_title, name_and_place
from reports.findings import figures_as_json, remedy
from reports.formatting import UNKNOWN, clip, format_instant, format_interval, shell_word
from reports.links import slack_channel_link
from reports.notice_layout import EXPIRES_AFTER
from reports.notices import MessageContext, key_of, stream_of
from reports.request_patch import CONTAINERS, LIMITS, patch_requests, request_changes
from reports.request_sizes import resource_sizes

MAX_SUMMARY_LENGTH: Final = 1024
MAX_EVENT_BYTES: Final = 512_000
MAX_WORKLOADS: Final = 5
"""Workloads that the sentences name, the worst first; the rest is counted."""
_RESERVED_BYTES: Final = 32_000
_MAX_LINE: Final = 280
_MAX_NAME: Final = 80
_PAGES_FOR: Final = {
    Rule.UNDER_PROVISIONED: "An OOM kill in the last 24 h is a reason to page",
    Rule.STORM: "Too many alerts at once are one page",
}


def pagerduty_trigger(notice: Notice, context: MessageContext, *, number: int, page: OpenIncident, now: datetime) -> Message:
    """Return the event that triggers an incident, or repeats its page."""
    payload: dict[str, Json] = {
        "summary": summarise_page(notice, context),
        "source": clip(context.instance, _MAX_LINE),
        "severity": notice.severity.value,
        "timestamp": notice.as_of.isoformat(),
        "component": clip(str(notice.alert.about), _MAX_LINE),
        "group": clip(str(notice.team), _MAX_LINE),
        "class": notice.alert.rule.value,
        "custom_details": _details(notice, context, page),
    }
    body: dict[str, Json] = {
        "event_action": EventAction.TRIGGER.value,
        "dedup_key": page.dedup_key,
        "client": "scaleops-worker",
        "payload": payload,
        "links": event_links([*context.links, *context.member_links(notice.findings)[:MAX_WORKLOADS]]),
    }
    if context.page is not None:
        body["client_url"] = context.page
    return _event(notice.alert, body, action=EventAction.TRIGGER, number=number, page=page, reason=notice.reason, now=now)


def pagerduty_follow_up(
    alert: AlertId, action: EventAction, *, number: int, page: OpenIncident, reason: str, now: datetime
) -> Message:
    """Return the event that acknowledges or resolves an incident, by the dedup key and route that opened it."""
    body: dict[str, Json] = {"event_action": action.value, "dedup_key": page.dedup_key}
    return _event(alert, body, action=action, number=number, page=page, reason=reason, now=now)


def event_links(links: Iterable[tuple[str, str]]) -> list[Json]:
    """Return links, given as (label, URL), as PagerDuty takes them."""
    return [{"text": clip(label, _MAX_LINE), "href": address} for label, address in links]


def summarise_page(notice: Notice, context: MessageContext) -> str:
    """Return what a phone shows: component, workload, cluster, evidence and what is needed, of the worst workload."""
    line = alert_title(notice.alert, notice.findings, context.title, context.currency)
    worst = next(iter(worst_first(notice.findings)), None)
    if worst is not None and isinstance(worst.figures, MemberFigures):
        line = f"{line}; the worst: {context.describe(worst)}"
    return clip(line, MAX_SUMMARY_LENGTH)


def _details(notice: Notice, context: MessageContext, page: OpenIncident) -> dict[str, Json]:
    """Return sentences in reading order, then the numbers."""
    found = worst_first(notice.findings)
    shown, rest = found[:MAX_WORKLOADS], len(found) - MAX_WORKLOADS
    requests = [one for one in shown if isinstance(one.figures, RequestFigures)]
    sentences = {
        "do now": _do_now(notice, requests),
        "memory": _lines(requests, lambda one: _now_and_recommended(one, "memory")),
        "CPU": _lines(requests, lambda one: _now_and_recommended(one, "CPU")),
        "OOM kills": _lines(requests, _kills),
        "found": "" if requests else "\n".join(clip(context.describe(one), _MAX_LINE) for one in shown),
        "what grew": "\n".join(context.growth),
        "and": f"{format_count(rest, 'more workload' if requests else 'more finding')}: see raw" if rest > 0 else "",
        "first seen": format_instant(notice.since, context.zone),
        "last measured": format_instant(notice.seen_as_of, context.zone),
        "owner": clip(context.owner, _MAX_LINE),
        "Slack": slack_channel_link(context.slack_channel) if context.slack_channel else "",
        "why paged": f"{_why_paged(notice)} Sent by {page.route}.",
        "acknowledge": f"scaleops-worker alerts acknowledge {shell_word(notice.alert)}",
        "how to acknowledge": "In PagerDuty, which stops its notifications. The command also stops repeats here, and records who did it.",
        "age": _age(notice, context),
    }
    details: dict[str, Json] = {name: sentence for name, sentence in sentences.items() if sentence}
    return details | {"raw": _raw(notice, context)}


def _do_now(notice: Notice, shown: Sequence[Finding]) -> str:
    """Return the commands that raise the requests of the worst workloads, in their clusters; else what to do in a sentence."""
    steps = [step for one in shown if (step := _command_of(notice.alert.rule, one))]
    if any("kubectl -n" in step for step in steps):
        steps += [CONTAINERS] if notice.alert.rule is Rule.OVER_PROVISIONED else [CONTAINERS, LIMITS]
    return "\n".join(steps) or clip(remedy(notice), MAX_SUMMARY_LENGTH)


def _command_of(rule: Rule, finding: Finding) -> str:
    """Return the command, or the patch where there is none; empty if there is nothing to say of requests."""
    figures, workload = finding.figures, finding.workload
    if workload is None or not isinstance(figures, RequestFigures):
        return ""
    changes = request_changes(
        cpu=(figures.cpu_request_millicores, figures.cpu_recommended_millicores),
        memory=(figures.memory_request_bytes, figures.memory_recommended_bytes),
        oom_kills=figures.oom_kills_24h,
    )
    patch = patch_requests(workload, changes if rule is Rule.OVER_PROVISIONED else [one for one in changes if one.is_rise])
    where = f"{clip(workload.name, _MAX_NAME)} in cluster {clip(workload.cluster, _MAX_NAME)}:"
    if patch is None:
        is_unknown = None in {figures.memory_request_bytes, figures.memory_recommended_bytes}
        known = "the recommendation is unknown" if is_unknown else "ScaleOps recommends no more memory"
        return f"{where} {known}. Raise its memory by hand, and look for a leak." if figures.oom_kills_24h else ""
    return f"{where}\n{patch.command}" if patch.command else f"{where} {patch.no_command_reason}\n{patch.yaml}"


def _lines(findings: Sequence[Finding], describe: Callable[[Finding], str]) -> str:
    said = [(one, describe(one)) for one in findings]
    if len(said) == 1:
        return said[0][1]
    return "\n".join(f"{_label(one)}: {text}" for one, text in said if text)


def _label(finding: Finding) -> str:
    workload = finding.workload
    return clip(finding.subject, _MAX_LINE) if workload is None else name_and_place(workload)


def _now_and_recommended(finding: Finding, resource: str) -> str:
    figures = finding.figures
    if not isinstance(figures, RequestFigures):
        return ""
    size = next(one for one in resource_sizes(figures) if one.label == resource)
    if figures.keeps_memory and resource == "memory":
        return f"{size.format(size.now)} per pod; keep it, although ScaleOps recommends less"
    return size.step


def _kills(finding: Finding) -> str:
    kills = finding.figures.oom_kills_24h if isinstance(finding.figures, RequestFigures) else None
    return f"{UNKNOWN if kills is None else f'{kills:,}'} in 24 h"


def _why_paged(notice: Notice) -> str:
    evidence = any(one.has_evidence for one in notice.findings)
    cause = _PAGES_FOR.get(notice.alert.rule, "") if evidence or notice.alert.rule is Rule.STORM else ""
    rule = f"{cause} (rule {notice.alert.rule})" if cause else f"The rule {notice.alert.rule} pages"
    return f"{rule}, severity {notice.severity}. {notice.reason}"


def _age(notice: Notice, context: MessageContext) -> str:
    if context.measured_every is None:
        return ""
    interval = format_interval(context.measured_every)
    began = "the kills may have begun" if notice.alert.rule is Rule.UNDER_PROVISIONED else "it may have begun"
    return f"Measured every {interval}: {began} up to {interval} before it was first seen, and the figures can be that old."


def _raw(notice: Notice, context: MessageContext) -> dict[str, Json]:
    numbers: dict[str, Json] = {
        "alert": str(notice.alert),
        "since": notice.since.isoformat(),
        "measured": notice.seen_as_of.isoformat(),
        "currency": context.currency,
    }
    rows = [{"name": clip(one.subject, _MAX_LINE), **figures_as_json(one.figures)} for one in worst_first(notice.findings)]
    return numbers | _trimmed(rows)


def _trimmed(rows: Sequence[dict[str, Json]]) -> dict[str, Json]:
    """Keep as many as fit into an event, and count the rest."""
    kept: list[Json] = []
    left = MAX_EVENT_BYTES - _RESERVED_BYTES
    for row in rows:
        left -= len(json.dumps(row).encode()) + 2
        if left < 0:
            return {"found": kept, "omitted to fit": len(rows) - len(kept)}
        kept.append(row)
    return {"found": kept}


def _event(
    alert: AlertId, body: dict[str, Json], *, action: EventAction, number: int, page: OpenIncident, reason: str, now: datetime
) -> Message:
    return Message(
        key=key_of(alert, number, Channel.PAGERDUTY),
        stream=stream_of(alert, Channel.PAGERDUTY),
        number=number,
        channel=Channel.PAGERDUTY,
        target=page.target,
        action=action,
        thread_of=None,
        about=str(alert.about),
        reason=f"{reason} Sent by {page.route}.",
        renderings=(Rendering(variant=Variant.NATIVE, payload=body),),
        created_at=now,
        expires_at=now + EXPIRES_AFTER,
    )
