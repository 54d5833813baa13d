from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from pydantic import ValidationError

from domain.advice import Issue
from domain.refs import EntityRef
from domain.weeks import IsoWeek
from reports import content
from reports.build.report import compose_platform, compose_team
from reports.build.sections import reports_it_stood_in
from reports.build.sentences import format_follow_up
from reports.facts import TeamFacts
from reports.links import Links, team_slug
from tests.unit import report_cast as cast

KINDS = ["trend", "movers", "actions", "follow-up", "network", "automation", "gaps"]


def body_of(report: content.Report, kind: str) -> content.Body:
    return next(section.body for section in report.sections if section.body is not None and section.body.kind == kind)


def test_the_sections_stand_in_the_agreed_order() -> None:
    report = compose_team(cast.rich_facts())
    assert [section.body.kind for section in report.sections if section.body] == KINDS


def test_what_is_missing_is_said_first() -> None:
    missing = compose_team(cast.rich_facts()).headline.missing
    assert missing == (
        "1 of 4 components could not be measured.",
        "Cluster dr-eu: nothing came back, so what runs there is unknown and not in the sums.",
        "The cost of 2 of 8 workloads is unknown and not in the sums.",
    )


def test_the_difference_of_the_totals_is_what_the_groups_add_up_to() -> None:
    headline = compose_team(cast.rich_facts()).headline
    change = headline.change
    assert change is not None
    assert headline.cost.amount is not None
    assert change.cost_then.amount is not None
    parts = (change.like_for_like, change.added, change.removed, change.not_comparable)
    assert headline.cost.amount - change.cost_then.amount == sum(part.amount for part in parts)


def test_a_shared_workload_is_counted_once_and_told() -> None:
    headline = compose_team(cast.rich_facts()).headline
    assert headline.claimed_twice == 1
    assert headline.cost.parts == 8


def test_danger_comes_before_savings_and_five_are_enough() -> None:
    actions = body_of(compose_team(cast.rich_facts()), "actions")
    assert isinstance(actions, content.TopActions)
    assert [action.workload.name for action in actions.top] == [
        "checkout", "redis-cart", "payment-service", "fraud-scorer", "ledger-export",
    ]  # fmt: skip
    assert actions.top[0].sentence == "Give checkout more room: it was killed 3 times for want of memory in 24 hours."
    assert actions.left_to_automation == 1


def test_what_was_done_counts_as_saved_and_nothing_else() -> None:
    follow = body_of(compose_team(cast.rich_facts()), "follow-up")
    assert isinstance(follow, content.FollowUp)
    assert (follow.done, follow.no_longer_advised, follow.gone, follow.still_open) == (2, 1, 1, 3)
    assert follow.realised == Decimal("118.4")
    assert [outcome.workload.name for outcome in follow.ignored] == ["redis-cart"]


def test_giving_room_saves_nothing_and_a_loss_is_not_called_saved() -> None:
    danger, loss = (
        replace(cast.followed()[0], issue=issue, realised_per_month=Decimal(-5))
        for issue in (Issue.UNDER_PROVISIONED, Issue.OVER_PROVISIONED)
    )
    follow = body_of(compose_team(replace(cast.rich_facts(), followed=(danger, loss))), "follow-up")
    assert isinstance(follow, content.FollowUp)
    assert follow.realised == -5
    assert [outcome.sentence for outcome in follow.ended] == [
        "Done: it has the room it needs (advised since Tue 3 Nov).",
        "Done; as much could still be saved as before (advised since Tue 3 Nov).",
    ]
    assert "saves" not in format_follow_up(follow)


@pytest.mark.parametrize(("days", "reports"), [(0, 1), (6, 1), (7, 2), (20, 3), (21, 4)])
def test_a_recommendation_is_ignored_from_its_fourth_report_on(days: int, reports: int) -> None:
    one = replace(cast.followed()[0], opened_at=cast.NOW - timedelta(days=days), fate="open", issue=Issue.NOT_AUTOMATED)
    assert reports_it_stood_in(one, cast.NOW) == reports


def test_nothing_measured_is_said_as_unknown_and_never_as_zero() -> None:
    headline = compose_team(cast.facts_of_nothing()).headline
    assert headline.cost.amount is None
    assert headline.changed == "The cost of this week is unknown."
    assert headline.change is None


def test_no_workloads_cost_nothing_and_that_is_known() -> None:
    headline = compose_team(cast.facts_of_no_workloads()).headline
    assert headline.cost.amount == 0
    assert headline.missing == ()
    assert headline.changed == "No workloads ran, so there is no cost."


def test_a_first_week_has_nothing_to_compare_with() -> None:
    headline = compose_team(cast.facts_of_the_first_week()).headline
    assert headline.change is None
    assert "nothing to compare with yet" in headline.no_change_because


def test_a_steady_cost_is_called_steady() -> None:
    now = cast.closing_now()
    report = compose_team(replace(cast.rich_facts(), then=replace(now, as_of=cast.THEN)))
    assert "held steady" in report.headline.changed


def test_a_section_with_a_bug_says_so_and_leaves_the_others() -> None:
    facts = cast.rich_facts()
    broken = replace(facts.followed[0], workload=None)  # type: ignore[arg-type]  # it stands for a bug
    report = compose_team(replace(facts, followed=(broken,)))
    failed = [section for section in report.sections if section.body is None]
    assert [section.title for section in failed] == ["What became of the recommendations"]
    assert failed[0].failed == "This section could not be made (AttributeError)."
    assert len(report.sections) == len(KINDS)


def test_content_refuses_a_field_it_does_not_know() -> None:
    with pytest.raises(ValidationError):
        content.DataGap.model_validate({"what": "component", "names": [], "reason": "", "more": 1})


def test_the_roll_up_lines_up_all_teams_and_names_who_has_no_channel() -> None:
    report = compose_platform(cast.platform_facts())
    teams = body_of(report, "teams")
    assert isinstance(teams, content.TeamOverview)
    assert [line.title for line in teams.teams] == ["Payments", "Storefront <beta>"]
    assert "1 team has no channel of its own; where its report goes stands below." in report.headline.missing


def test_several_teams_without_a_channel_are_told_in_the_plural() -> None:
    facts = cast.platform_facts()
    report = compose_platform(replace(facts, unrouted=facts.unrouted * 2))
    assert "2 teams have no channel of their own; where their reports go stands below." in report.headline.missing


def test_every_team_total_adds_up_over_the_platform() -> None:
    report = compose_platform(cast.platform_facts())
    teams = body_of(report, "teams")
    assert isinstance(teams, content.TeamOverview)
    assert sum(line.cost.amount or 0 for line in teams.teams) == report.headline.cost.amount


@pytest.mark.parametrize(
    ("ref", "slug"),
    [
        ("group:default/payments", "payments"),
        ("group:infra/payments", "infra~payments"),
        ("user:default/ann", "user~default~ann"),
        ("group:default/~platform", "%7Eplatform"),
        ("group:default/..", "%2E."),
        ("group:default/a~b", "a%7Eb"),
    ],
)
def test_a_team_has_a_path_of_its_own(ref: str, slug: str) -> None:
    assert team_slug(EntityRef.parse(ref)) == slug


def test_links_are_left_out_where_no_base_is_set() -> None:
    assert Links().report("payments", IsoWeek.parse("2026-W47")) is None
    assert Links(pages="https://x/").report("~platform", IsoWeek.parse("2026-W47")) == "https://x/reports/~platform/2026-W47"


def test_facts_are_not_changed_by_composing() -> None:
    facts: TeamFacts = cast.rich_facts()
    assert compose_team(facts) == compose_team(facts)
