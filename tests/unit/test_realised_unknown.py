"""Realised savings that could not be measured are not zero; of one workload name in two kinds, texts name the kind."""

from dataclasses import replace
from decimal import Decimal

from alerts.states import NoticeKind
from domain.advice import Issue
from domain.measures import Measured, Unknown
from domain.tracking import Recommendation, RecommendationEnd
from reports import content
from reports.builders.report import build_team_report
from reports.findings import remedy
from reports.render.documents import render_markdown, render_page
from tests.unit.alert_scenario import AlertScenario, finding, met
from tests.unit.report_samples import recommendation, rich_facts

LOST = Unknown("its workload could not be measured")


def done(name: str, realised: Measured[object]) -> Recommendation:
    one = recommendation("checkout", name, Issue.OVER_PROVISIONED, 20, RecommendationEnd.DONE)
    return replace(one, realised_per_month=realised)  # type: ignore[arg-type]  # a Decimal or Unknown


def follow_up(*followed: Recommendation) -> tuple[content.FollowUp, str]:
    report = build_team_report(replace(rich_facts(), followed=followed))
    (body,) = (section.body for section in report.sections if isinstance(section.body, content.FollowUp))
    return body, render_markdown(report) + render_page(report)


def test_only_unknown_savings_are_null_and_said() -> None:
    body, text = follow_up(done("a", LOST), done("b", LOST))
    assert (body.realised, body.realised_unknown, body.done) == (None, 2, 2)
    assert text.count("The savings of 2 that are done could not be measured.") == 2
    assert "Realised savings:" not in text


def test_known_savings_are_summed_beside_unknown_ones() -> None:
    body, text = follow_up(done("a", LOST), done("b", rich_facts().followed[0].realised_per_month or LOST))
    assert (str(body.realised), body.realised_unknown) == ("118.4", 1)
    assert "Realised savings: €118.40 a month. The savings of 1 that are done could not be measured." in text


def test_nothing_done_is_zero() -> None:
    body, _ = follow_up()
    assert body.realised == Decimal(0)
    assert body.realised_unknown == 0


def test_a_remedy_tells_kinds_of_one_name_apart() -> None:
    deployment = finding("api")
    assert deployment.workload is not None
    job = replace(deployment, subject="other", workload=replace(deployment.workload, type="CronJob"))
    elsewhere = replace(deployment, subject="far", workload=replace(deployment.workload, cluster="west"))
    (notice,) = AlertScenario().observe(met(0, deployment, job, elsewhere))
    assert notice.kind is NoticeKind.OPENED
    assert remedy(notice).startswith("Raise the requests of api (Deployment), api (CronJob) as recommended")
