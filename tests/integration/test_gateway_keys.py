"""What distinguishes two requests in the response cache, and what a token is checked for beyond its signature."""

import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from clients.backstage.plugin_tokens import USER_TYPE
from tests.integration.test_gateway_callers import ANN, publish_keys, refusal
from tests.services.gateways import ServedGateway, ServeGateway, bearer

PROXY = "/api/scaleops/api"
WORKLOADS = f"{PROXY}/api/v1/dashboard/byNamespace?multiCluster=true&logicalLabel=AND"
COSTS = f"{PROXY}/detailedCostReport/getWorkloads?multiCluster=true&range=7d"
NETWORK = f"{PROXY}/api/v1/workload-network?namespace=b&workloadType=c&from=1&to=2&name="
LABELS = [f"app.kubernetes.io/name=orders-00{number}" for number in range(2)]
EAST, WEST = {"X-Scaleops-Cluster": "prod-us-east-1"}, {"X-Scaleops-Cluster": "prod-eu-west-1"}


@pytest.mark.parametrize(
    ("method", "first", "second"),
    [
        ("POST", (WORKLOADS, {"label": LABELS[:1]}, {}), (WORKLOADS, {"label": LABELS[1:]}, {})),
        ("POST", (COSTS, {"labels": LABELS[:1]}, EAST), (COSTS, {"labels": LABELS[1:]}, EAST)),
        ("POST", (COSTS, {"labels": LABELS[:1]}, EAST), (COSTS, {"labels": LABELS[:1]}, WEST)),
        ("POST", (COSTS, {"labels": LABELS[:1]}, EAST), (COSTS, {"labels": LABELS[:1]}, {})),
        ("POST", (COSTS, {"labels": LABELS[:1]}, EAST), (COSTS.replace("7d", "30d"), {"labels": LABELS[:1]}, EAST)),
        ("GET", (f"{NETWORK}a", None, EAST), (f"{NETWORK}a", None, WEST)),
        ("GET", (f"{NETWORK}a", None, EAST), (f"{NETWORK}z", None, EAST)),
    ],
    ids=["labels", "labels of costs", "cluster of costs", "no cluster", "range", "cluster of a network", "workload"],
)
def test_each_upstream_request_has_a_cache_entry_of_its_own(
    serve_gateway: ServeGateway, method: str, first: tuple[str, Any, dict[str, str]], second: tuple[str, Any, dict[str, str]]
) -> None:
    gateway = serve_gateway(gateway_cache_ttl_s=60)

    def statuses() -> list[str]:
        found = []
        for path, body, headers in (first, second):
            response = gateway.client.request(method, path, json=body, headers={**gateway.as_ci(), **headers})
            assert response.status_code == 200
            found.append(response.headers["cache-status"].partition(";")[2].split(";")[0].strip())
        return found

    assert statuses() == ["fwd=uri-miss", "fwd=uri-miss"]
    assert statuses() == ["hit", "hit"]


@pytest.fixture
def gateway(serve_gateway: ServeGateway) -> ServedGateway:
    return serve_gateway()


@pytest.mark.parametrize("algorithm", ["RS512", "PS256", "PS512"])
def test_a_key_verifies_no_token_of_another_algorithm(gateway: ServedGateway, algorithm: str) -> None:
    private = rsa.generate_private_key(65537, 2048)
    public = json.loads(RSAAlgorithm.to_jwk(private.public_key()))
    publish_keys(gateway, {**public, "kid": "rsa", "alg": "RS256"})
    claims = {"sub": ANN, "aud": "backstage", "iat": gateway.now, "exp": gateway.now + 60}

    def token(by: str) -> dict[str, str]:
        return bearer(jwt.encode(claims, private, algorithm=by, headers={"kid": "rsa", "typ": USER_TYPE}))

    refusal(gateway, token(algorithm))
    assert gateway.client.get("/reports", headers=token("RS256")).status_code == 200


@pytest.mark.parametrize(("hours", "is_accepted"), [(24, True), (25, True), (26, False), (24 * 365, False)])
def test_a_token_lives_for_a_day_at_most(gateway: ServedGateway, hours: int, *, is_accepted: bool) -> None:
    gateway.pass_time(seconds=0)
    headers = bearer(gateway.auth.user_token(ANN, now=gateway.now, lifetime_s=hours * 3600))

    assert gateway.client.get("/reports", headers=headers).status_code == (200 if is_accepted else 401)


@pytest.mark.parametrize(
    "name",
    [
        *(
            "X-Forwarded-For",
            "X_Forwarded_For",
            "X-Forwarded-Host",
            "X-Forwarded-Proto",
            "Forwarded",
            "Via",
            "X-Real-IP",
            "X-Client-IP",
        ),
        *("True-Client-IP", "CF-Connecting-IP", "X-Original-URL", "X-Original-Forwarded-For", "X-Envoy-External-Address"),
    ],
)
def test_a_proxy_on_this_machine_does_not_make_its_clients_local(gateway: ServedGateway, name: str) -> None:
    assert gateway.client.get("/metrics").status_code == 200
    assert gateway.client.get("/metrics", headers={name: "203.0.113.7"}).status_code == 401
