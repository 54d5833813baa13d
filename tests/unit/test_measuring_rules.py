"""What was measured before and is not now, by kind of figure; and a catalog that is not listed as expected."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from alerts.measuring_rules import CATALOG, observe_catalog, observe_unmeasured, subject_of
from alerts.observations import WHOLE_COMPONENT, Observation, Severity, UnmeasuredFigures, Verdict
from domain.figures import MEASURE_OF_KIND, Figure, FigureKind
from domain.measures import Unknown
from domain.refs import PLATFORM
from domain.sweeps import Sweep
from tests.factories import SLOT, make_lost_point, make_measurement, make_point
from tests.unit.alert_scenario import is_clear

REFUSED = Unknown("ScaleOps answered with status 500")


def unmeasured(*points: object, before: bool = True, figures: frozenset[Figure] = frozenset(), reason: str = "") -> Observation:
    measurement = make_measurement("checkout", *points, reason=reason)  # type: ignore[arg-type]  # points
    return observe_unmeasured(measurement, measured_before=before, figures_before=figures)


@pytest.mark.parametrize(("kind", "measure"), MEASURE_OF_KIND.items())
def test_every_kind_of_figure_counts_once_it_was_measured(kind: FigureKind, measure: str) -> None:
    lacking: dict[str, Any] = {measure: REFUSED}
    without = [make_point("api", **lacking), make_point("db", **lacking), make_point("x", cluster="west")]
    (found,) = unmeasured(*without, figures=frozenset({(kind, "east")})).found
    assert found.subject == subject_of(kind, "east")
    assert found.figures == UnmeasuredFigures(reason=REFUSED.reason, what=kind, cluster="east")
    assert is_clear(unmeasured(*without)), "it was never measured"
    wanted = frozenset({(kind, "east")})
    assert is_clear(unmeasured(make_point("api", **lacking), make_point("db"), figures=wanted)), "another workload has it"
    assert is_clear(unmeasured(make_point("api"), make_point("db", **lacking), figures=wanted)), "another workload has it"


def test_a_component_that_cannot_be_listed_is_unmeasured_as_a_whole() -> None:
    (found,) = unmeasured(reason="refused").found
    assert (found.subject, found.figures) == (WHOLE_COMPONENT, UnmeasuredFigures(reason="refused"))
    assert is_clear(unmeasured(reason="refused", before=False))


def test_a_lost_cluster_leaves_its_figures_undecided() -> None:
    shown = unmeasured(make_lost_point("api"), make_point("db", cluster="west"))
    assert shown.found == ()
    assert subject_of(FigureKind.COST, "east") in shown.unknown
    (found,) = unmeasured(
        make_lost_point("api"), make_point("db", cluster="west", cost_7d=REFUSED), figures=frozenset({(FigureKind.COST, "west")})
    ).found
    assert found.subject == subject_of(FigureKind.COST, "west")


def make_sweep(*, back: int = 0, expected: int = 9, complete: bool = True, missing: int = 0, reason: str = "") -> Sweep:
    return Sweep(
        as_of=SLOT - back * timedelta(hours=6),
        opened_at=SLOT,
        closed_at=SLOT,
        evaluated_at=None,
        expected=expected,
        measured=0,
        unknown=0,
        listing_complete=complete,
        listing_missing=missing,
        listing_reason=reason,
    )


FAILED = make_sweep(complete=False, reason="page 3 failed")
EARLIER = [make_sweep(back=1, complete=False), make_sweep(back=2, complete=False), make_sweep(back=3)]


@pytest.mark.parametrize(
    ("current", "earlier", "reason"),
    [
        (make_sweep(expected=0), [], "The catalog lists no component with a workload selector, so nothing is measured."),
        (make_sweep(expected=0, complete=False), [], "The catalog could not be listed, so nothing is measured."),
        (make_sweep(complete=False, missing=6, reason="6 of 9 are missing"), [], "6 of 9 are missing."),
        (FAILED, EARLIER, "The catalog could not be listed completely in 3 sweeps in a row: page 3 failed."),
        (make_sweep(complete=False), EARLIER, "The catalog could not be listed completely in 3 sweeps in a row."),
    ],
)
def test_a_catalog_that_is_not_listed_as_expected_is_found(current: Sweep, earlier: list[Sweep], reason: str) -> None:
    observed = observe_catalog(current, earlier)
    assert (observed.alert, observed.team, observed.as_of) == (CATALOG, PLATFORM, current.as_of)
    (found,) = observed.found
    assert getattr(found.figures, "reason", "") == reason
    assert (found.severity, found.has_evidence) == (Severity.ERROR, True)


def test_one_incomplete_listing_decides_nothing() -> None:
    assert is_clear(observe_catalog(make_sweep(), EARLIER))
    for earlier in (EARLIER[1:], EARLIER[:1], []):
        undecided = observe_catalog(FAILED, earlier)
        assert (undecided.verdict, undecided.reason) == (Verdict.UNKNOWN, "page 3 failed")
    unnamed = observe_catalog(make_sweep(complete=False), [])
    assert unnamed.reason == "the catalog could not be listed"
