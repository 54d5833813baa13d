"""gzip over HTTP: the proxy, the Actions Registry, MCP and pages."""

import gzip

import pytest

from simulator.serving import Simulator
from tests.integration.history_sample import NOW, fill_history
from tests.services.gateways import ServeGateway

PROXY = "/api/scaleops/api/detailedCostReport/getWorkloads?multiCluster=true&range=7d"
LIST = "/api/scaleops/.backstage/actions/v1/actions"
TOOLS = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}


@pytest.mark.parametrize("ttl_s", [0, 30])
def test_every_large_response_is_compressed_on_request(serve_gateway: ServeGateway, simulator: Simulator, ttl_s: int) -> None:
    simulator.state.clock.set(NOW)
    gateway = serve_gateway(gateway_cache_ttl_s=ttl_s)
    fill_history(gateway.dependencies.store)
    rows = [{"id": f"ns-Deployment-{number}", "totalCost": number} for number in range(500)]
    simulator.plan_fault("scaleops", route="getWorkloads", status=200, body={"aggregatedWorkloads": rows})
    costs = {"labels": ["app.kubernetes.io/name=orders-000"]}
    for method, path, body in (("POST", PROXY, costs), ("GET", LIST, None), ("POST", "/mcp", TOOLS), ("GET", "/reports", None)):
        for _ in range(2):
            raw = {}
            for encoding in ("gzip", "identity"):
                headers = {**gateway.as_ci(), "accept-encoding": encoding, "accept": "application/json"}
                with gateway.client.stream(method, path, headers=headers, json=body) as response:
                    raw[encoding] = b"".join(response.iter_raw())
                    assert response.status_code == 200, path
                    assert response.headers.get("content-encoding") == (encoding if encoding == "gzip" else None), path
            assert gzip.decompress(raw["gzip"]) == raw["identity"], path
            assert len(raw["gzip"]) < len(raw["identity"]) / 2, path
