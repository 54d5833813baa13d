"""What the sentences of random reports say agrees with the numbers of the same report."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any, TypeVar

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.advice import Issue
from domain.closing_point import ClosingPoint
from domain.measures import Measured, Unknown
from domain.month_to_date import MonthToDate, month_to_date
from domain.snapshots import Measurement, WorkloadPoint
from domain.tracking import Recommendation, RecommendationKey, track
from domain.usual_range import WeeklyChange
from reports import content
from reports.builders.component_sentences import format_automated, format_component_change, format_like_for_like
from reports.builders.months import format_month
from reports.builders.report import build_team_report
from reports.builders.sentences import KeyFigure, key_figures
from reports.formatting import format_amount, format_coverage
from reports.render.documents import render_markdown, render_page
from reports.render.slack import render_slack
from tests.factories import make_key, make_measurement, make_point, make_ref, make_window
from tests.unit import report_samples as samples

BodyT = TypeVar("BodyT", bound=content.ContentModel)
UNKNOWN = Unknown("ScaleOps left it out")
MINUS = "\N{MINUS SIGN}"
MONEY = re.compile(rf"(<|>?[+{MINUS}]?)\$([\d,]+\.\d\d)")
CENT = Decimal("0.01")
UNKNOWN_COST = "The cost of the week of 16 to 22 November 2026 is unknown."

amounts = st.one_of(
    st.sampled_from([Decimal(text) for text in ("0", "0.001", "-0.004", "1e-17", "0.004", "0.2", "-12.5", "99999999")]),
    st.decimals(min_value=-50, max_value=5000, places=2),
)
maybe_amounts: st.SearchStrategy[Measured[Decimal]] = st.one_of(amounts, amounts, amounts, st.just(UNKNOWN))
flags: st.SearchStrategy[Measured[bool]] = st.sampled_from([True, False, False, True, UNKNOWN])
POINTS = [(name, kind) for name in "uvwxyz" for kind in ("Deployment", "CronJob")]


@st.composite
def points(draw: st.DrawFn, name: str, kind: str) -> WorkloadPoint:
    begun = draw(st.sampled_from([60, 60, 60, 10, 3]))
    changes: dict[str, Any] = {
        "under_provisioned": draw(flags),
        "over_provisioned": draw(flags),
        "automated": draw(flags),
        "replicas": draw(st.sampled_from([0, 2, 2, 2])),
        "cost_7d": draw(maybe_amounts),
        "savings_available_per_month": draw(maybe_amounts),
        "oom_kills_24h": draw(st.sampled_from([0, 0, 0, 1, 3, UNKNOWN])),
        "memory_recommended_bytes": draw(st.sampled_from([2.0**29, 2.0**30, 2.0**31, UNKNOWN])),
        "listed_since": samples.NOW - timedelta(days=begun),
        "appeared": draw(st.booleans()),
    }
    return make_point(name, key=replace(make_key(name), type=kind), **changes)


@st.composite
def closings(draw: st.DrawFn) -> tuple[Measurement, ...]:
    named = draw(st.lists(st.sampled_from(POINTS), unique=True, max_size=7))
    drawn = [draw(points(*one)) for one in named]
    measured = []
    for component in draw(st.lists(st.sampled_from(["checkout", "cart"]), unique=True, min_size=1)):
        claimed = draw(st.lists(st.sampled_from(drawn), unique_by=lambda one: one.key)) if drawn else []
        reason = draw(st.sampled_from(["", "", "", "", "ScaleOps answered 503"]))
        measured.append(make_measurement(component, *(() if reason else claimed), as_of=samples.NOW, reason=reason))
    return tuple(measured)


@st.composite
def reports(draw: st.DrawFn) -> content.Report:
    """Draw a report whose recommendations were tracked up to its closing snapshots."""
    before, now = draw(closings()), draw(closings())
    earlier = [one for measured in before for one in track(measured, ())]
    advised = {ref: [one for one in earlier if one.key.entity == ref] for ref in {one.key.entity for one in earlier}}
    followed: dict[RecommendationKey, Recommendation] = {one.key: one for one in earlier}
    for measured in now:
        moment = replace(measured, snapshot=replace(measured.snapshot, as_of=samples.NOW))
        followed |= {one.key: one for one in track(moment, advised.get(measured.snapshot.ref, ()))}
    closing = ClosingPoint(as_of=samples.NOW, measurements=now)
    then = ClosingPoint(as_of=samples.THEN, measurements=tuple(_week_earlier(one) for one in before))
    facts = replace(
        samples.rich_facts(),
        meta=samples.make_meta(currency="USD"),
        now=closing,
        then=draw(st.sampled_from([then, then, then, None])),
        weeks=samples.weeks_until(closing),
        followed=tuple(followed.values()),
        handled=frozenset(),
        changes_before=tuple(draw(changes_before())),
        month_to_date=draw(months()),
        monthly_budget=draw(st.sampled_from([None, Decimal(500), Decimal(20_000)])),
    )
    return build_team_report(facts)


@st.composite
def changes_before(draw: st.DrawFn) -> list[WeeklyChange]:
    shares = draw(st.lists(st.decimals(min_value="-0.5", max_value=2, places=3), max_size=12))
    return [
        WeeklyChange(week=samples.WEEK.shift(-back), amount=1000 * share, cost_then=Decimal(1000), is_comparable=True)
        for back, share in enumerate(shares, start=1)
    ]


@st.composite
def months(draw: st.DrawFn) -> MonthToDate:
    windows = [make_window(samples.NOW - timedelta(days=7 * back), draw(st.integers(0, 9000))) for back in range(4)]
    return month_to_date(draw(st.lists(st.sampled_from(windows), unique=True)), until=samples.NOW)


def _week_earlier(measured: Measurement) -> Measurement:
    moved = (replace(point, as_of=samples.THEN, listed_since=_earlier(point)) for point in measured.points)
    return Measurement(snapshot=replace(measured.snapshot, as_of=samples.THEN), points=tuple(moved))


def _earlier(point: WorkloadPoint) -> Any:
    return min(point.listed_since or samples.THEN, samples.THEN)


def line_of(report: content.Report, label: str) -> str:
    return next((" ".join(line.sentences) for line in report.headline.lines if line.label == label), "")


def body_of(report: content.Report, kind: type[BodyT]) -> BodyT:
    return next(section.body for section in report.sections if isinstance(section.body, kind))


def money_in(text: str) -> list[Decimal]:
    """Return the amounts of a text; of one that is shown as between zero and the smallest amount, zero."""
    signs = {MINUS: -1, "<": 0, f">{MINUS}": 0}
    return [Decimal(number.replace(",", "")) * signs.get(sign, 1) for sign, number in MONEY.findall(text)]


def texts_of(report: content.Report) -> Iterable[str]:
    yield report.headline.changed
    yield report.headline.todo
    for section in report.sections:
        assert section.body is not None, section.failure
        if isinstance(section.body, content.TopActions):
            yield from (action.sentence for action in section.body.top)
        if isinstance(section.body, content.FollowUp):
            yield from (outcome.sentence for outcome in (*section.body.ended, *section.body.ignored))


def check_the_cost_sentence_states_the_numbers(report: content.Report) -> None:
    headline, said = report.headline, report.headline.changed
    change = headline.change
    if headline.cost.amount is None:
        assert said == UNKNOWN_COST
        return
    if said == UNKNOWN_COST:
        assert headline.components_measured < headline.components
        return
    if headline.components_measured < headline.components or headline.cost.known < headline.cost.parts:
        assert said.startswith("The known cost is") or "known cost" in said, "a sum must not look complete"
    if change is None or change.cost_then.amount is None:
        return
    difference = headline.cost.amount - change.cost_then.amount
    parts = [change.like_for_like, *(part for _, part in change.parts)]
    assert difference == sum(part.amount for part in parts)
    for verb, sign in (("up", 1), ("down", -1)):
        if f" {verb} " in said:
            assert difference * sign > 0
    for percent in re.findall(r"([\d,]+(?:\.\d)?)%", said):
        assert Decimal(percent.replace(",", "")) <= 10_000
        assert change.cost_then.amount >= 1 or change.like_for_like.workloads
    if ", like for like " in said or "before: " in said:
        stated = re.split(r"(?:\)|before|CET|\d): ", said)[-1]
        assert abs(sum(money_in(stated)) - difference) <= CENT * 7


def check_the_causes_add_up_to_the_change(report: content.Report) -> None:
    headline, why = report.headline, line_of(report, "Why")
    change = headline.change
    if change is None or headline.cost.amount is None or change.cost_then.amount is None:
        return
    difference = headline.cost.amount - change.cost_then.amount
    assert abs(sum(money_in(why)) - difference) <= CENT * 5
    largest = max((abs(part.amount) for _, part in change.parts[:-1]), default=Decimal(0))
    assert why or largest < 10


def check_the_month_states_what_its_numbers_say(report: content.Report) -> None:
    month, said = report.headline.month_to_date, line_of(report, "November")
    assert month is not None
    assert said == month.sentence
    if month.monthly_budget is None:
        assert "budget" not in said
        return
    if "exceeded" in said or " above the budget" in said:
        assert month.verdict in ("exceeded", "above")
    for word, sign in ((" over ", 1), (" under ", -1)):
        if word in said:
            assert month.spent_at_least is not None
            assert month.budget_by_now is not None
            bound = month.spent_at_least if sign > 0 else month.spent_at_most
            assert bound is not None
            assert (bound - month.budget_by_now) * sign > 0


def check_only_an_unusual_change_alarms(report: content.Report) -> None:
    headline = report.headline
    change, usual, said = headline.change, headline.usual, headline.changed
    if change is None or usual is None:
        assert not headline.tone
        return
    assert usual.is_noise or "about the same" not in said
    assert usual.low is not None or " usual range of " not in said
    if headline.tone:
        assert usual.weeks >= 6
        assert abs(change.like_for_like.amount) >= 10


def check_what_to_do_agrees_with_what_could_be_saved(report: content.Report) -> None:
    headline, todo = report.headline, report.headline.todo
    available = headline.savings_available.amount or Decimal(0)
    stated = sum(money_in(todo), Decimal(0))
    assert abs(stated - available) <= 2 * CENT or ("eview" in todo and available <= stated + 2 * CENT)
    if todo.startswith(("No recommendation", "Among")):
        assert available < 1
    actions = body_of(report, content.TopActions)
    assert all(action.monthly_savings in (None, 0) for action in actions.top if action.issue == "under-provisioned")
    assert (not actions.top) == todo.startswith(("No recommendation", "Among", "What to do", "Savings of"))


def check_an_oom_killed_workload_keeps_its_memory(report: content.Report) -> None:
    for action in body_of(report, content.TopActions).top:
        if action.oom_kills_24h:
            killed = [place for place in action.places if place.oom_kills_24h != 0]
            memory = [one for place in killed for one in place.requests if one.resource == "memory"]
            assert all(one.now is None or one.recommended is None or one.recommended > one.now for one in memory)
            if action.issue != "under-provisioned" and "Check" not in action.sentence:
                assert "OOM" not in action.sentence


def check_advice_and_follow_up_agree(report: content.Report) -> None:
    actions, follow = body_of(report, content.TopActions), body_of(report, content.FollowUp)
    advised = {
        (place.cluster, place.namespace, action.type, action.name, action.issue)
        for action in actions.top
        for place in action.places
    }
    ended = [one.workload for one in follow.ended]
    assert not advised & {
        (one.cluster, one.namespace, one.type, one.name, outcome.issue) for one, outcome in zip(ended, follow.ended, strict=True)
    }
    assert follow.still_open >= sum(action.workloads for action in actions.top) + actions.more
    assert follow.left_to_automation == actions.left_to_automation
    subjects = [(one.workload, one.issue) for one in (*follow.ended, *follow.ignored)]
    assert len(set(subjects)) == len(subjects), "each workload and issue once"
    for one in follow.ended:
        assert one.monthly_savings is None or (one.outcome == "done" and one.monthly_savings >= 0)
    known = [one.monthly_savings for one in follow.ended if one.monthly_savings is not None]
    assert follow.realised == (None if follow.realised_unknown and not known else sum(known))


def check_the_components_agree_with_the_report(report: content.Report) -> None:
    components, headline = body_of(report, content.ComponentOverview), report.headline
    total, rows = components.total, [row.figures for row in components.components]
    assert (total.cost, total.savings_available) == (headline.cost, headline.savings_available)
    assert len(rows) == headline.components
    if headline.change is not None and headline.change.like_for_like.workloads:
        assert (total.like_for_like, total.share) == (headline.change.like_for_like.amount, headline.change.share)
    known = [one.cost.amount for one in rows if one.cost.amount is not None]
    assert known == sorted(known, reverse=True)
    assert [one.cost.amount for one in rows[len(known) :]] == [None] * (len(rows) - len(known)), "the unknown ones are last"
    if not headline.claimed_twice and total.cost.amount is not None:
        assert sum(known) == total.cost.amount
        assert sum(one.cost.parts for one in rows) == total.cost.parts
        assert sum(one.automation.automated for one in rows) == total.automation.automated
    for figures in (total, *rows):
        change = figures.like_for_like
        moved = money_in(format_like_for_like(figures))
        assert change is None or abs(moved[0] - change) <= CENT / 2
        assert figures.share is None or change is None or figures.share * change >= 0
        assert format_component_change(figures), "something is said of the change"


def check_money_that_rounds_to_nothing_is_never_said_to_be_saved(report: content.Report) -> None:
    for text in texts_of(report):
        assert not re.search(rf"(save|saves|save another) ({MINUS}?\$0\.00|[<>])", text)
        assert f"save {MINUS}" not in text


@given(reports())
@settings(max_examples=300)
def test_sentences_agree_with_numbers_and_with_each_other(report: content.Report) -> None:
    """Each report takes longer to make than all checks of it."""
    for check in (
        check_the_cost_sentence_states_the_numbers,
        check_the_causes_add_up_to_the_change,
        check_the_month_states_what_its_numbers_say,
        check_only_an_unusual_change_alarms,
        check_what_to_do_agrees_with_what_could_be_saved,
        check_an_oom_killed_workload_keeps_its_memory,
        check_advice_and_follow_up_agree,
        check_the_components_agree_with_the_report,
        check_money_that_rounds_to_nothing_is_never_said_to_be_saved,
    ):
        check(report)


def text_of(rendering: str, *, tag: str) -> str:
    """Return what a reader sees, with something in place of each tag of a page."""
    return unescaped(re.sub(r"<[^>]*>", tag, rendering) if rendering.startswith("<!doctype") else rendering)


def unescaped(rendering: str) -> str:
    return rendering.replace("\\", "").replace("&#39;", "'").replace("&amp;", "&").replace("&gt;", ">").replace("&lt;", "<")


def texts_of_figure(figure: KeyFigure, rendering: str) -> tuple[str, ...]:
    """Return what a rendering shows of a figure: its value; a page has the share of a change with its note, below the amount."""
    amount, _, share = figure.value.partition(" (")
    if not share or not rendering.startswith("<!doctype"):
        return (figure.value,)
    return (amount, f"{share.removesuffix(')')}, {figure.note} of both weeks")


def words_of_components(components: content.ComponentOverview) -> Iterable[str]:
    """Return what every rendering shows of the components."""
    yield components.note
    for figures in (components.total, *(row.figures for row in components.components)):
        yield from (format_amount(figures.cost), format_like_for_like(figures))
        yield "" if figures.cost.amount is None else format_coverage(figures.cost)
        yield from (figures.other_changes, format_amount(figures.savings_available), format_automated(figures.automation))
    yield from (row.component.title for row in components.components)
    yield from (f"{component.title}, {format_month(month)}: {month.sentence}" for component, month in components.budgeted)


@given(reports())
@settings(max_examples=30, deadline=None)
def test_every_rendering_shows_the_same_sentences(report: content.Report) -> None:
    slack = [one.payload for message in render_slack(report) for one in message]
    everything = (report.headline.changed, *(sentence for line in report.headline.lines for sentence in line.sentences))
    for rendering in (render_page(report), render_markdown(report), report.to_json(), *map(str, slack[:2])):
        plain = unescaped(rendering)
        for sentence in everything:
            assert sentence in plain
        for figure in key_figures(report.headline):
            assert rendering.startswith("{\n") or all(
                text in text_of(rendering, tag="") for text in texts_of_figure(figure, rendering)
            )
    thread = [" ".join(str(message[form].payload) for message in render_slack(report)) for form in (0, -1)]
    for rendering in (render_page(report), render_markdown(report), *thread):
        plain = text_of(rendering, tag=" ")
        for sentence in words_of_components(body_of(report, content.ComponentOverview)):
            shown = re.sub(r" \((\S+%)\)$", r" \1", sentence) if rendering.startswith("<!doctype") else sentence
            assert shown in re.sub(r"\s+", " ", plain)
    if report.headline.change is not None and report.headline.change.like_for_like.workloads:
        assert f'value {report.headline.tone}"' in render_page(report)
    assert unescaped(str(slack[0]["text"])).startswith(f"{report.title}: {report.headline.changed}")


def test_workloads_of_one_name_and_several_kinds_are_distinguished() -> None:
    pair = [
        make_point(
            "shop", key=replace(make_key("shop"), type=kind), over_provisioned=True, savings_available_per_month=Decimal(9)
        )
        for kind in ("Deployment", "CronJob")
    ]
    now = ClosingPoint(
        as_of=samples.NOW, measurements=(make_measurement("checkout", *pair, make_point("api"), as_of=samples.NOW),)
    )
    actions = body_of(build_team_report(replace(samples.rich_facts(), now=now, followed=())), content.TopActions)
    assert [action.sentence for action in actions.top] == [
        "Lower the requests of shop (CronJob) to save €9.00 a month.",
        "Lower the requests of shop (Deployment) to save €9.00 a month.",
        "Automate api in ScaleOps.",
    ]


def test_a_recommendation_for_a_shared_workload_counts_once() -> None:
    done = [
        replace(samples.recommendation(name, "api", Issue.OVER_PROVISIONED, 20), key=_key_of(name, "api"))
        for name in ("checkout", "cart")
    ]
    shared = make_point("api", automated=True)
    now = ClosingPoint(
        as_of=samples.NOW, measurements=tuple(make_measurement(name, shared, as_of=samples.NOW) for name in ("cart", "checkout"))
    )
    advised = [replace(one, advised=replace(one.advised, savings_available_per_month=Decimal(500))) for one in done]
    ended = [
        one
        for measured in now.measurements
        for one in track(measured, [it for it in advised if it.key.entity == measured.snapshot.ref])
    ]
    follow = body_of(build_team_report(replace(samples.rich_facts(), now=now, followed=tuple(ended))), content.FollowUp)
    assert (follow.done, follow.realised) == (1, Decimal(500))
    assert [[owner.title for owner in one.owners] for one in follow.ended] == [["cart", "Checkout"]]


def _key_of(component: str, workload: str) -> RecommendationKey:
    return RecommendationKey(entity=make_ref(component), workload=make_key(workload), issue=Issue.OVER_PROVISIONED)
