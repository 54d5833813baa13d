"""A catalog file that is missing, or says what cannot be used, is noticed by check-config, /readyz and the weekly report."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from actions.live.measure import measure
from clients.backstage.catalog_file import CatalogFile
from domain.snapshots import Outcome
from gateway.web.health import Readiness, catalog_file_probe
from tests.factories import NOW, make_component
from tests.services.commands import Run
from tests.stage_factories import plan_workloads

FIELD = Path(__file__).parents[1] / "data" / "catalog"


def test_a_missing_catalog_file_is_an_invalid_setting(run: Run) -> None:
    ran = run("check-config", BACKSTAGE_CATALOG_FILE="no-such.yaml")
    assert ran.status == 2
    assert "BACKSTAGE_CATALOG_FILE: the catalog file no-such.yaml cannot be used: No such file or directory" in ran.err


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("c21-quotes-in-selector.yaml", "component:default/shop: the selector '\"app=shop\"' can match nothing"),
        ("c23-placeholder.yaml", "a placeholder was never filled in"),
        ("c44-pd-placeholder.yaml", "is not an integration key"),
        ("c50-namespace-list.yaml", "'shop,cart' is not the name of one namespace"),
        ("c12-annotations-array.yaml", "metadata.annotations is not a mapping"),
    ],
)
def test_what_of_the_catalog_cannot_be_used_is_listed(run: Run, tmp_path: Path, name: str, sentence: str) -> None:
    shutil.copy(FIELD / name, tmp_path / "catalog.yaml")
    ran = run("check-config", "--json", BACKSTAGE_CATALOG_FILE=str(tmp_path / "catalog.yaml"))
    assert ran.status == 0
    assert [one for one in json.loads(ran.out)["missing"] if one.startswith("catalog: ") and sentence in one]


def test_a_configured_integration_key_that_cannot_be_real_is_named_and_not_shown(run: Run) -> None:
    ran = run("check-config", PAGERDUTY_ROUTING_KEY="<your-key>")
    assert "! PAGERDUTY_ROUTING_KEY is not an integration key, which has 32 letters or digits" in ran.out
    assert "<your-key>" not in ran.out + ran.err


@pytest.mark.anyio
async def test_readiness_names_a_missing_catalog_file(tmp_path: Path) -> None:
    file = tmp_path / "catalog.yaml"
    now = NOW

    def clock() -> object:
        return now

    readiness = Readiness({"catalog": catalog_file_probe(CatalogFile(file))}, clock=clock)  # type: ignore[arg-type] # a clock
    missing = await readiness.response()
    assert (missing.status, json.loads(missing.body)) == (200, {"status": "degraded", "dependencies": {"catalog": "down"}})
    shutil.copy(FIELD / "c02-bool-annotation.yaml", file)
    now += timedelta(minutes=1)
    assert json.loads((await readiness.response()).body)["status"] == "ready"


def test_what_an_owner_should_correct_is_a_warning_of_every_measurement() -> None:
    component = make_component("web", problems=("spec.owner names 2 owners",))
    measured = measure(component, plan_workloads(), as_of=NOW).measurement.snapshot
    assert measured.warnings == (
        "spec.owner names 2 owners",
        "no workload matches its selector: if it runs on Kubernetes, correct its annotations",
    )
    refused = measure(
        make_component("web", label_selector="app=$X", problems=("a",)), plan_workloads(), as_of=NOW
    ).measurement.snapshot
    assert (refused.outcome, refused.warnings) == (Outcome.UNKNOWN, ("a",))
    assert "a placeholder that was never filled in" in refused.reason
