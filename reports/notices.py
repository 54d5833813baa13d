"""Alert notices as Slack messages: what happened, since when, what to do, and why it was sent. `pagerduty_events` has the pages.

Names from outside are only put where nothing is interpreted as markup. Limits: https://docs.slack.dev (`reports.render.slack_blocks`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from alerts.lifecycle import Notice
from alerts.observations import AlertId
from alerts.policy import Rule
from alerts.states import ENDINGS, NoticeKind, SlackPost
from alerts.storm import Summary, SummaryReason
from domain.messages import Channel, EventAction, Json, Message, Rendering, Variant
from domain.money import format_count
from reports.alert_status import STATUS_BLOCK, format_status
from reports.findings import format_finding, headline, remedy
from reports.formatting import clip, format_delay, format_instant, format_interval, shell_word
from reports.render.slack_blocks import MAX_URL_LENGTH, Block, BlockGroup, clip_text, header, link_buttons, pack, plain_text
from reports.render.slack_blocks import context as small_print

EXPIRES_AFTER: Final = timedelta(hours=24)
"""Notices older than this are expired, not sent."""
MAX_LINES: Final = 20
"""Findings listed in a Slack message; the rest is counted."""
_MAX_LINE: Final = 280
_MAX_SENTENCE: Final = 600
_MAX_CAUSE: Final = 120
_CHECK_GROWTH: Final = "Check whether this growth is meant; if it is not, undo the change that caused it."
_WITH_COMMANDS: Final = frozenset({NoticeKind.OPENED, NoticeKind.REOPENED, NoticeKind.CHANGED, NoticeKind.REPEATED})

_PREFIXES: Final = {
    NoticeKind.OPENED: "",
    NoticeKind.REOPENED: "Flapping: ",
    NoticeKind.CHANGED: "",
    NoticeKind.REPEATED: "",
    NoticeKind.MOVED: "Moved: ",
    NoticeKind.RESOLVED: "Resolved: ",
    NoticeKind.CLOSED: "Closed: ",
    NoticeKind.BECAME_USUAL: "Now usual: ",
}
_SUMMARY_TITLES: Final = {
    SummaryReason.FIRST_SWEEP: "found in the first scan",
    SummaryReason.MANY: "at once",
    SummaryReason.MANY_ENDED: "ended",
}
_SUMMARY_REASONS: Final = {
    SummaryReason.FIRST_SWEEP: "The findings of the first scan are sent once, as a summary.",
    SummaryReason.MANY: "Alerts of one check that are not urgent, or are many, are sent as one message.",
    SummaryReason.MANY_ENDED: "The endings of one check are sent as one message.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageContext:
    """What a message needs beyond the notice."""

    title: str
    """Of the component, team or installation, in its own spelling."""
    instance: str
    currency: str
    zone: str
    """Of the reader, an IANA name."""
    checked_every: timedelta | None = None
    """How often what the notice is about is measured; None: with the full sweeps."""
    measured_every: timedelta | None = None
    """How old the figures of what the notice is about can be; None: not said."""
    owner: str = ""
    slack_channel: str = ""
    """Where its Slack messages go; empty: nowhere."""
    page: str | None = None
    """URL of the component's page."""
    growth: tuple[str, ...] = ()
    """What grew behind an alert about money, a line each, largest first; empty: not known."""
    links: tuple[tuple[str, str], ...] = ()
    """(label, URL): the component's page first, then ScaleOps, Backstage and run books."""


def slack_notice(
    notice: Notice, context: MessageContext, *, number: int, post: SlackPost, now: datetime, page_note: str = ""
) -> Message:
    """Return one notice as a Slack message, or as an update of the alert's message; `page_note` says what became of the page."""
    reasons = [f"Why you get this: {notice.reason} Sent here by {post.route}.", *([page_note] if page_note else [])]
    if notice.kind in _WITH_COMMANDS:
        reasons.append(_commands(notice.alert))
    title = f"{_PREFIXES[notice.kind]}{headline(notice, context.title, context.currency)}"
    key = key_of(notice.alert, number, Channel.SLACK)
    return _slack_message(
        key=key,
        stream=stream_of(notice.alert, Channel.SLACK),
        number=number,
        post=post,
        about=str(notice.alert.about),
        reason=notice.reason,
        content=_Content(
            title=title,
            lines=() if notice.kind in ENDINGS else (*_findings(notice, context), *context.growth),
            after=_after(notice, context),
            small=tuple(reasons),
            links=context.links,
            status="" if notice.kind in ENDINGS else format_status(notice, now, context.zone),
        ),
        now=now,
        is_update=post.root != key and is_own_message(post.root, notice.alert),
    )


def is_own_message(key: str, alert: AlertId) -> bool:
    """Return True if a message is about this alert only, so that it may be updated; a summary is not."""
    return key.startswith(f"alert:{alert}:")


def slack_summary(
    summary: Summary,
    context: MessageContext,
    *,
    titles: Sequence[str],
    causes: Mapping[AlertId, Sequence[str]] | None = None,
    post: SlackPost,
    now: datetime,
) -> Message:
    """Return several notices as one Slack message; `titles` name what each is about, in order, `causes` what grew."""
    as_of = max(notice.as_of for notice in summary.notices)
    alerts = format_count(len(summary.notices), "alert")
    lines = tuple(
        f"{_PREFIXES[notice.kind]}{clip(headline(notice, title, context.currency), _MAX_LINE)}{_cause_of(notice, causes)}: {notice.alert}"
        for notice, title in zip(summary.notices, titles, strict=True)
    )
    small = [f"Why you get this: {_SUMMARY_REASONS[summary.reason]} Sent here by {post.route}."]
    if summary.reason is not SummaryReason.MANY_ENDED:
        small.append("Acknowledge one: scaleops-worker alerts acknowledge ID, with an id from this list.")
    key = summary_key(summary)
    return _slack_message(
        key=key,
        stream=key.removesuffix(":slack"),
        number=1,
        post=post,
        about=str(summary.audience),
        reason=_SUMMARY_REASONS[summary.reason],
        content=_Content(
            title=f"{context.title}: {alerts} {_SUMMARY_TITLES[summary.reason]}",
            lines=lines,
            after=f"Measured {format_instant(as_of, context.zone)}. All alerts: scaleops-worker alerts list",
            small=tuple(small),
        ),
        now=now,
    )


def _cause_of(notice: Notice, causes: Mapping[AlertId, Sequence[str]] | None) -> str:
    lines = (causes or {}).get(notice.alert, ())
    return f" ({clip(lines[0], _MAX_CAUSE)})" if lines else ""


def key_of(alert: AlertId, number: int, channel: Channel) -> str:
    """Return the key of one alert's message to a service; `number` is that of the event that records it."""
    return f"alert:{alert}:{number}:{channel}"


def stream_of(alert: AlertId, channel: Channel) -> str:
    """Return the outbox stream of one alert's messages to a service."""
    return f"alert:{alert}:{channel}"


def summary_key(summary: Summary) -> str:
    """Return the key of a summary: one per sweep, audience, channel and reason."""
    as_of = max(notice.as_of for notice in summary.notices)
    return f"summary:{summary.reason}:{summary.audience}:{summary.channel}:{as_of:%Y-%m-%dT%H:%MZ}:slack"


def platform_notice(
    *, key: str, title: str, lines: Iterable[str], reason: str, target: str, route: str, now: datetime
) -> Message:
    """Return a notice for the platform channel; it is sent once per key."""
    return _slack_message(
        key=f"{key}:slack",
        stream=key,
        number=1,
        post=SlackPost(target=target, route=route, root=f"{key}:slack"),
        about="platform",
        reason=reason,
        content=_Content(
            title=title, lines=(), after="\n".join(lines), small=(f"Why you get this: {reason} Sent here by {route}.",)
        ),
        now=now,
    )


def _after(notice: Notice, context: MessageContext) -> str:
    if notice.kind in ENDINGS:
        return f"Open for {format_delay(notice.as_of - notice.since)}, since {format_instant(notice.since, context.zone)}."
    lines = [f"Since {format_instant(notice.since, context.zone)}, measured {format_instant(notice.seen_as_of, context.zone)}."]
    if context.checked_every is not None:
        lines.append(f"Checked every {format_interval(context.checked_every)}.")
    if notice.unknown:
        lines.append(f"{format_count(len(notice.unknown), 'workload')} could not be evaluated this time.")
    explains = notice.alert.rule is Rule.COST_INCREASE and bool(context.growth)
    return "\n".join([*lines, f"What to do: {clip(_CHECK_GROWTH if explains else remedy(notice), _MAX_SENTENCE)}"])


def _findings(notice: Notice, context: MessageContext) -> Iterable[str]:
    return (format_finding(one, context.currency) for one in notice.findings)


def _commands(alert: AlertId) -> str:
    word = shell_word(alert)
    return f"Acknowledge: scaleops-worker alerts acknowledge {word} (or snooze: alerts snooze {word} --for 2d)"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Content:
    title: str
    lines: tuple[str, ...]
    """One line per finding; as many are shown as fit."""
    after: str
    small: tuple[str, ...]
    links: tuple[tuple[str, str], ...] = ()
    status: str = ""
    """What a person did to it."""


def _fit(content: _Content) -> BlockGroup:
    for shown in range(min(len(content.lines), MAX_LINES), 0, -1):
        packed = pack(_groups_of(content, shown))
        if len(packed) == 1:
            return packed[0]
    return pack(_groups_of(content, 0))[0]


def _groups_of(content: _Content, shown: int) -> list[BlockGroup]:
    listed = [f"\u2022 {clip(line, _MAX_LINE)}" for line in content.lines[:shown]]
    if len(content.lines) > shown:
        listed.append(f"and {len(content.lines) - shown:,} more")
    body = "\n".join([*listed, content.after])
    status = clip(content.status, _MAX_SENTENCE)
    said: list[Block] = [{**small_print(status), "block_id": STATUS_BLOCK}] if status else []
    fitting = [link for link in content.links if len(link[1]) <= MAX_URL_LENGTH]
    buttons = [link_buttons(fitting)] if fitting else []
    addresses = tuple(f"{clip(label, _MAX_LINE)}: {address}" for label, address in fitting)
    lines = (clip(content.title, _MAX_SENTENCE), *([status] if status else []), body, *addresses)
    small = [clip(text, _MAX_SENTENCE) for text in content.small]
    return [
        BlockGroup(blocks=(header(content.title), *said, plain_text(body), *buttons), lines=lines),
        *(BlockGroup(blocks=(small_print(text),), lines=(text,)) for text in small),
    ]


def _slack_message(
    *,
    key: str,
    stream: str,
    number: int,
    post: SlackPost,
    about: str,
    reason: str,
    content: _Content,
    now: datetime,
    is_update: bool = False,
) -> Message:
    fitted = _fit(content)
    options: dict[str, Json] = {"mrkdwn": False, "text": clip_text("\n".join(fitted.lines))}
    return Message(
        key=key,
        stream=stream,
        number=number,
        channel=Channel.SLACK,
        target=post.target,
        action=EventAction.UPDATE if is_update else EventAction.POST,
        thread_of=post.root if post.root != key else None,
        about=about,
        reason=f"{reason} Sent by {post.route}.",
        renderings=(
            Rendering(variant=Variant.NATIVE, payload={"blocks": list(fitted.blocks), **options}),
            Rendering(variant=Variant.TEXT, payload=options),
        ),
        created_at=now,
        expires_at=now + EXPIRES_AFTER,
    )
