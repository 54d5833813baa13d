"""The components of a report: all together first, then by cost, with what is unknown or partial said."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from alerts.policy import Rule
from domain.closing_point import ClosingPoint
from domain.refs import EntityRef
from reports import content
from reports.builders.component_sentences import format_automated, format_component_change, format_like_for_like
from reports.builders.report import build_team_report
from reports.facts import ReportedAlert, TeamAlerts, TeamFacts
from reports.formatting import format_partial
from reports.links import Links, MessageLinks
from reports.render.documents import render_page
from reports.render.slack import render_slack
from tests.factories import PAYMENTS, make_ref
from tests.unit import report_samples as samples

MINUS = "\N{MINUS SIGN}"


def components_of(facts: TeamFacts) -> content.ComponentOverview:
    return next(one.body for one in build_team_report(facts).sections if isinstance(one.body, content.ComponentOverview))


def rows_of(facts: TeamFacts) -> Mapping[str, content.ComponentFigures]:
    return {row.component.title: row.figures for row in components_of(facts).components}


def closing(name: str, cost: float, *, at: ClosingPoint) -> ClosingPoint:
    return replace(at, measurements=(samples.measured(name, samples.point(name, cost)),))


def test_rows_are_sorted_by_cost_and_the_unknown_one_is_last() -> None:
    assert [(title, format_partial(one.cost)) for title, one in rows_of(samples.rich_facts()).items()] == [
        ("Checkout", "€532.50"),
        ("Payment Service", "€526.65"),
        ("Ledger", "€103.50 (from 2 of 4 workloads)"),
        ("Invoices & Receipts", "unknown"),
    ]


def test_the_total_counts_a_shared_workload_once_and_says_so() -> None:
    components = components_of(samples.rich_facts())
    assert components.total.cost.amount == Decimal("1042.65")
    assert sum(row.figures.cost.amount or 0 for row in components.components) == Decimal("1162.65")
    assert components.note == "1 workload belongs to several components, and counts once in the total."


def test_changes_are_like_for_like_with_the_other_parts_named() -> None:
    rows = rows_of(samples.rich_facts())
    assert format_component_change(rows["Checkout"]) == "+€55.65 (+12%)"
    assert format_component_change(rows["Payment Service"]) == (
        f"{MINUS}€92.35 ({MINUS}23%); added +€96.40, removed {MINUS}€64.20, moved between components +€120.00"
    )
    assert format_component_change(rows["Invoices & Receipts"]) == f"not comparable {MINUS}€71.00"


def test_without_a_week_before_there_is_no_comparison() -> None:
    components = components_of(samples.facts_of_the_first_week())
    assert {row.figures.other_changes for row in components.components} == {"no comparison"}
    assert {format_like_for_like(one) for one in (components.total, *(row.figures for row in components.components))} == {""}


def test_a_new_component_is_added_and_one_that_is_gone_is_named() -> None:
    facts = samples.rich_facts()
    now, then = closing("checkout", 50, at=samples.closing_now()), closing("ledger", 70, at=samples.closing_then())
    found = components_of(replace(facts, now=now, then=then))
    assert [format_component_change(row.figures) for row in found.components] == ["added +€50.00"]
    assert found.note == "1 component of the week before is no longer listed for this team: Ledger."
    incomplete = components_of(replace(facts, now=replace(now, listing_complete=False), then=then))
    assert incomplete.note == "1 component of the week before is missing in an incomplete listing of the catalog: Ledger."


def test_an_unmeasured_component_never_looks_unchanged() -> None:
    facts = samples.rich_facts()
    now = replace(samples.closing_now(), measurements=(samples.measured("ledger", unknown="ScaleOps answered 503"),))
    then = replace(samples.closing_then(), measurements=(samples.measured("ledger"),))
    assert [one.other_changes for one in rows_of(replace(facts, now=now, then=then)).values()] == ["not comparable"]
    empty = rows_of(samples.facts_of_no_workloads())
    assert [one.other_changes for one in empty.values()] == ["no workloads to compare"]


def test_automation_says_what_is_unknown() -> None:
    rows = rows_of(samples.rich_facts())
    assert [format_automated(one.automation) for one in rows.values()] == ["1 of 2", "0 of 3", "2 of 3, unknown for 1", "unknown"]
    assert {format_automated(one.automation) for one in rows_of(samples.facts_of_no_workloads()).values()} == {"no workloads"}


def test_open_alerts_are_counted_for_their_component_and_those_of_the_team_in_the_total() -> None:
    found = [(Rule.COST_INCREASE, make_ref("checkout")), (Rule.OVER_PROVISIONED, make_ref("checkout")), (Rule.BUDGET, PAYMENTS)]
    alerts = tuple(ReportedAlert(rule=rule, about=about, since=samples.THEN) for rule, about in found)
    components = components_of(replace(samples.rich_facts(), alerts=TeamAlerts(open=alerts)))
    assert components.total.open_alerts == 3
    assert {row.component.title: row.alerts for row in components.components if row.alerts} == {
        "Checkout": ("cost rose", "more CPU or memory than needed")
    }


def test_a_budget_is_compared_in_every_rendering() -> None:
    report = build_team_report(samples.rich_facts())
    ((component, month),) = components_of(samples.rich_facts()).budgeted
    assert (component.title, month.verdict) == ("Checkout", "within")
    texts = [str(message[-1].payload["text"]) for message in render_slack(report)]
    assert [month.sentence in text for text in texts].count(True) == 1
    assert month.sentence in render_page(report)


def test_names_lead_to_their_page_and_to_the_catalog() -> None:
    row = components_of(samples.rich_facts()).components[0]
    assert row.page == "https://reports.example/components/component/default/checkout"
    assert row.catalog == "https://backstage.example/catalog/default/component/checkout"
    assert row.dashboard == "https://scaleops.example/cost-report/compute?searchTerms=&labels=app=checkout"
    page = render_page(build_team_report(samples.rich_facts()))
    assert all(f'href="{address.replace("&", "&amp;")}"' in page for address in (row.page, row.catalog, row.dashboard))


def test_slack_gets_the_links_that_its_readers_can_open() -> None:
    report = build_team_report(samples.rich_facts())
    links = MessageLinks(page="https://x.example/signed", component=lambda ref: f"https://x.example/{ref}?sig=1")
    native, basic = ("".join(str(message[form].payload) for message in render_slack(report, links)) for form in (0, 1))
    for sent in (native, basic):
        assert "https://x.example/component:default/checkout?sig=1" in sent
        assert "https://reports.example/components" not in sent


def test_without_addresses_there_is_no_link() -> None:
    facts = samples.rich_facts()
    report = build_team_report(replace(facts, meta=samples.make_meta(links=Links())))
    (row, *_) = components_of(replace(facts, meta=samples.make_meta(links=Links()))).components
    assert (row.page, row.catalog, row.dashboard) == (None, None, None)
    assert buttons_of(report) == []


def buttons_of(report: content.Report) -> list[tuple[str, str]]:
    blocks: Any = render_slack(report)[0][0].payload["blocks"]
    buttons = [button for block in blocks if block["type"] == "actions" for button in block["elements"]]
    return [(button["text"]["text"], button["url"]) for button in buttons]


def test_a_report_has_a_button_for_each_configured_address() -> None:
    assert buttons_of(build_team_report(samples.rich_facts())) == [
        ("Open report", "https://reports.example/reports/payments/2026-W47"),
        ("Open in Backstage", "https://backstage.example/catalog/default/group/payments"),
        ("Open in ScaleOps", "https://scaleops.example/cost-report/compute?searchTerms="),
    ]
    meta = samples.make_meta(links=Links(catalog="https://backstage.example/"))
    assert [label for label, _ in buttons_of(build_team_report(replace(samples.rich_facts(), meta=meta)))] == [
        "Open in Backstage"
    ]
    unowned = replace(samples.rich_facts(), team=EntityRef.parse("group:default/unowned"), meta=meta)
    assert buttons_of(build_team_report(unowned)) == []
