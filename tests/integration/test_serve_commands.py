"""`serve` and `mcp` as commands: missing settings, and a running gateway."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from actions.catalogue import ACTIONS
from simulator.serving import Simulator
from tests.services.commands import Run
from tests.services.simulated import settings_of

PROGRAM = Path(sys.executable).parent / "scaleops-worker"
SCALEOPS = {"SCALEOPS_BASE_URL": "http://127.0.0.1:1", "SCALEOPS_TOKEN": "x"}


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "GATEWAY_AUTH=backstage needs BACKSTAGE_BASE_URL"),
        ({"GATEWAY_AUTH": "none", "GATEWAY_HOST": "0.0.0.0"}, "GATEWAY_AUTH=none is allowed on loopback only"),  # noqa: S104 - refused
        ({"GATEWAY_AUTH": "token"}, "GATEWAY_AUTH=token needs GATEWAY_TOKENS"),
        ({"GATEWAY_AUTH": "none", "SCALEOPS_BASE_URL": "", "SCALEOPS_TOKEN": ""}, "SCALEOPS_BASE_URL is not set"),
    ],
)
def test_serve_does_not_start_without_authentication_or_scaleops(run: Run, settings: dict[str, str], said: str) -> None:
    ran = run("serve", **{**SCALEOPS, **settings})
    assert ran.status == 2
    assert said in ran.err


def test_mcp_names_the_setting_that_is_missing(run: Run) -> None:
    ran = run("mcp")
    assert ran.status == 2
    assert "SCALEOPS_BASE_URL is not set" in ran.err
    assert ran.out == ""


def test_serve_responds_until_it_is_stopped(simulator: Simulator, tmp_path: Path) -> None:
    settings = {
        **settings_of(simulator),
        "PATH": os.environ["PATH"],
        "DATABASE_URL": f"sqlite:///{tmp_path / 'worker.db'}",
        "GATEWAY_AUTH": "none",
        "GATEWAY_PORT": "0",
        "PYTHONUNBUFFERED": "1",
    }
    with subprocess.Popen(
        [PROGRAM, "serve"], cwd=tmp_path, env=settings, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as served:
        assert served.stdout is not None
        try:
            address = re.search(r"http://127\.0\.0\.1:\d+", served.stdout.readline())
            assert address is not None
            with httpx.Client(base_url=address[0], timeout=20, trust_env=False) as client:
                listed = client.get("/api/scaleops/.backstage/actions/v1/actions").json()
                asked = client.post(
                    "/api/scaleops/.backstage/actions/v1/actions/scaleops:get_scaleops_data_for_entity/invoke",
                    content=json.dumps({"entityRef": "component:default/orders-000"}),
                    headers={"content-type": "application/json"},
                ).json()
                page = client.get("/status")
        finally:
            served.send_signal(signal.SIGTERM)
        assert served.wait(timeout=30) in {0, -signal.SIGTERM}

    assert len(listed["actions"]) == len(ACTIONS)
    assert asked["output"]["entity"]["name"] == "orders-000"
    assert page.status_code == 200
