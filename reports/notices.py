"""The words of alerts: notices into Slack messages and PagerDuty events. Says what happened, since when, what to do, and why you hear it.

Names come from outside and are only ever put where nothing is interpreted as markup. Limits: https://docs.slack.dev (`reports.blocks`)
and https://developer.pagerduty.com/docs/send-alert-event (a summary of 1024 characters; 512,000 bytes, as Alertmanager holds it).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from alerts.lifecycle import Notice
from alerts.observations import AlertId
from alerts.states import ENDINGS, NoticeKind, OpenIncident
from alerts.storm import Summary, SummaryReason
from domain.messages import Channel, EventAction, Json, Message, Rendering, Variant
from domain.money import format_count
from reports.dates import format_instant
from reports.findings import figures_as_json, format_finding, headline, remedy
from reports.formatting import clip
from reports.render.slack_blocks import BlockGroup, clip_text, context, header, pack, plain_text

EXPIRES_AFTER: Final = timedelta(hours=24)
"""Old news is no news: a notice that could not be sent for so long is told as expired instead."""
MOST_LINES: Final = 20
"""In a Slack message; the rest is counted."""
MOST_SUMMARY: Final = 1024
MOST_EVENT_BYTES: Final = 512_000
_ROOM_FOR_THE_REST: Final = 16_000
_LINE: Final = 280
_SENTENCE: Final = 600
_COMMANDS_ON: Final = frozenset({NoticeKind.OPENED, NoticeKind.REOPENED, NoticeKind.CHANGED, NoticeKind.REPEATED})

_KIND_WORDS: Final = {
    NoticeKind.OPENED: "",
    NoticeKind.REOPENED: "Flapping: ",
    NoticeKind.CHANGED: "Changed: ",
    NoticeKind.REPEATED: "Still open: ",
    NoticeKind.MOVED: "Moved: ",
    NoticeKind.RESOLVED: "Resolved: ",
    NoticeKind.CLOSED: "Closed: ",
}
_SUMMARY_WORDS: Final = {
    SummaryReason.FIRST_SWEEP: "found when this was first measured",
    SummaryReason.MANY: "at once",
    SummaryReason.MANY_ENDED: "ended",
}
_SUMMARY_REASONS: Final = {
    SummaryReason.FIRST_SWEEP: "What a first look finds is told once, together.",
    SummaryReason.MANY: "So many at once are told together.",
    SummaryReason.MANY_ENDED: "So many endings at once are told together.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageContext:
    """What words need to know beyond the notice."""

    title: str
    """Of the component, team or installation, as it spells itself."""
    instance: str
    currency: str
    zone: str
    """Of who reads it, an IANA name."""
    links: tuple[tuple[str, str], ...] = ()
    """(label, address), such as the workload in the dashboard."""


def slack_notice(
    notice: Notice,
    voice: MessageContext,
    *,
    number: int,
    target: str,
    route: str,
    root: str | None,
    now: datetime,
    page_note: str = "",
) -> Message:
    """Write one notice for Slack.

    `route` says by which rule it goes to `target`; `root` is the key of the message whose thread it answers in; `paging` says
    what became of the page, when it was one.
    """
    why = [f"Why you get this: {notice.reason} Sent here by {route}.", *([page_note] if page_note else [])]
    if notice.kind in _COMMANDS_ON:
        why.append(_commands(notice.alert))
    title = f"{_KIND_WORDS[notice.kind]}{headline(notice, voice.title, voice.currency)}"
    return _slack_message(
        key=f"alert:{notice.alert}:{number}:slack",
        stream=stream_of(notice.alert, Channel.SLACK),
        number=number,
        target=target,
        root=root,
        about=str(notice.alert.about),
        reason=f"{notice.reason} Sent by {route}.",
        content=_Content(
            title=title,
            lines=() if notice.kind in ENDINGS else tuple(format_finding(one, voice.currency) for one in notice.findings),
            after=_after(notice, voice),
            small=tuple(why),
            links=voice.links,
        ),
        now=now,
    )


def slack_summary(
    summary: Summary, voice: MessageContext, *, titles: Sequence[str], target: str, route: str, now: datetime
) -> Message:
    """Write several notices as one Slack message; `titles` are the names of those they are about, in their order."""
    as_of = max(notice.as_of for notice in summary.notices)
    alerts = format_count(len(summary.notices), "alert")
    lines = tuple(
        f"{_KIND_WORDS[notice.kind]}{clip(headline(notice, title, voice.currency), _LINE)}: {notice.alert}"
        for notice, title in zip(summary.notices, titles, strict=True)
    )
    small = [f"Why you get this: {_SUMMARY_REASONS[summary.reason]} Sent here by {route}."]
    if summary.reason is not SummaryReason.MANY_ENDED:
        small.append("Acknowledge one: scaleops-worker alerts acknowledge ID, with an id from above.")
    key = summary_key(summary)
    return _slack_message(
        key=key,
        stream=key.removesuffix(":slack"),
        number=1,
        target=target,
        root=None,
        about=str(summary.audience),
        reason=f"{_SUMMARY_REASONS[summary.reason]} Sent by {route}.",
        content=_Content(
            title=f"{voice.title}: {alerts} {_SUMMARY_WORDS[summary.reason]}",
            lines=lines,
            after=f"Measured {format_instant(as_of, voice.zone)}. All alerts: scaleops-worker alerts list",
            small=tuple(small),
        ),
        now=now,
    )


def stream_of(alert: AlertId, channel: Channel) -> str:
    """Name the outbox stream of what a service is told about one alert."""
    return f"alert:{alert}:{channel}"


def summary_key(summary: Summary) -> str:
    """Answer the key of a summary's message: one a sweep, audience and kind."""
    as_of = max(notice.as_of for notice in summary.notices)
    return f"summary:{summary.reason}:{summary.audience}:{as_of:%Y-%m-%dT%H:%MZ}:slack"


def platform_notice(
    *, key: str, title: str, lines: Iterable[str], reason: str, target: str, route: str, now: datetime
) -> Message:
    """Write something that whoever runs this installation should know, once: the key says what."""
    return _slack_message(
        key=f"{key}:slack",
        stream=key,
        number=1,
        target=target,
        root=None,
        about="platform",
        reason=f"{reason} Sent by {route}.",
        content=_Content(
            title=title, lines=(), after="\n".join(lines), small=(f"Why you get this: {reason} Sent here by {route}.",)
        ),
        now=now,
    )


def pagerduty_trigger(notice: Notice, voice: MessageContext, *, number: int, page: OpenIncident, now: datetime) -> Message:
    """Write the event that opens or renews an incident."""
    what = headline(notice, voice.title, voice.currency)
    where = _where(notice)
    details: dict[str, Json] = {
        "what": clip(what, MOST_SUMMARY),
        "why": notice.reason,
        "since": notice.since.isoformat(),
        "measured": notice.seen_as_of.isoformat(),
        "what to do": clip(remedy(notice), MOST_SUMMARY),
        "currency": voice.currency,
        "route": page.route,
        "alert": str(notice.alert),
        "acknowledge": f"scaleops-worker alerts acknowledge {notice.alert}",
    }
    details |= _trimmed([{"name": clip(one.subject, _LINE), **figures_as_json(one.figures)} for one in notice.findings])
    body: dict[str, Json] = {
        "event_action": EventAction.TRIGGER.value,
        "dedup_key": page.dedup_key,
        "client": "scaleops-worker",
        "payload": {
            "summary": f"{clip(what, MOST_SUMMARY - len(where))}{where}",
            "source": clip(voice.instance, _LINE),
            "severity": notice.severity.value,
            "timestamp": notice.as_of.isoformat(),
            "component": clip(str(notice.alert.about), _LINE),
            "group": clip(str(notice.team), _LINE),
            "class": notice.alert.rule.value,
            "custom_details": details,
        },
        "links": [{"text": clip(label, _LINE), "href": address} for label, address in voice.links],
    }
    return _event(notice.alert, body, act=EventAction.TRIGGER, number=number, page=page, reason=notice.reason, now=now)


def _where(notice: Notice) -> str:
    """Name the clusters of what was found: whoever is paged knows at once where to look."""
    clusters = sorted({finding.workload.cluster for finding in notice.findings if finding.workload is not None})
    if not clusters:
        return ""
    return f", cluster {clip(clusters[0], _LINE)}" if len(clusters) == 1 else f", {len(clusters)} clusters"


def pagerduty_follow_up(
    alert: AlertId, act: EventAction, *, number: int, page: OpenIncident, reason: str, now: datetime
) -> Message:
    """Write the event that acknowledges or resolves an incident: by the key and the route that opened it."""
    body: dict[str, Json] = {"event_action": act.value, "dedup_key": page.dedup_key}
    return _event(alert, body, act=act, number=number, page=page, reason=reason, now=now)


def _event(
    alert: AlertId, body: dict[str, Json], *, act: EventAction, number: int, page: OpenIncident, reason: str, now: datetime
) -> Message:
    return Message(
        key=f"alert:{alert}:{number}:pagerduty",
        stream=stream_of(alert, Channel.PAGERDUTY),
        number=number,
        channel=Channel.PAGERDUTY,
        target=page.target,
        act=act,
        thread_of=None,
        about=str(alert.about),
        reason=f"{reason} Sent by {page.route}.",
        renderings=(Rendering(variant=Variant.NATIVE, payload=body),),
        created_at=now,
        expires_at=now + EXPIRES_AFTER,
    )


def _trimmed(workloads: Sequence[dict[str, Json]]) -> dict[str, Json]:
    """Keep as many as PagerDuty takes, and say how many were left out."""
    kept: list[Json] = []
    room = MOST_EVENT_BYTES - _ROOM_FOR_THE_REST
    for workload in workloads:
        room -= len(json.dumps(workload).encode()) + 2
        if room < 0:
            return {"found": kept, "left out, to fit": len(workloads) - len(kept)}
        kept.append(workload)
    return {"found": kept}


def _after(notice: Notice, voice: MessageContext) -> str:
    if notice.kind in ENDINGS:
        return f"It had been open since {format_instant(notice.since, voice.zone)}."
    told = [f"Since {format_instant(notice.since, voice.zone)}, measured {format_instant(notice.seen_as_of, voice.zone)}."]
    if notice.unknown:
        told.append(f"{format_count(len(notice.unknown), 'workload')} could not be judged this time.")
    return "\n".join([*told, f"What to do: {clip(remedy(notice), _SENTENCE)}"])


def _commands(alert: AlertId) -> str:
    return f"Taken care of? scaleops-worker alerts acknowledge {alert} (or: alerts snooze {alert} --for 2d)"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Content:
    """A Slack message before its limits."""

    title: str
    lines: tuple[str, ...]
    """What it is about, one line each; as many are shown as fit."""
    after: str
    small: tuple[str, ...]
    links: tuple[tuple[str, str], ...] = ()

    def fitted(self) -> BlockGroup:
        """Make the one message that shows as many lines as Slack takes."""
        for shown in range(min(len(self.lines), MOST_LINES), 0, -1):
            packed = pack(self._pieces(shown))
            if len(packed) == 1:
                return packed[0]
        return pack(self._pieces(0))[0]

    def _pieces(self, shown: int) -> list[BlockGroup]:
        listed = [f"\u2022 {clip(line, _LINE)}" for line in self.lines[:shown]]
        if len(self.lines) > shown:
            listed.append(f"and {len(self.lines) - shown:,} more")
        link = self.links[0] if self.links else None
        body = "\n".join([*listed, self.after])
        small = [clip(text, _SENTENCE) for text in self.small]
        return [
            BlockGroup(blocks=(header(self.title), plain_text(body, link=link)), lines=(clip(self.title, _SENTENCE), body)),
            *(BlockGroup(blocks=(context(text),), lines=(text,)) for text in small),
        ]


def _slack_message(
    *,
    key: str,
    stream: str,
    number: int,
    target: str,
    root: str | None,
    about: str,
    reason: str,
    content: _Content,
    now: datetime,
) -> Message:
    fitted = content.fitted()
    text = clip_text("\n".join(fitted.lines))
    quiet: dict[str, Json] = {"mrkdwn": False}
    if root is not None:
        quiet["reply_broadcast"] = True  # a thread alone is overlooked
    return Message(
        key=key,
        stream=stream,
        number=number,
        channel=Channel.SLACK,
        target=target,
        act=EventAction.POST,
        thread_of=root,
        about=about,
        reason=reason,
        renderings=(
            Rendering(variant=Variant.NATIVE, payload={"text": text, "blocks": list(fitted.blocks), **quiet}),
            Rendering(variant=Variant.TEXT, payload={"text": text, **quiet}),
        ),
        created_at=now,
        expires_at=now + EXPIRES_AFTER,
    )
