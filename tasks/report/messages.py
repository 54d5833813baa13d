"""The messages of reports: the Slack posts of a report, and the notice about skipped ones."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from domain.messages import Channel, EventAction, Message, Rendering, Variant
from domain.months import MONTHLY_REPORT
from domain.refs import PLATFORM, EntityRef
from domain.routes import Route, Unrouted, platform_route
from domain.weeks import CATCH_UP, WEEKLY_REPORT
from reports import content
from reports.links import Links, MessageLinks, team_slug
from reports.render.renderings import slack_messages
from reports.render.slack_blocks import escape
from reports.signed_links import COMPONENT_PAGE, expires_at, report_origin
from tasks.context import Policy

MANUAL_TTL: Final = timedelta(hours=24)
"""Minimum time to expiry of a report sent by hand, however old its week is."""
NOTICE_TTL: Final = timedelta(hours=24)
MAX_LISTED: Final = 30


def sign_links(report: content.AnyReport, team: EntityRef, policy: Policy, *, owned: Collection[EntityRef]) -> MessageLinks:
    """Return the links of a message to pages, signed if possible. The stored URLs stay unsigned.

    `owned`: the components of the team now. A signed link to another component would not open its page.
    """
    pages, signer = Links(pages=policy.public_url), policy.page_links
    until = expires_at(due_at=report.due_at, made_at=report.made_at, catch_up=CATCH_UP)
    origin = report_origin(team_slug(team))

    def component(text: str) -> str | None:
        ref = EntityRef.parse(text)
        page = pages.component(ref)
        if page is None or signer is None:
            return page
        return signer.sign(page, until, page=COMPONENT_PAGE, origin=origin) if ref in owned else None

    page = report.page
    return MessageLinks(page=page if page is None or signer is None else signer.sign(page, until), component=component)


def write_messages(
    report: content.AnyReport, team: EntityRef, route: Route, *, now: datetime, by_hand: bool, links: MessageLinks
) -> tuple[Message, ...]:
    """Return the Slack messages of a report: the first for the channel, the others for its thread."""
    about = report.team
    name = MONTHLY_REPORT if isinstance(report, content.MonthlyReport) else WEEKLY_REPORT
    base = stream_of(team, report.period, report=name)
    suffix = f":again-{report.again}" if report.again else ""
    expires_at = report.due_at + CATCH_UP
    if by_hand:
        expires_at = max(expires_at, now + MANUAL_TTL)
    return tuple(
        Message(
            key=f"{base}:{number}{suffix}",
            stream=f"{base}{suffix}",
            number=number,
            channel=Channel.SLACK,
            target=route.target,
            action=EventAction.POST,
            thread_of=None if number == 1 else f"{base}:1{suffix}",
            about=about,
            reason=f"The {name} report of {report.title} for {report.period}. {report.route}",
            renderings=renderings,
            created_at=now,
            expires_at=expires_at,
        )
        for number, renderings in enumerate(slack_messages(report, links), start=1)
    )


def stream_of(team: EntityRef, period: str, *, report: str = WEEKLY_REPORT) -> str:
    """Return the outbox stream of the report of a week or month; its messages are `<stream>:1`, `<stream>:2`, ..."""
    return f"report:{report}:{content.PLATFORM if team == PLATFORM else team}:{period}:slack"


def skip_notices(policy: Policy, skipped: Sequence[str], *, first: str, now: datetime) -> Iterable[Message]:
    """Yield the notice to the platform channel about skipped reports; `first` is the first of them."""
    route = platform_route(policy.routes)
    if not skipped or isinstance(route, Unrouted):
        return
    lines = [f"\u2022 {sentence}" for sentence in skipped[:MAX_LISTED]]
    if len(skipped) > MAX_LISTED:
        lines.append(f"\u2022 and {len(skipped) - MAX_LISTED} more")
    text = escape(
        "\n".join(
            [
                "Reports were skipped: the worker was down for more than three days after they were due, or a newer week is sent.",
                *lines,
            ]
        )
    )
    # Only one process has claimed the first of them, so the key is unique.
    key = f"report:skipped:{first}"
    yield Message(
        key=key,
        stream=key,
        number=1,
        channel=Channel.SLACK,
        target=route.target,
        action=EventAction.POST,
        thread_of=None,
        about=content.PLATFORM,
        reason=f"Reports were skipped. Sent by {route.rule}.",
        renderings=(Rendering(variant=Variant.TEXT, payload={"text": text, "mrkdwn": False}),),
        created_at=now,
        expires_at=now + NOTICE_TTL,
    )
