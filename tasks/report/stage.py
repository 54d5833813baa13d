"""The report stage: which reports are due, made from stored state only, and written to the outbox in one transaction.

The row (team, report, week) decides: whoever inserts it sends, everybody else finds it there. So two clocks, a repeated message, a
restart or a change of zone can neither double nor lose a report.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from domain.closing_snapshot import closing_window
from domain.messages import Channel, EventAction, Message, Rendering, Variant
from domain.refs import EntityRef
from domain.routes import Route, Unrouted, platform_route
from domain.sweeps import slot_of
from domain.weeks import CATCH_UP, SWEEP_TIMEOUT, IsoWeek, Lateness, due_windows, last_completed_week
from reports import content
from reports.build.report import build_platform_report, build_team_report
from reports.render.slack import render_slack
from reports.render.slack_blocks import escape
from reports.signed_links import expires_at
from store import ReportRun, Transaction
from tasks.context import Policy, StageContext
from tasks.report.report_data import (
    PLATFORM,
    REPORT,
    ReportRequest,
    gather_platform,
    gather_team,
    route_of,
    title_of,
)

MADE: Final = "made"
SKIPPED: Final = "skipped"
UNDELIVERABLE: Final = "undeliverable"
BY_HAND_KEEPS: Final = timedelta(hours=24)
"""A report sent by hand may wait at least this long, however old its week is."""
TOLD_WITHIN: Final = timedelta(hours=24)
LISTED: Final = 30

Progress = Callable[[str], None]
"""Told the title of each report that was made."""


class ReportRejected(Exception):
    """The report cannot be made or sent as asked; the message says why and what to do."""


@dataclass(frozen=True, kw_only=True)
class ReportMade:
    """One report that was made."""

    report: content.Report
    messages: tuple[Message, ...]
    trouble: str = ""
    """Why it goes nowhere; empty when it goes somewhere."""


@dataclass(frozen=True, kw_only=True)
class ReportResult:
    """What one round of the stage came to."""

    made: tuple[ReportMade, ...] = ()
    skipped: tuple[str, ...] = ()
    """A sentence for each report that was given up."""
    waiting: tuple[EntityRef, ...] = ()
    """Teams whose report waits for a running sweep."""
    troubles: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class AlreadySent:
    """The week's report was made before; nothing was done."""

    run: ReportRun
    sentence: str


@dataclass(frozen=True, kw_only=True)
class _Due:
    team: EntityRef
    week: IsoWeek
    late: Lateness | None


def report_due(context: StageContext, *, progress: Progress = lambda _: None, collecting_beside: bool = False) -> ReportResult:
    """Make every report that is due now, those of the teams first, then the roll-up.

    `collecting_beside`: collecting runs elsewhere, and may begin the present slot's sweep a moment later. It is waited for like
    one that runs.

    Raises:
        StoreUnavailable: the database cannot be used.
    """
    now = context.clock()
    with context.store.reading() as transaction:
        coming = _sweeps_to_come(transaction, context.policy, now, collecting_beside=collecting_beside)
        due, skip, waiting = _what_is_due(transaction, context.policy, now, coming)
    skipped = _give_up(context, skip, now)
    made: list[ReportMade] = []
    for one in due:
        asked = ReportRequest(week=one.week, now=now, late=one.late)
        done = _make_and_put(context, one.team, asked, by_hand=False)
        if isinstance(done, ReportMade):
            made.append(done)
            progress(done.report.title)
    troubles = tuple(one.trouble for one in made if one.trouble)
    return ReportResult(made=tuple(made), skipped=skipped, waiting=waiting, troubles=troubles)


def preview(context: StageContext, team: EntityRef | None, week: IsoWeek | None = None) -> content.Report:
    """Answer a report without writing anything: the stored one of a week that was reported, else one made now.

    `team` None is the roll-up of all teams, `week` None the last completed one. The running week can be shown.

    Raises:
        ReportRejected: nobody knows the team, or the week has not begun.
    """
    now = context.clock()
    asked_team = team or PLATFORM
    with context.store.reading() as transaction:
        _require_known(transaction, asked_team)
        asked = _asked(context.policy, asked_team, week, now)
        stored = transaction.reports.run(asked_team, REPORT, str(asked.week))
        if stored is not None and stored.content is not None:
            return read_stored(stored)
        return _compose(transaction, context.policy, asked_team, asked)


def send(
    context: StageContext, team: EntityRef | None, week: IsoWeek | None = None, *, again: bool = False
) -> ReportMade | AlreadySent:
    """Make and send the report of a completed week by hand: it is the run of that week, or with `again` another, marked one.

    Raises:
        ReportRejected: nobody knows the team, or the week has not ended.
    """
    now = context.clock()
    asked_team = team or PLATFORM
    with context.store.reading() as transaction:
        _require_known(transaction, asked_team)
        asked = _asked(context.policy, asked_team, week, now)
        number = transaction.reports.next_attempt(asked_team, REPORT, str(asked.week)) if again else 0
    if asked.running:
        zone = context.policy.schedules.of(asked_team).zone.key
        message = f"{asked.week} has not ended in {zone}; it can be shown without --send, not sent"
        raise ReportRejected(message)
    return _make_and_put(context, asked_team, ReportRequest(week=asked.week, now=now, again=number), by_hand=True)


def stored_reports(context: StageContext, team: EntityRef | None) -> tuple[content.Report, ...]:
    """Answer every report of a team (None: every roll-up) that was made and not yet forgotten, oldest week first."""
    with context.store.reading() as transaction:
        runs = transaction.reports.runs_of(team or PLATFORM, REPORT)
    return tuple(read_stored(run) for run in runs if run.content is not None)


def teams_with_reports(transaction: Transaction) -> tuple[EntityRef, ...]:
    """Answer the teams that a report can be made for: who owns a component now, or did in the last closed sweep."""
    newest = transaction.sweeps.newest_closed()
    measured = () if newest is None else transaction.snapshots.teams_at(newest.as_of)
    return tuple(sorted({*transaction.components.owners(), *measured}))


def read_stored(run: ReportRun) -> content.Report:
    """Read the content of a run that was made."""
    return content.Report.model_validate(run.content)


def _what_is_due(
    transaction: Transaction, policy: Policy, now: datetime, coming: Sequence[datetime]
) -> tuple[tuple[_Due, ...], tuple[tuple[EntityRef, IsoWeek], ...], tuple[EntityRef, ...]]:
    handled: dict[IsoWeek, frozenset[EntityRef]] = {}
    due: list[_Due] = []
    skip: list[tuple[EntityRef, IsoWeek]] = []
    waiting: list[EntityRef] = []
    for team in (*teams_with_reports(transaction), PLATFORM):
        schedule = policy.schedules.of(team)
        newest = schedule.newest_due(now)
        if newest not in handled:
            handled[newest] = transaction.reports.handled(REPORT, str(newest))
        if team in handled[newest]:
            continue
        last = transaction.reports.newest(team, REPORT)
        windows = due_windows(
            schedule,
            first_snapshot_at=_first_snapshot(transaction, team),
            newest_handled=None if last is None else IsoWeek.parse(last.week),
            now=now,
        )
        skip += [(team, week) for week in windows.skip]
        if windows.send is None:
            continue
        closing = closing_window(schedule, windows.send, now=now)
        sweeping = any(as_of in closing for as_of in coming)
        if sweeping and now < schedule.due_at(windows.send) + SWEEP_TIMEOUT:
            waiting.append(team)
        else:
            due.append(_Due(team=team, week=windows.send, late=windows.late))
    return tuple(due), tuple(skip), tuple(waiting)


def _sweeps_to_come(transaction: Transaction, policy: Policy, now: datetime, *, collecting_beside: bool) -> tuple[datetime, ...]:
    """Answer the sweeps that run, and that of the present slot when somebody else is about to begin it."""
    running = tuple(sweep.as_of for sweep in transaction.sweeps.unclosed())
    slot = slot_of(now, policy.collect_every)
    return (*running, slot) if collecting_beside and transaction.sweeps.get(slot) is None else running


def _first_snapshot(transaction: Transaction, team: EntityRef) -> datetime | None:
    return transaction.history.first_of_all() if team == PLATFORM else transaction.history.first_of_team(team)


def _asked(policy: Policy, team: EntityRef, week: IsoWeek | None, now: datetime) -> ReportRequest:
    zone = policy.schedules.of(team).zone
    completed = last_completed_week(now, zone)
    chosen = week or completed
    if chosen > completed.shift(1):
        message = f"{chosen} has not begun in {zone.key}; the running week is {completed.shift(1)}"
        raise ReportRejected(message)
    return ReportRequest(week=chosen, now=now, running=chosen > completed)


def _require_known(transaction: Transaction, team: EntityRef) -> None:
    if team == PLATFORM or transaction.history.first_of_team(team) is not None:
        return
    known = teams_with_reports(transaction)
    if team in known:
        return
    some = ", ".join(str(one) for one in known[:8]) or "none yet: run scaleops-worker collect first"
    message = f"no component is owned by {team}; the teams are {some}{', ...' if len(known) > 8 else ''}"  # noqa: PLR2004 - as above
    raise ReportRejected(message)


def _compose(transaction: Transaction, policy: Policy, team: EntityRef, asked: ReportRequest) -> content.Report:
    if team == PLATFORM:
        return build_platform_report(gather_platform(transaction, policy, asked))
    return build_team_report(gather_team(transaction, policy, team, asked))


def _make_and_put(context: StageContext, team: EntityRef, asked: ReportRequest, *, by_hand: bool) -> ReportMade | AlreadySent:
    """Make a report from one state of the store, then claim its week and put its messages in one transaction."""
    with context.store.reading() as transaction:
        report = _compose(transaction, context.policy, team, asked)
        teams = {known.ref: known for known in transaction.components.teams()}
    route = route_of(team, teams, context.policy)
    messages: tuple[Message, ...] = ()
    if isinstance(route, Route):
        page = _signed_page(report, context.policy)
        messages = write_messages(report, team, route, now=asked.now, by_hand=by_hand, page=page)
    change = report.headline.change
    run = ReportRun(
        team=team,
        report=REPORT,
        week=str(asked.week),
        status=MADE if isinstance(route, Route) else UNDELIVERABLE,
        due_at=report.due_at,
        created_at=asked.now,
        late_reason=report.late_reason,
        as_of_now=report.headline.cost.as_of,
        as_of_then=None if change is None else change.then_as_of,
        content=json.loads(report.model_dump_json()),
        again=asked.again,
    )
    with context.store.transaction() as transaction:
        if not transaction.reports.claim(run):
            found = transaction.reports.run(team, REPORT, str(asked.week), again=asked.again)
            return AlreadySent(run=found or run, sentence=_already(found or run, report.title))
        transaction.outbox.put(messages)
    trouble = (
        f"The report of {report.title} for {report.week} goes nowhere: {route.reason}." if isinstance(route, Unrouted) else ""
    )
    return ReportMade(report=report, messages=messages, trouble=trouble)


def _already(run: ReportRun, title: str) -> str:
    at = f"{run.created_at:%Y-%m-%d %H:%M} UTC"
    if run.status == SKIPPED:
        return f"The report of {title} for {run.week} was given up on {at}; --again makes it."
    return f"The report of {title} for {run.week} was made on {at}; --again makes another one, marked as such."


def _signed_page(report: content.Report, policy: Policy) -> str | None:
    """Answer where the link that is sent leads. What is stored and shown elsewhere is the plain address."""
    if report.page is None or policy.page_links is None:
        return report.page
    until = expires_at(due_at=report.due_at, made_at=report.made_at, catch_up=CATCH_UP)
    return policy.page_links.sign(report.page, until)


def write_messages(
    report: content.Report, team: EntityRef, route: Route, *, now: datetime, by_hand: bool, page: str | None
) -> tuple[Message, ...]:
    """Write the Slack messages of a report: the first for the channel, the others for its thread. `page`: where its link leads."""
    about = report.team
    base = stream_of(team, report.week)
    suffix = f":again-{report.again}" if report.again else ""
    expires_at = report.due_at + CATCH_UP
    if by_hand:
        expires_at = max(expires_at, now + BY_HAND_KEEPS)
    return tuple(
        Message(
            key=f"{base}:{number}{suffix}",
            stream=f"{base}{suffix}",
            number=number,
            channel=Channel.SLACK,
            target=route.target,
            act=EventAction.POST,
            thread_of=None if number == 1 else f"{base}:1{suffix}",
            about=about,
            reason=f"The weekly report of {report.title} for {report.week}. {report.route}",
            renderings=renderings,
            created_at=now,
            expires_at=expires_at,
        )
        for number, renderings in enumerate(render_slack(report, page=page), start=1)
    )


def stream_of(team: EntityRef, week: str) -> str:
    """Name the outbox stream of a week's report; its messages are `<stream>:1`, `<stream>:2`, ..."""
    return f"report:{REPORT}:{content.PLATFORM if team == PLATFORM else team}:{week}:slack"


def _give_up(context: StageContext, skip: Sequence[tuple[EntityRef, IsoWeek]], now: datetime) -> tuple[str, ...]:
    """Record the windows that were missed for good, and tell the platform channel of them once."""
    if not skip:
        return ()
    told: list[str] = []
    first = ""
    with context.store.transaction() as transaction:
        teams = {known.ref: known for known in transaction.components.teams()}
        for team, week in skip:
            due_at = context.policy.schedules.of(team).due_at(week)
            why = f"the report of {week}, due {due_at:%Y-%m-%d %H:%M} UTC, was missed and came too late to be made up for."
            run = ReportRun(
                team=team,
                report=REPORT,
                week=str(week),
                status=SKIPPED,
                due_at=due_at,
                created_at=now,
                late_reason=why,
                as_of_now=None,
                as_of_then=None,
                content=None,
            )
            if transaction.reports.claim(run):
                title = "All teams" if team == PLATFORM else title_of(team, teams.get(team))
                told.append(f"{title}: {why}")
                first = first or f"{team}:{week}"
        transaction.outbox.put(_skip_notices(context.policy, told, first=first, now=now))
    return tuple(told)


def _skip_notices(policy: Policy, told: Sequence[str], *, first: str, now: datetime) -> Iterable[Message]:
    route = platform_route(policy.routes)
    if not told or isinstance(route, Unrouted):
        return
    lines = [f"\u2022 {sentence}" for sentence in told[:LISTED]]
    if len(told) > LISTED:
        lines.append(f"\u2022 and {len(told) - LISTED} more")
    text = escape(
        "\n".join(["Reports were given up: the worker came back more than three days late, or a newer week is sent.", *lines])
    )
    # Only one process can have claimed the first of them, so the key is its own.
    key = f"report:{SKIPPED}:{first}"
    yield Message(
        key=key,
        stream=key,
        number=1,
        channel=Channel.SLACK,
        target=route.target,
        act=EventAction.POST,
        thread_of=None,
        about=content.PLATFORM,
        reason=f"Reports were given up, told by {route.rule}.",
        renderings=(Rendering(variant=Variant.TEXT, payload={"text": text, "mrkdwn": False}),),
        created_at=now,
        expires_at=now + TOLD_WITHIN,
    )
