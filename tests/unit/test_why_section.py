"""The section about why the cost changed: what is shown adds up to the cent, and its words have the direction of its numbers."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.closing_point import ClosingPoint
from domain.money import round_money, smallest_unit
from domain.rounding import round_parts
from reports import content
from reports.builders.cause_sentences import format_cause, format_causes, format_no_cause
from reports.builders.names import names_of
from reports.builders.report import build_platform_report, build_team_report
from reports.builders.why import build_why
from tests.unit import report_samples as samples
from tests.unit.test_cost_decomposition import NOW, THEN, closings

UP = ("More", "Larger requests", "Smaller spot", "Higher")
DOWN = ("Fewer", "Smaller requests", "Larger spot", "Lower")


def why_of(report: content.Report) -> content.WhyChanged:
    return next(section.body for section in report.sections if isinstance(section.body, content.WhyChanged))


@given(closings(NOW), closings(THEN), st.sampled_from(["USD", "JPY", "KWD"]))
def test_what_is_shown_adds_up_to_the_cent(now: ClosingPoint, then: ClosingPoint, currency: str) -> None:
    why = build_why(now, then, names_of(now, then, {}), currency=currency, zone="UTC")
    nothing = Decimal(0)
    movers = sum((mover.amount for mover in why.movers), nothing)
    assert why.amount == sum((part.amount for part in why.causes), nothing)
    assert why.amount == movers + why.small_amount + why.not_comparable_amount
    for mover in why.movers:
        assert mover.amount == sum((part.amount for part in mover.causes), nothing)
        assert mover.amount == sum((place.amount for place in mover.places), nothing)
        assert mover.amount == (mover.now or nothing) - (mover.then or nothing)
        assert mover.amount == round_money(mover.amount, currency)
        assert mover.sentence
    for part in why.causes:
        assert not format_cause(part).startswith(DOWN if part.amount > 0 else UP)
    assert bool(format_no_cause(why)) == (not why.movers and not why.small_workloads)


@given(st.lists(st.decimals(-(10**6), 10**6, places=5)), st.sampled_from(["USD", "JPY", "KWD"]))
def test_rounded_parts_add_up_and_are_at_most_one_unit_off(parts: list[Decimal], currency: str) -> None:
    whole = round_money(sum(parts, Decimal(0)), currency)
    shown = round_parts(parts, currency, whole=whole)
    assert sum(shown, Decimal(0)) == whole
    assert all(abs(one - part) < smallest_unit(currency) for one, part in zip(shown, parts, strict=True))


@pytest.mark.parametrize(
    "report", [build_team_report(samples.rich_facts()), build_platform_report(samples.platform_facts())], ids=["team", "platform"]
)
def test_the_section_agrees_with_the_headline(report: content.Report) -> None:
    why, change = why_of(report), report.headline.change
    assert change is not None
    parts: dict[str, Decimal] = {part.cause: part.amount for part in why.causes}
    split = sum(parts.get(cause, Decimal(0)) for cause in ("pods", "requests", "spot share", "unit price", "unknown cause"))
    shown = {
        "added": change.added,
        "removed": change.removed,
        "moved": change.changed_owner,
        "not comparable": change.not_comparable,
    }
    assert split == change.like_for_like.amount
    assert {cause: parts.get(cause, Decimal(0)) for cause in shown} == {cause: part.amount for cause, part in shown.items()}
    assert (why.cost_now, why.cost_then) == (report.headline.cost, change.cost_then)


def test_a_stored_section_reads_as_one_line_of_causes() -> None:
    assert format_causes(why_of(build_team_report(samples.rich_facts()))) == (
        "Fewer pod-hours \N{MINUS SIGN}\N{EURO SIGN}101.96, higher unit price +\N{EURO SIGN}69.56, added +\N{EURO SIGN}96.40, "
        "removed \N{MINUS SIGN}\N{EURO SIGN}64.20, not comparable \N{MINUS SIGN}\N{EURO SIGN}124.50"
    )
