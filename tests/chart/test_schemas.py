"""The chart by Helm's own lint, and its objects by the schemas of Kubernetes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.chart.cases import CASES, NAME, NAMESPACE, Rendered

if TYPE_CHECKING:
    from helm_python import Chart

pytestmark = pytest.mark.chart

CHART = Path(__file__).parents[2] / "deploy" / "chart"
KUBERNETES = ("1.27", "1.37")
"""The oldest version that Chart.yaml accepts, and the newest whose schemas there are."""
INFO = 1


@pytest.mark.parametrize("case", CASES)
def test_helm_finds_no_fault(case: str) -> None:
    from helm_python import lint  # noqa: PLC0415 - only where a test of the chart runs

    report = lint(CHART, CASES[case], strict=True, namespace=NAMESPACE)
    assert report["errors"] == []
    assert [message for message in report["messages"] if message["severity"] > INFO] == []


@pytest.mark.parametrize("version", KUBERNETES)
@pytest.mark.parametrize("case", CASES)
def test_manifests_are_valid_for_kubernetes(rendered: dict[str, Rendered], case: str, version: str) -> None:
    from kubernetes_validate import validate  # noqa: PLC0415 - as above

    known = [one for one in rendered[case].manifests if "monitoring.coreos.com" not in one["apiVersion"]]
    for manifest in known:
        if manifest["kind"] != "ExternalSecret":
            validate(manifest, version, strict=True)


def test_the_schemas_refuse_a_misspelt_field(rendered: dict[str, Rendered]) -> None:
    from kubernetes_validate import ValidationError, validate  # noqa: PLC0415 - as above

    beat = rendered["distributed"].named("Deployment", "-beat")
    with pytest.raises(ValidationError):
        validate({**beat, "spec": {**beat["spec"], "replica": 1}}, KUBERNETES[-1], strict=True)


def test_the_monitors_scrape_the_ports_of_services_that_exist(rendered: dict[str, Rendered]) -> None:
    """The schemas of the Prometheus Operator are in no package that is cheap to import; its few fields are checked here."""
    everything = rendered["everything"]
    scraped = set()
    for monitor in everything.of_kind("ServiceMonitor"):
        assert set(monitor["spec"]) == {"selector", "endpoints"}
        (endpoint,) = monitor["spec"]["endpoints"]
        assert set(endpoint) <= {"port", "interval", "authorization"}
        labels = monitor["spec"]["selector"]["matchLabels"].items()
        (service,) = (one for one in everything.of_kind("Service") if labels <= one["metadata"]["labels"].items())
        assert endpoint["port"] in {port["name"] for port in service["spec"]["ports"]}
        assert monitor["metadata"]["labels"]["release"] == "prometheus"
        if "authorization" in endpoint:
            assert endpoint["authorization"] == {"credentials": {"name": "gateway", "key": "token"}}
        scraped.add(service["metadata"]["name"])
    assert scraped == {f"{NAME}-scaleops-worker-worker", f"{NAME}-scaleops-worker-gateway"}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "name the Secret with DATABASE_URL"),
        ({"settings": {"SCALEOPS_BASE_ULR": "https://s"}}, "SCALEOPS_BASE_ULR"),
        ({"settings": {"SLACK_BOT_TOKEN": "xoxb-1"}}, "SLACK_BOT_TOKEN"),
        ({"gatway": {}}, "gatway"),
        ({"mode": "cron"}, "distributed"),
        ({"workers": {"notify": {"queues": ["deliver"]}}}, "no group serves the queue evaluate"),
        ({"workers": {"more": CASES["everything"]["workers"]["evaluate"]}}, "a queue is in two groups"),
        ({"workers": {"collect": {"resources": {"limits": {"memory": None}}}}}, "memory"),
        ({"pod": {"runAsUser": 0}}, "runAsUser"),
        ({"pod": {"terminationGracePeriodSeconds": 30}}, "terminationGracePeriodSeconds"),
        ({"gateway": {"ingress": {"enabled": True}}}, "gateway.ingress.host"),
        ({"externalSecret": {"enabled": True}}, "externalSecret.store.name"),
        ({"config": {"content": {"a": 1}, "configMap": "b"}}, "not both"),
        ({"certificates": {"secret": "a", "configMap": "b"}}, "not both"),
        ({"tracing": {"endpoint": "http://user:password@collector"}}, "endpoint"),
    ],
)
def test_wrong_values_are_refused_with_a_reason(chart: Chart, values: dict[str, Any], message: str) -> None:
    from helm_python import HelmError  # noqa: PLC0415 - as above

    if values:
        values = {"secrets": {"existing": ["s"]}, **values}
    with pytest.raises(HelmError, match=message):
        chart.render(values, name=NAME, namespace=NAMESPACE)
