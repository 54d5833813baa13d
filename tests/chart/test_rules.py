"""The alert rules by Prometheus' own tool, and the metrics by its lint."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml
from prometheus_client import REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from gateway.web.metrics import Metrics
from tests.chart.cases import Rendered
from worker import metrics as worker_metrics
from worker.db_metrics import DATABASE_METRICS

pytestmark = pytest.mark.chart

RULES = Path(__file__).parents[2] / "deploy" / "chart" / "monitoring" / "rules.yaml"


def ran(*arguments: str | Path, standard_input: str = "") -> str:
    done = subprocess.run(arguments, input=standard_input, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_prometheus_accepts_the_rules_without_a_remark(promtool: str) -> None:
    ran(promtool, "check", "rules", "--lint=all", "--lint-fatal", RULES)


def test_each_alert_fires_when_it_should_and_only_then(promtool: str, tmp_path: Path) -> None:
    text = (Path(__file__).parent / "rules_test.yaml").read_text()
    (tmp_path / "rules_test.yaml").write_text(text.replace("RULES", str(RULES)))
    ran(promtool, "test", "rules", tmp_path / "rules_test.yaml")


def test_the_chart_ships_the_same_rules(rendered: dict[str, Rendered]) -> None:
    (rule,) = rendered["everything"].of_kind("PrometheusRule")
    assert rule["spec"] == yaml.safe_load(RULES.read_text())


class SampleOfTheDatabase(Collector):
    def collect(self) -> list[GaugeMetricFamily]:
        families = []
        for name, spec in DATABASE_METRICS.items():
            families.append(GaugeMetricFamily(name, spec.help, labels=spec.labels))
            families[-1].add_metric(["x" for _ in spec.labels], 1)
        return families


def test_the_names_of_metrics_follow_the_convention(promtool: str) -> None:
    assert worker_metrics.__name__  # imported: its metrics are in REGISTRY
    database = CollectorRegistry()
    database.register(SampleOfTheDatabase())
    own = "".join(
        f"{line}\n"
        for line in generate_latest(REGISTRY).decode().splitlines()
        if "scaleops_worker" in line and "_created" not in line
    )
    gateway = "\n".join(line for line in generate_latest(Metrics().registry).decode().splitlines() if "_created" not in line)
    assert ran(promtool, "check", "metrics", standard_input=f"{own}{generate_latest(database).decode()}{gateway}\n") == ""
