"""Metrics: each one that dashboard and alert rules query exists, each alert is documented, and names follow the convention of Prometheus."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from promql_parser import parse

from tests.docgen.metrics import SOURCES, metrics

ROOT = Path(__file__).parents[2]
MONITORING = ROOT / "deploy" / "chart" / "monitoring"
DOCS = ROOT / "docs" / "how-to" / "observability.md"
RULES = [rule for group in yaml.safe_load((MONITORING / "rules.yaml").read_text())["groups"] for rule in group["rules"]]
DASHBOARD = json.loads((MONITORING / "dashboard.json").read_text())
ALERTS = {rule["alert"]: rule for rule in RULES if "alert" in rule}
RECORDED = {rule["record"] for rule in RULES if "record" in rule}
NAME = re.compile(r"scaleops_worker_[a-z_]+|job:scaleops_worker_[a-z_]+:[a-z0-9_]+")
UNITS = ("_seconds", "_bytes", "_ratio")


METRICS = {metric.name: metric for section in SOURCES for metric in metrics(section)}
"""As they are documented; `test_docs_reference` compares them with those that are registered."""
SERIES = {
    series
    for name, metric in METRICS.items()
    for series in ([f"{name}_bucket", f"{name}_sum", f"{name}_count"] if metric.kind == "histogram" else [name])
}


def panel_queries() -> Iterator[tuple[str, str]]:
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", []):
            yield panel["title"], target["expr"]


QUERIES = [*((rule.get("alert") or rule["record"], rule["expr"]) for rule in RULES), *panel_queries()]


def without_variables(query: str) -> str:
    """Replace what Grafana fills in."""
    return query.replace("$__rate_interval", "5m").replace("$namespace", "a").replace("$job", "b").replace("$gateway_job", "c")


@pytest.mark.parametrize(("name", "query"), QUERIES)
def test_every_query_is_valid_and_names_existing_metrics(name: str, query: str) -> None:
    assert parse(without_variables(query)) is not None, name
    named = set(NAME.findall(query))
    assert named, name
    assert named - SERIES - RECORDED == set(), name


def test_an_invalid_query_is_found() -> None:
    with pytest.raises(ValueError, match="unclosed left parenthesis"):
        parse("sum by (a (b)")


def labels_named(query: str) -> set[str]:
    grouped = {label.strip() for group in re.findall(r"by \(([^)]*)\)", query) for label in group.split(",")}
    return grouped | set(re.findall(r"([a-z_]+)(?:=~|!~|!=|=)\"", query))


@pytest.mark.parametrize(("name", "query"), QUERIES)
def test_every_query_uses_existing_labels(name: str, query: str) -> None:
    known = {"namespace", "job", "le"}
    for series in NAME.findall(query):
        base = re.sub(r"_(bucket|sum|count)$", "", series)
        known |= set(METRICS[base].labels if base in METRICS else METRICS[series].labels if series in METRICS else ())
    assert labels_named(query) - known == set(), name


def test_names_follow_the_convention() -> None:
    for name, metric in METRICS.items():
        assert re.fullmatch(r"[a-z]+(_[a-z]+)*", name)
        assert metric.meaning, name
        assert name.endswith("_total") == (metric.kind == "counter"), name
        assert metric.kind != "histogram" or name.endswith(UNITS), name
        assert not re.search(r"_(ms|milliseconds|minutes|hours|mb|kb|percent)(_|$)", name), name


def test_every_alert_is_documented_and_no_other() -> None:
    rows = re.findall(r"^\| `(ScaleopsWorker\w+)` \| (\w+) \|", DOCS.read_text(encoding="utf-8"), re.MULTILINE)
    assert dict(rows) == {name: rule["labels"]["severity"] for name, rule in ALERTS.items()}
    assert len(rows) == len(ALERTS)
    for rule in ALERTS.values():
        assert set(rule["annotations"]) == {"summary", "description"}


def test_the_queries_of_the_documentation_are_valid() -> None:
    blocks = re.findall(r"```promql\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    assert blocks
    for block in blocks:
        for query in filter(None, (line.partition("#")[0].strip() for line in block.splitlines())):
            assert parse(query) is not None
            assert set(NAME.findall(query)) - SERIES - RECORDED == set()


def test_the_documentation_names_existing_metrics() -> None:
    for page in sorted((ROOT / "docs").rglob("*.md")):
        named = set(re.findall(r"`(scaleops_worker_[a-z_]+)(?=[`{ >=])", page.read_text(encoding="utf-8")))
        assert named - SERIES - set(METRICS) == set(), page


def panels_of(kind: str) -> list[dict[str, Any]]:
    return [panel for panel in DASHBOARD["panels"] if panel["type"] == kind]


def test_the_dashboard_shows_every_metric() -> None:
    text = json.dumps(DASHBOARD)
    unused = {name for name in METRICS if not re.search(rf"{name}(_bucket|_sum|_count)?(?![a-z_])", text)}
    assert unused == set()


def test_the_panels_have_ids_and_places_of_their_own() -> None:
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert len({panel["title"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])}
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells
    for panel in panels:
        assert panel["type"] == "row" or (panel["description"] and panel["datasource"]["uid"] == "${datasource}"), panel["title"]
    assert {row["title"] for row in panels_of("row")} == {"Delivery promise", "Sweeps", "Notices", "Gateway"}
