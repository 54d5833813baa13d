"""The simulator as a process: its output, and its errors when it cannot start."""

import json
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from simulator.credentials import BACKSTAGE_TOKEN, SCALEOPS_TOKEN
from simulator.serving import Simulator
from tests.services import loopback

PARITY_FOLDER = Path(__file__).parent.parent / "parity"
FLAGS = "/api/v1/networkCost/networkCostEnabled?multiCluster=true"


def test_a_process_prints_its_urls_in_one_line() -> None:
    command = [sys.executable, "-m", "simulator", "--scenario", str(PARITY_FOLDER)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        printed = json.loads(process.stdout.readline())
        response = loopback.get(printed["scaleops"] + FLAGS, headers={"Authorization": f"Bearer {SCALEOPS_TOKEN}"})
        process.terminate()
        process.communicate(timeout=30)
    assert set(printed) >= {"url", "scaleops", "backstage", "slack", "pagerduty"}
    assert printed["settings"]["SCALEOPS_PASSWORD"] == "s3cr3t-pa55"
    assert printed["slack"].endswith("/slack/api/")
    assert response.status_code == 200


def test_an_unknown_scenario_is_reported_in_one_line() -> None:
    result = _run(["--scenario", "nowhere"])
    assert result.returncode == 2
    assert (
        result.stderr
        == "simulator: 'nowhere' is not a scenario; use demo, crowd:200, or a folder with upstream.json and catalog.yaml\n"
    )


def test_an_invalid_folder_is_reported_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "upstream.json").write_text("{}")
    (tmp_path / "catalog.yaml").write_text("")
    result = _run(["--scenario", str(tmp_path)])
    assert result.returncode == 2
    assert "cannot be read" in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_port_in_use_is_reported_in_one_line(simulator: Simulator) -> None:
    result = _run(["--port", simulator.url.rpartition(":")[2]])
    assert result.returncode == 2
    assert "in use" in result.stderr
    assert result.stderr.count("\n") == 1


def _run(arguments: list[str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "simulator", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_latency_delays_every_response(simulator: Simulator) -> None:
    loopback.put(f"{simulator.url}/control/latency", json={"ms": 30_000})
    with pytest.raises(httpx.ReadTimeout):
        loopback.get(simulator.scaleops_url + FLAGS, timeout=0.3)
    loopback.put(f"{simulator.url}/control/latency", json={"ms": 0})
    assert loopback.get(simulator.scaleops_url + FLAGS).status_code == 401


def test_another_scenario_resets_all_state(simulator: Simulator) -> None:
    loopback.put(f"{simulator.url}/control/faults", json=[{"service": "scaleops"}])
    assert loopback.put(f"{simulator.url}/control/scenario", json={"scenario": "demo"}).json() == {"scenario": "demo"}
    assert loopback.get(simulator.scaleops_url + FLAGS).status_code == 401
    assert not simulator.state.faults


@pytest.mark.parametrize("service", ["scaleops", "backstage", "slack/api", "pagerduty", "azure", "control"])
def test_unknown_paths_are_404(simulator: Simulator, service: str) -> None:
    assert loopback.get(f"{simulator.url}/{service}/nowhere/at/all").status_code == 404


def test_a_crowd_has_the_requested_number_of_components(simulator: Simulator) -> None:
    simulator.load("crowd:25")
    url = f"{simulator.backstage_url}/api/catalog/entities/by-query?filter=kind=component&limit=1"
    assert loopback.get(url, headers={"Authorization": f"Bearer {BACKSTAGE_TOKEN}"}).json()["totalItems"] == 25
    listing = f"{simulator.scaleops_url}/api/v1/dashboard/byNamespace?multiCluster=true&logicalLabel=AND"
    body = {"label": ["app.kubernetes.io/name=service-00024"]}
    found = loopback.post(listing, json=body, headers={"Authorization": f"Bearer {SCALEOPS_TOKEN}"}).json()["workloads"]
    assert [row["workloadName"] for row in found] == ["service-00024-api", "service-00024-worker", "service-00024-cache"]
    assert len(simulator.state.world().workload_by_key) == 75
