"""Several alerts as one Slack message: the title of each, the most important first, with a link to its page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

from alerts.lifecycle import Notice
from alerts.observations import AlertId
from alerts.states import ENDINGS, NoticeKind, SlackPost
from alerts.storm import Summary, SummaryReason, is_danger
from domain.messages import Message
from domain.money import format_count
from reports.alert_titles import alert_title
from reports.formatting import clip, format_instant
from reports.notice_layout import MAX_LINE, NoticeContent, NoticeLine, slack_message
from reports.notices import KIND_PREFIXES, MessageContext

_MAX_CAUSE: Final = 120
_PREFIXES: Final = {NoticeKind.CHANGED: "Changed: ", NoticeKind.REPEATED: "Still open: "}
"""Of kinds that need none in a message of their own: that is edited."""
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


def slack_summary(
    summary: Summary,
    context: MessageContext,
    *,
    causes: Mapping[AlertId, Sequence[str]] | None = None,
    post: SlackPost,
    now: datetime,
) -> Message:
    """Return several notices as one Slack message, the most important first; `causes` is what grew."""
    as_of = max(notice.as_of for notice in summary.notices)
    alerts = format_count(len(summary.notices), "alert")
    small = [f"Why you get this: {_SUMMARY_REASONS[summary.reason]} Sent here by {post.route}."]
    if summary.reason is not SummaryReason.MANY_ENDED:
        small.append(
            "To acknowledge one: its page, or scaleops-worker alerts acknowledge ID (scaleops-worker alerts list has the ids)."
        )
    key = summary_key(summary)
    return slack_message(
        key=key,
        stream=key.removesuffix(":slack"),
        number=1,
        post=post,
        about=str(summary.audience),
        reason=_SUMMARY_REASONS[summary.reason],
        content=NoticeContent(
            title=f"{context.title}: {alerts} {_SUMMARY_TITLES[summary.reason]}",
            lines=tuple(_summary_line(notice, context, causes or {}) for notice in sorted(summary.notices, key=_importance)),
            after=f"Measured {format_instant(as_of, context.zone)}.",
            small=tuple(small),
            links=context.links,
        ),
        now=now,
    )


def _importance(notice: Notice) -> tuple[bool, bool, int, Decimal, AlertId]:
    """Return a key that sorts what is open before what ended, then by danger, severity and amount."""
    return notice.kind in ENDINGS, not is_danger(notice), -notice.severity.rank, -notice.amount, notice.alert


def _summary_line(notice: Notice, context: MessageContext, causes: Mapping[AlertId, Sequence[str]]) -> NoticeLine:
    subject, cause = context.subject(notice.alert), next(iter(causes.get(notice.alert, ())), "")
    title = clip(alert_title(notice.alert, notice.findings, subject.title, context.currency), MAX_LINE)
    prefix = _PREFIXES.get(notice.kind, KIND_PREFIXES[notice.kind])
    return NoticeLine(text=f"{prefix}{title}", url=subject.page, note=f" ({clip(cause, _MAX_CAUSE)})" if cause else "")


def summary_key(summary: Summary) -> str:
    """Return the key of a summary: one per sweep, audience, channel and reason."""
    as_of = max(notice.as_of for notice in summary.notices)
    return f"summary:{summary.reason}:{summary.audience}:{summary.channel}:{as_of:%Y-%m-%dT%H:%MZ}:slack"
