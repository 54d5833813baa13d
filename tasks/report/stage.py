"""The report stage: build each due report, weekly or monthly, from stored state and write it to the outbox in one transaction.

The process that inserts the row (team, report, week or month) sends the report. So two beats, a repeated message, a restart or a change of
zone can neither double nor lose one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from domain.clock import format_utc
from domain.component import title_of_team
from domain.messages import Message
from domain.months import MONTHLY_REPORT, Month, MonthlySchedule
from domain.ref_search import did_you_mean, similar_refs
from domain.refs import PLATFORM, EntityRef
from domain.routes import Route, Unrouted, monthly_route
from domain.weeks import WEEKLY_REPORT, IsoWeek, Lateness, P, Period, ReportSchedule, Schedule
from reports import content
from reports.builders.monthly import build_monthly_report
from reports.builders.report import build_platform_report, build_team_report
from reports.facts import MonthFacts, PlatformFacts, TeamFacts
from reports.links import Links, team_slug
from store import ReportRun, RunStatus, Transaction
from tasks.context import Policy, StageContext
from tasks.report.due import MissedReport, find_due, teams_with_reports
from tasks.report.messages import sign_links, skip_notices, write_messages
from tasks.report.month_data import gather_month
from tasks.report.report_data import describe_destination, gather_platform, gather_team, route_of
from tasks.report.requests import AnyRequest, MonthRequest, ReportRequest

Progress = Callable[[str], None]
"""Called with the title of each report that was made."""


class ReportRejected(Exception):
    """The report cannot be made or sent; the message says why and what to do."""


@dataclass(frozen=True, kw_only=True)
class ReportMade:
    """One report that was made."""

    report: content.AnyReport
    messages: tuple[Message, ...]
    problem: str = ""
    """Why it is undeliverable; empty otherwise."""


@dataclass(frozen=True, kw_only=True)
class ReportResult:
    """The result of one run of the stage."""

    made: tuple[ReportMade, ...] = ()
    skipped: tuple[str, ...] = ()
    """A sentence for each skipped report."""
    waiting: tuple[EntityRef, ...] = ()
    """Teams whose report waits for a running sweep."""
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class AlreadySent:
    """The week's report was made before; nothing was done."""

    run: ReportRun
    sentence: str


def report_due(context: StageContext, *, progress: Progress = lambda _: None, is_collecting: bool = False) -> ReportResult:
    """Make every report that is due now, those of the teams first, then the roll-up.

    `is_collecting`: another process may open the sweep of the current slot at any moment. It counts as a running one.

    Raises:
        StoreUnavailable: the database cannot be used.
    """
    now = context.clock()
    with context.store.reading() as transaction:
        found = find_due(transaction, context.policy, now, is_collecting=is_collecting)
    skipped = _record_skipped(context, found.skip, now)
    made: list[ReportMade] = []
    for one in found.due:
        request = _request_of(one.period, now=now, late=one.late)
        try:
            done = _make_report(context, one.team, request, by_hand=False)
        except ReportRejected:  # a sweep was closed since, and another team owns its components: not due any more
            continue
        if isinstance(done, ReportMade):
            made.append(done)
            progress(done.report.title)
    problems = tuple(one.problem for one in made if one.problem)
    return ReportResult(made=tuple(made), skipped=skipped, waiting=found.waiting, problems=problems)


def preview(context: StageContext, team: EntityRef | None, week: IsoWeek | None = None) -> content.Report:
    """Return a report without writing: the stored one of a reported week, else one made now.

    `team` None is the roll-up of all teams, `week` None the last completed one, or the current one if nothing was measured before it.
    The current week can be shown.

    Raises:
        ReportRejected: the team is unknown, the week has not begun, or nothing was measured yet.
    """
    now = context.clock()
    subject = team or PLATFORM
    with context.store.reading() as transaction:
        _require_known(transaction, subject)
        request = _request(transaction, context.policy.schedules.of(subject), subject, week, now)
        stored = transaction.reports.first_with_content(subject, WEEKLY_REPORT, str(request.week))
        if stored is not None:
            return read_stored(stored)
        return _build(_gather(transaction, context.policy, subject, request))


def preview_month(context: StageContext, month: Month | None = None) -> content.MonthlyReport:
    """Return the monthly roll-up without writing, as `preview`. None is the last completed month."""
    now = context.clock()
    with context.store.reading() as transaction:
        request = _month_request(context.policy.monthly_schedule, month, now)
        stored = transaction.reports.first_with_content(PLATFORM, MONTHLY_REPORT, str(request.month))
        if stored is not None:
            return read_stored_month(stored)
        return build_monthly_report(_gather_month(transaction, context.policy, request))


def send(
    context: StageContext, team: EntityRef | None, week: IsoWeek | None = None, *, again: bool = False
) -> ReportMade | AlreadySent:
    """Make and send the report of a completed week by hand: it is the run of that week, or with `again` another, marked one.

    Raises:
        ReportRejected: the team is unknown, or the week has not ended.
    """
    now = context.clock()
    subject = team or PLATFORM
    schedule = context.policy.schedules.of(subject)
    with context.store.reading() as transaction:
        _require_known(transaction, subject)
        request = _request(transaction, schedule, subject, week, now)
    return _send(context, subject, request, zone=schedule.zone.key, again=again)


def send_month(context: StageContext, month: Month | None = None, *, again: bool = False) -> ReportMade | AlreadySent:
    """Make and send the monthly roll-up of a completed month by hand, as `send`. Raises ReportRejected."""
    request = _month_request(context.policy.monthly_schedule, month, context.clock())
    return _send(context, PLATFORM, request, zone="UTC", again=again)


def _send(context: StageContext, team: EntityRef, request: AnyRequest, *, zone: str, again: bool) -> ReportMade | AlreadySent:
    if request.running:
        message = f"{request.period} has not ended in {zone}; it can be shown without --send, not sent"
        raise ReportRejected(message)
    with context.store.reading() as transaction:
        number = transaction.reports.next_attempt(team, request.report, str(request.period)) if again else 0
    return _make_report(context, team, replace(request, again=number), by_hand=True)


def stored_reports(context: StageContext, team: EntityRef | None) -> tuple[content.Report, ...]:
    """Return the stored reports of a team (None: the roll-ups), oldest week first."""
    with context.store.reading() as transaction:
        runs = transaction.reports.runs_of(team or PLATFORM, WEEKLY_REPORT)
    return tuple(read_stored(run) for run in runs if run.content is not None)


def read_stored(run: ReportRun) -> content.Report:
    """Return the content of a run."""
    return content.Report.model_validate(run.content)


def read_stored_month(run: ReportRun) -> content.MonthlyReport:
    """Return the content of a monthly run."""
    return content.MonthlyReport.model_validate(run.content)


def _request(
    transaction: Transaction, schedule: Schedule, subject: EntityRef, week: IsoWeek | None, now: datetime
) -> ReportRequest:
    if week is None:
        first = transaction.history.first_of_team(subject)
        if first is None or transaction.sweeps.newest_closed() is None:
            message = "nothing was measured yet; `scaleops-worker collect` measures every component once"
            raise ReportRejected(message)
        week = min(max(schedule.period_at(now).shift(-1), schedule.period_at(first)), schedule.period_at(now))
    chosen, is_running = _choose(schedule, week, now, zone=schedule.zone.key)
    return ReportRequest(week=chosen, now=now, running=is_running)


def _month_request(schedule: MonthlySchedule, month: Month | None, now: datetime) -> MonthRequest:
    chosen, is_running = _choose(schedule, month, now, zone="UTC")
    return MonthRequest(month=chosen, now=now, running=is_running)


def _choose(schedule: ReportSchedule[P], period: P | None, now: datetime, *, zone: str) -> tuple[P, bool]:
    """Return the period to report, by default the last completed one, and whether it has not ended."""
    current = schedule.period_at(now)
    chosen = current.shift(-1) if period is None else period
    if current < chosen:
        message = f"{chosen} has not begun in {zone}; the current one is {current}"
        raise ReportRejected(message)
    return chosen, chosen == current


def _request_of(period: Period, *, now: datetime, late: Lateness | None) -> AnyRequest:
    match period:
        case Month():
            return MonthRequest(month=period, now=now, late=late)
        case IsoWeek():
            return ReportRequest(week=period, now=now, late=late)
    message = f"{period} is neither a week nor a month"
    raise TypeError(message)


def _require_known(transaction: Transaction, team: EntityRef) -> None:
    known = teams_with_reports(transaction)
    if team in {PLATFORM, *known} or transaction.history.first_of_team(team) is not None:
        return
    if similar := similar_refs(str(team), known):
        message = f"no component is owned by {team}; {did_you_mean(similar)}"
        raise ReportRejected(message)
    some = ", ".join(str(one) for one in known[:8]) or "none yet: run scaleops-worker collect first"
    message = f"no component is owned by {team}; the teams are {some}{', ...' if len(known) > 8 else ''}"  # noqa: PLR2004 - as above
    raise ReportRejected(message)


def _gather(transaction: Transaction, policy: Policy, team: EntityRef, request: ReportRequest) -> TeamFacts | PlatformFacts:
    if team == PLATFORM:
        return gather_platform(transaction, policy, request)
    facts = gather_team(transaction, policy, team, request)
    if facts.now is None and facts.sweeps_now and not request.running:
        message = f"{team} owned no component at the end of {request.week}, so it has no report for that week"
        raise ReportRejected(message)
    return facts


def _build(facts: TeamFacts | PlatformFacts) -> content.Report:
    return build_platform_report(facts) if isinstance(facts, PlatformFacts) else build_team_report(facts)


@dataclass(frozen=True, kw_only=True)
class _Draft:
    report: content.AnyReport
    sweeps_now: tuple[datetime, ...] | None
    sweeps_then: tuple[datetime, ...] | None


def _draft(transaction: Transaction, policy: Policy, team: EntityRef, request: AnyRequest, route: Route | Unrouted) -> _Draft:
    """Build a report. One that was made before says the same again, unless a section of it failed."""
    first = transaction.reports.first_with_content(team, request.report, str(request.period)) if request.again else None
    if first is not None:
        before = read_stored_month(first) if isinstance(request, MonthRequest) else read_stored(first)
        if not any(section.failure for section in before.sections):
            page = Links(pages=policy.public_url).report(team_slug(team), request.period)
            changes = {"again": request.again, "made_at": request.now, "route": describe_destination(route), "page": page}
            return _Draft(report=before.model_copy(update=changes), sweeps_now=first.sweeps_now, sweeps_then=first.sweeps_then)
    if isinstance(request, MonthRequest):
        month = _gather_month(transaction, policy, request)
        return _Draft(report=build_monthly_report(month), sweeps_now=month.sweeps, sweeps_then=None)
    facts = _gather(transaction, policy, team, request)
    return _Draft(report=_build(facts), sweeps_now=facts.sweeps_now, sweeps_then=facts.sweeps_then)


def _gather_month(transaction: Transaction, policy: Policy, request: MonthRequest) -> MonthFacts:
    return gather_month(transaction, policy, policy.monthly_schedule, request, monthly_route(policy.routes))


def _make_report(context: StageContext, team: EntityRef, request: AnyRequest, *, by_hand: bool) -> ReportMade | AlreadySent:
    """Build a report from one state of the store, then claim its period and insert its messages in one transaction."""
    with context.store.reading() as transaction:
        is_monthly, teams = isinstance(request, MonthRequest), transaction.components.teams()
        route = monthly_route(context.policy.routes) if is_monthly else route_of(team, teams, context.policy)
        draft = _draft(transaction, context.policy, team, request, route)
        owned = {one.ref for one in transaction.components.of_team(team)}
    report = draft.report
    messages: tuple[Message, ...] = ()
    if isinstance(route, Route):
        links = sign_links(report, team, context.policy, owned=owned)
        messages = write_messages(report, team, route, now=request.now, by_hand=by_hand, links=links)
    run = ReportRun(
        team=team,
        report=request.report,
        week=str(request.period),
        status=RunStatus.MADE if isinstance(route, Route) else RunStatus.UNDELIVERABLE,
        due_at=report.due_at,
        created_at=request.now,
        late_reason=report.late_reason,
        sweeps_now=draft.sweeps_now,
        sweeps_then=draft.sweeps_then,
        content=json.loads(report.model_dump_json()),
        again=request.again,
    )
    with context.store.transaction() as transaction:
        if not transaction.reports.claim(run):
            found = transaction.reports.run(team, request.report, str(request.period), again=request.again)
            return AlreadySent(run=found or run, sentence=_already_sent(found or run, report.title))
        transaction.outbox.put(messages)
    problem = (
        f"The report of {report.title} for {report.period} has no destination: {route.reason}."
        if isinstance(route, Unrouted)
        else ""
    )
    return ReportMade(report=report, messages=messages, problem=problem)


def _already_sent(run: ReportRun, title: str) -> str:
    at = format_utc(run.created_at)
    if run.status is RunStatus.SKIPPED:
        return f"The report of {title} for {run.week} was skipped on {at}; --again makes it."
    return f"The report of {title} for {run.week} was made on {at}; --again makes another one, marked as such."


def _record_skipped(context: StageContext, skip: Sequence[MissedReport], now: datetime) -> tuple[str, ...]:
    """Record skipped weeks and months, and notify the platform channel of them once."""
    if not skip:
        return ()
    skipped: list[str] = []
    first = ""
    with context.store.transaction() as transaction:
        teams = transaction.components.teams()
        for one in skip:
            team, period = one.team, one.period
            reason = f"the report of {period}, due {format_utc(one.due_at)}, was missed and is too late to be sent."
            run = ReportRun(
                team=team,
                report=_request_of(period, now=now, late=None).report,
                week=str(period),
                status=RunStatus.SKIPPED,
                due_at=one.due_at,
                created_at=now,
                late_reason=reason,
                sweeps_now=None,
                sweeps_then=None,
                content=None,
            )
            if transaction.reports.claim(run):
                skipped.append(f"{title_of_team(team, teams.get(team))}: {reason}")
                first = first or f"{team}:{period}"
        transaction.outbox.put(skip_notices(context.policy, skipped, first=first, now=now))
    return tuple(skipped)
