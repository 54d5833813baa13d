from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import TypeVar

import pytest
from pydantic import ValidationError

from domain.advice import Issue
from domain.refs import EntityRef
from domain.tracking import RecommendationEnd
from domain.weeks import IsoWeek
from reports import content
from reports.builders.report import build_platform_report, build_team_report
from reports.builders.sentences import format_follow_up
from reports.facts import TeamFacts
from reports.links import Links, team_slug
from tests.unit import report_samples as samples

BodyT = TypeVar("BodyT", bound=content.ContentModel)
KINDS = ["why", "components", "actions", "follow-up", "alerts", "trend", "network", "automation", "gaps"]


def body_of(report: content.Report, kind: type[BodyT]) -> BodyT:
    return next(section.body for section in report.sections if isinstance(section.body, kind))


def test_sections_are_in_the_documented_order() -> None:
    report = build_team_report(samples.rich_facts())
    assert [section.body.kind for section in report.sections if section.body] == KINDS


def test_missing_data_comes_first() -> None:
    missing = build_team_report(samples.rich_facts()).headline.missing
    assert missing == (
        "1 of 4 components could not be measured.",
        "Cluster dr-eu: no data from ScaleOps; its workloads are unknown and not in the sums.",
        "The cost of 3 of 9 workloads is unknown and not in the sums.",
    )


def test_the_parts_of_the_change_add_up_to_the_difference() -> None:
    headline = build_team_report(samples.rich_facts()).headline
    change = headline.change
    assert change is not None
    assert headline.cost.amount is not None
    assert change.cost_then.amount is not None
    parts = (change.like_for_like, change.added, change.removed, change.not_comparable)
    assert headline.cost.amount - change.cost_then.amount == sum(part.amount for part in parts)


def test_a_shared_workload_is_counted_once_and_reported() -> None:
    headline = build_team_report(samples.rich_facts()).headline
    assert headline.claimed_twice == 1
    assert headline.cost.parts == 9, "the unknown component is one unknown part"


def test_danger_comes_before_savings() -> None:
    actions = body_of(build_team_report(samples.rich_facts()), content.TopActions)
    assert [action.name for action in actions.top] == [
        "checkout", "redis-cart", "payment-service", "fraud-scorer", "ledger-export",
    ]  # fmt: skip
    assert actions.top[0].sentence == "Raise the requests of checkout: OOM-killed 3x in the last 24 h."
    assert actions.left_to_automation == 1


def test_only_done_recommendations_count_as_realised_savings() -> None:
    follow = body_of(build_team_report(samples.rich_facts()), content.FollowUp)
    assert (follow.done, follow.no_longer_advised, follow.gone, follow.still_open) == (2, 1, 1, 3)
    assert follow.realised == Decimal("118.4")
    assert [outcome.workload.name for outcome in follow.ignored] == ["redis-cart"]


def test_raised_requests_and_losses_are_not_realised_savings() -> None:
    danger, loss = (
        samples.recommendation("ledger", "ledger-batch", issue, 20, RecommendationEnd.DONE, realised=Decimal(0))
        for issue in (Issue.UNDER_PROVISIONED, Issue.OVER_PROVISIONED)
    )
    follow = body_of(build_team_report(replace(samples.rich_facts(), followed=(danger, loss))), content.FollowUp)
    assert follow.realised == 0
    assert [outcome.sentence for outcome in follow.ended] == [
        "Done: requests raised (advised since Tue 3 Nov).",
        "Done; the available savings did not decrease (advised since Tue 3 Nov).",
    ]
    assert "saves" not in format_follow_up(follow)


@pytest.mark.parametrize(("earlier", "ignored"), [((1, 2, 3), 1), ((1, 3), 0), ((1, 2, 4, 5), 0)])
def test_a_recommendation_is_ignored_from_its_fourth_report_on(earlier: tuple[int, ...], ignored: int) -> None:
    """Open for 23 days: reports before it opened, and weeks without a report, do not count."""
    one = samples.recommendation("checkout", "redis-cart", Issue.OVER_PROVISIONED, 23)
    reported_at = tuple(samples.NOW - timedelta(weeks=back) for back in earlier)
    facts = replace(samples.rich_facts(), followed=(one,), reported_at=reported_at)
    assert len(body_of(build_team_report(facts), content.FollowUp).ignored) == ignored


def test_unmeasured_is_unknown_and_never_zero() -> None:
    headline = build_team_report(samples.facts_of_nothing()).headline
    assert headline.cost.amount is None
    assert headline.changed == "The cost of the week of 16 to 22 November 2026 is unknown."
    assert headline.change is None


def test_no_workloads_is_a_known_zero() -> None:
    headline = build_team_report(samples.facts_of_no_workloads()).headline
    assert headline.cost.amount == 0
    assert headline.missing == ()
    assert headline.changed == "No workloads ran in the week to Mon 23 Nov, 00:00 CET, so there is no cost."


def test_the_first_week_has_no_comparison() -> None:
    headline = build_team_report(samples.facts_of_the_first_week()).headline
    assert headline.change is None
    assert "there is no comparison yet" in headline.no_change_reason


def test_a_failing_section_keeps_the_others() -> None:
    facts = samples.rich_facts()
    broken = replace(facts.followed[0], key=None)  # type: ignore[arg-type]  # it stands for a bug
    report = build_team_report(replace(facts, followed=(broken,)))
    failed = [section for section in report.sections if section.body is None]
    assert [section.title for section in failed] == ["Follow-up on recommendations"]
    assert failed[0].failure == "This section could not be built (AttributeError)."
    assert len(report.sections) == len(KINDS)


def test_content_refuses_unknown_fields() -> None:
    with pytest.raises(ValidationError):
        content.DataGap.model_validate({"what": "component", "names": [], "reason": "", "more": 1})


def test_the_roll_up_lists_all_teams_and_those_without_a_channel() -> None:
    report = build_platform_report(samples.platform_facts())
    teams = body_of(report, content.TeamOverview)
    assert [line.title for line in teams.teams] == ["Payments", "Storefront <beta>"]
    assert "1 team has no channel of its own; see Routing below." in report.headline.missing


def test_several_teams_without_a_channel_use_the_plural() -> None:
    facts = samples.platform_facts()
    report = build_platform_report(replace(facts, unrouted=facts.unrouted * 2))
    assert "2 teams have no channel of their own; see Routing below." in report.headline.missing


def test_every_team_total_adds_up_over_the_platform() -> None:
    report = build_platform_report(samples.platform_facts())
    teams = body_of(report, content.TeamOverview)
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
def test_every_team_has_a_unique_slug(ref: str, slug: str) -> None:
    assert team_slug(EntityRef.parse(ref)) == slug


def test_no_page_links_without_a_public_url() -> None:
    assert Links().report("payments", IsoWeek.parse("2026-W47")) is None
    assert Links(pages="https://x/").report("~platform", IsoWeek.parse("2026-W47")) == "https://x/reports/~platform/2026-W47"


def test_building_a_report_does_not_change_its_facts() -> None:
    facts: TeamFacts = samples.rich_facts()
    assert build_team_report(facts) == build_team_report(facts)
