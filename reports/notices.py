"""Alert notices as Slack messages: what happened, since when, what to do, and why it was sent.

`notice_layout` has the blocks, `alert_summaries` several alerts in one message, `pagerduty_events` the pages.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from alerts.lifecycle import Notice
from alerts.observations import WHOLE_COMPONENT, AlertId, Finding, MemberFigures, worst_first
from alerts.policy import Rule
from alerts.states import ENDINGS, NoticeKind, SlackPost
from domain.messages import Channel, Message
from domain.money import format_count
from domain.problems import Runbook
from domain.refs import PLATFORM, EntityRef
from domain.routes import Route
from reports.alert_status import format_status
from reports.alert_titles import member_title
from reports.findings import format_finding, headline, remedy
from reports.formatting import clip, format_delay, format_instant, format_interval, shell_word
from reports.notice_layout import MAX_SENTENCE, NoticeContent, NoticeLine, slack_message
from reports.page_addresses import PageAddresses, name_of_page

MAX_SUBJECTS: Final = 3
"""Workloads that the end of an alert names."""
_MAX_SUBJECT: Final = 120
_CHECK_GROWTH: Final = "Check whether this growth is meant; if it is not, undo the change that caused it."
_MOVED: Final = "-moved"
"""Key suffix of the update that ends a message, next to the post that replaces it."""
_WITH_COMMANDS: Final = frozenset({NoticeKind.OPENED, NoticeKind.REOPENED, NoticeKind.CHANGED, NoticeKind.REPEATED})

KIND_PREFIXES: Final = {
    NoticeKind.OPENED: "",
    NoticeKind.REOPENED: "Flapping: ",
    NoticeKind.CHANGED: "",
    NoticeKind.REPEATED: "",
    NoticeKind.MOVED: "Moved: ",
    NoticeKind.RESOLVED: "Resolved: ",
    NoticeKind.CLOSED: "Closed: ",
    NoticeKind.BECAME_USUAL: "Now usual: ",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertSubject:
    """What an alert of a message about several is about."""

    title: str
    page: str | None = None
    """URL of the component's page."""


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
    """URL of the page about it: of a component, a team or the installation."""
    growth: tuple[str, ...] = ()
    """What grew behind an alert about money, a line each, largest first; empty: not known."""
    runbook: str = ""
    """Path of the run book, for an alert about the installation without a link to it."""
    links: tuple[tuple[str, str], ...] = ()
    """(label, URL): the page about it first, then ScaleOps, Backstage and run books."""
    subjects: Mapping[EntityRef, AlertSubject] = field(default_factory=dict)
    """What the alerts of a storm or a summary are about."""

    def describe(self, finding: Finding) -> str:
        """Return a finding as a line; a storm's member by the title of what it is about."""
        figures = finding.figures
        if isinstance(figures, MemberFigures):
            return member_title(figures, self.subject(figures.alert).title, self.currency)
        return format_finding(finding, self.currency)

    def subject(self, alert: AlertId) -> AlertSubject:
        """Return what an alert of a message about several is about."""
        return self.subjects.get(alert.about) or AlertSubject(title=str(alert.about))

    def member_links(self, findings: Sequence[Finding]) -> list[tuple[str, str]]:
        """Return links to the pages of what a storm's members are about, each once, the most important first."""
        members = [one.figures for one in worst_first(findings) if isinstance(one.figures, MemberFigures)]
        subjects = dict.fromkeys(self.subject(one.alert) for one in members)
        return [(f"Open {one.title}", one.page) for one in subjects if one.page is not None]


def slack_notice(
    notice: Notice, context: MessageContext, *, number: int, post: SlackPost, now: datetime, page_note: str = ""
) -> Message:
    """Return one notice as a Slack message, or as an update of the alert's message; `page_note` says what became of the page."""
    reasons = [f"Why you get this: {notice.reason} Sent here by {post.route}.", *([page_note] if page_note else [])]
    if notice.kind in _WITH_COMMANDS:
        on_page = f"Acknowledge, snooze or dismiss it on the {name_of_page(notice.alert.about)}."
        reasons.append(on_page if context.page is not None else _commands(notice.alert))
    if context.runbook and notice.kind not in ENDINGS:
        reasons.append(f"Run book: {context.runbook}")
    title = f"{KIND_PREFIXES[notice.kind]}{headline(notice.alert, notice.findings, context.title, context.currency)}"
    key = key_of(notice.alert, number, Channel.SLACK)
    return slack_message(
        key=key,
        stream=stream_of(notice.alert, Channel.SLACK),
        number=number,
        post=post,
        about=str(notice.alert.about),
        reason=notice.reason,
        content=NoticeContent(
            title=title,
            lines=() if notice.kind in ENDINGS else (*_findings(notice, context), *map(_grown, context.growth)),
            after=_after(notice, context),
            small=tuple(reasons),
            links=context.links,
            status="" if notice.kind in ENDINGS else format_status(notice, now, context.zone),
        ),
        now=now,
        is_update=post.root != key and is_own_message(post.root, notice.alert),
    )


def slack_moved(notice: Notice, title: str, currency: str, *, number: int, post: SlackPost, to: str, now: datetime) -> Message:
    """Return the last update of an alert's message: from now on the alert has one in another channel, `to`."""
    return slack_message(
        key=key_of(notice.alert, number, Channel.SLACK) + _MOVED,
        stream=stream_of(notice.alert, Channel.SLACK) + _MOVED,
        number=number,
        post=post,
        about=str(notice.alert.about),
        reason=f"Its messages go to {to} now.",
        content=NoticeContent(
            title=f"Moved: {headline(notice.alert, notice.findings, title, currency)}",
            lines=(),
            after=f"It continues in {to}, because its route has changed.",
            small=(),
            mention=to,
        ),
        now=now,
        is_update=True,
    )


def is_own_message(key: str, alert: AlertId) -> bool:
    """Return True if a message is about this alert only, so that it may be updated; a summary is not."""
    return key.startswith(f"alert:{alert}:")


def key_of(alert: AlertId, number: int, channel: Channel) -> str:
    """Return the key of one alert's message to a service; `number` is that of the event that records it."""
    return f"alert:{alert}:{number}:{channel}"


def alert_in_key(key: str) -> str | None:
    """Return the alert that a message is about, from the message's key; None if it is about none, or about several."""
    found = re.match(r"alert:(.+?):\d+:", key)
    return found.group(1) if found else None


def stream_of(alert: AlertId, channel: Channel) -> str:
    """Return the outbox stream of one alert's messages to a service."""
    return f"alert:{alert}:{channel}"


def platform_notice(
    *,
    key: str,
    title: str,
    lines: Iterable[str],
    reason: str,
    runbooks: Sequence[Runbook],
    route: Route,
    pages: PageAddresses,
    now: datetime,
) -> Message:
    """Return a notice for the platform channel, with links to the status page and the run books; it is sent once per key."""
    page = pages.page_about(PLATFORM, origin=f"Slack {route.target}", now=now)
    links = (*([] if page is None else [page]), *pages.runbook_links(runbooks))
    named = [] if pages.docs_url else [f"Run book: {', '.join(dict.fromkeys(one.path for one in runbooks))}"]
    return slack_message(
        key=f"{key}:slack",
        stream=key,
        number=1,
        post=SlackPost(target=route.target, route=route.rule, root=f"{key}:slack"),
        about="platform",
        reason=reason,
        content=NoticeContent(
            title=title,
            lines=(),
            after="\n".join(lines),
            small=(f"Why you get this: {reason} Sent here by {route.rule}.", *named),
            links=tuple((one.label, one.url) for one in links),
        ),
        now=now,
    )


def _after(notice: Notice, context: MessageContext) -> str:
    if notice.kind in ENDINGS:
        since = f"Open for {format_delay(notice.as_of - notice.since)}, since {format_instant(notice.since, context.zone)}."
        return "\n".join([*_was_about(notice), since])
    lines = [f"Since {format_instant(notice.since, context.zone)}, measured {format_instant(notice.seen_as_of, context.zone)}."]
    if context.checked_every is not None:
        lines.append(f"Checked every {format_interval(context.checked_every)}.")
    if notice.unknown:
        lines.append(f"{format_count(len(notice.unknown), 'workload')} could not be evaluated this time.")
    explains = notice.alert.rule is Rule.COST_INCREASE and bool(context.growth)
    return "\n".join([*lines, f"What to do: {clip(_CHECK_GROWTH if explains else remedy(notice), MAX_SENTENCE)}"])


def _was_about(notice: Notice) -> Iterator[str]:
    """Yield what an alert that ended was about, if that was workloads."""
    last = notice.last_notification
    subjects = (
        [] if last is None or notice.alert.rule is Rule.STORM else [one for one in last.extent.subjects if one != WHOLE_COMPONENT]
    )
    if subjects:
        more = len(subjects) - MAX_SUBJECTS
        listed = ", ".join(clip(one, _MAX_SUBJECT) for one in subjects[:MAX_SUBJECTS])
        yield f"It was about {listed}{f' and {more:,} more' if more > 0 else ''}."


def _findings(notice: Notice, context: MessageContext) -> Iterable[NoticeLine]:
    for one in worst_first(notice.findings):
        page = context.subject(one.figures.alert).page if isinstance(one.figures, MemberFigures) else None
        yield NoticeLine(text=context.describe(one), url=page)


def _grown(line: str) -> NoticeLine:
    return NoticeLine(text=line)


def _commands(alert: AlertId) -> str:
    word = shell_word(alert)
    return f"Acknowledge: scaleops-worker alerts acknowledge {word} (or snooze: alerts snooze {word} --for 2d)"
