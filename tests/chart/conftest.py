"""The chart, rendered by Helm. Its packages are imported only where a test of the chart runs, so that `make test` needs none of them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.chart.cases import CASES, NAME, NAMESPACE, Rendered

if TYPE_CHECKING:
    from helm_python import Chart

ROOT = Path(__file__).parents[2]
PROMTOOL = ROOT / ".tools" / "promtool" / "usr" / "bin" / "promtool"


@pytest.fixture(scope="session")
def chart() -> Iterator[Chart]:
    from helm_python import Chart  # noqa: PLC0415 - only where a test of the chart runs

    with Chart.load(ROOT / "deploy" / "chart") as loaded:
        yield loaded


def render(chart: Chart, values: dict[str, Any]) -> Rendered:
    files = chart.render(values, name=NAME, namespace=NAMESPACE)
    texts = [text for path, text in files.items() if path.endswith(".yaml")]
    return Rendered(tuple(manifest for text in texts for manifest in yaml.safe_load_all(text) if manifest))


@pytest.fixture(scope="session")
def rendered(chart: Chart) -> dict[str, Rendered]:
    """Every case of values, rendered."""
    return {name: render(chart, values) for name, values in CASES.items()}


@pytest.fixture(scope="session")
def promtool() -> str:
    found = shutil.which("promtool") or (str(PROMTOOL) if PROMTOOL.exists() else None)
    if found is None:
        message = "there is no promtool; run the tests of the chart by make chart"
        raise FileNotFoundError(message)
    return found
