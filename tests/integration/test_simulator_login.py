"""Authentication of the simulated ScaleOps, and the form of its tokens."""

import base64
import json
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import unquote, urlsplit

import httpx
import pytest

from simulator import credentials
from simulator.serving import Simulator
from simulator.state import Modes
from tests.services import loopback

FLAGS = "/api/v1/networkCost/networkCostEnabled?multiCluster=true"
COOKIE = {"Cookie": "auth_state=TOKEN"}
MONDAY = datetime(2026, 11, 16, 9, tzinfo=timezone.utc)
PASSWORD = "s3cr3t-pa55"
AZURE_FORM = {
    "grant_type": "client_credentials",
    "client_id": credentials.AZURE_CLIENT_ID,
    "client_secret": credentials.AZURE_CLIENT_SECRET,
    "scope": "https://graph.microsoft.com/.default",
}


def log_in(simulator: Simulator, password: str = PASSWORD, *, field: str = "username", cookie: bool = True) -> httpx.Response:
    body = {field: "backstage", "password": password}
    return loopback.post(f"{simulator.scaleops_url}/auth/callback", json=body, headers=COOKIE if cookie else {})


def token_of(response: httpx.Response) -> str:
    query = urlsplit(response.headers["location"]).query
    return unquote(next(part for part in query.split("&") if part.startswith("token=")).removeprefix("token="))


def fetch_status(simulator: Simulator, token: str) -> int:
    return loopback.get(simulator.scaleops_url + FLAGS, headers={"Authorization": f"Bearer {token}"}).status_code


def test_a_login_is_a_redirect_with_a_valid_token(simulator: Simulator) -> None:
    response = log_in(simulator)
    assert response.status_code == 302
    assert fetch_status(simulator, token_of(response)) == 200
    assert simulator.state.calls["scaleops"]["POST /auth/callback"] == 1


def test_a_login_requires_the_cookie(simulator: Simulator) -> None:
    assert log_in(simulator, cookie=False).status_code == 400


def test_a_token_expires_by_the_simulated_clock(simulator: Simulator) -> None:
    simulator.state.clock.set(MONDAY)
    token = token_of(log_in(simulator))
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    assert claims["exp"] == int((MONDAY + timedelta(hours=1)).timestamp())
    simulator.state.clock.set(MONDAY + timedelta(minutes=59))
    assert fetch_status(simulator, token) == 200
    simulator.state.clock.set(MONDAY + timedelta(minutes=60))
    assert fetch_status(simulator, token) == 401


def test_an_opaque_token_is_corrupted_by_decoding_it_twice_or_as_a_form(simulator: Simulator) -> None:
    simulator.state.modes = Modes(token="opaque")
    token = token_of(log_in(simulator))
    assert set("+/=%") <= set(token)
    assert fetch_status(simulator, token) == 200
    assert fetch_status(simulator, unquote(token)) == 401
    assert fetch_status(simulator, token.replace("+", " ")) == 401


@pytest.mark.parametrize("location", ["absolute", "relative", "crowded"])
def test_every_form_of_the_location_contains_the_token(simulator: Simulator, location: str) -> None:
    simulator.state.modes = Modes.model_validate({"location": location})
    response = log_in(simulator)
    assert response.headers["location"].startswith("http") == (location == "absolute")
    assert fetch_status(simulator, token_of(response)) == 200


def test_tokens_can_be_revoked(simulator: Simulator) -> None:
    token = token_of(log_in(simulator))
    loopback.delete(f"{simulator.url}/control/tokens")
    assert fetch_status(simulator, token) == 401
    assert fetch_status(simulator, token_of(log_in(simulator))) == 200


@pytest.mark.parametrize(("form", "status"), [("401", 401), ("302", 302), ("html", 200)])
def test_a_wrong_password_returns_no_token_in_any_form(simulator: Simulator, form: str, status: int) -> None:
    simulator.state.modes = Modes.model_validate({"login_failure": form})
    response = log_in(simulator, "wrong")
    assert response.status_code == status
    assert "token=" not in response.headers.get("location", "")
    assert not simulator.state.tokens


def test_an_old_installation_expects_the_old_field(simulator: Simulator) -> None:
    simulator.state.modes = Modes(login_fields="userName")
    assert log_in(simulator).status_code == 401
    assert log_in(simulator, field="userName").status_code == 302


def test_requests_without_a_valid_token_are_rejected_by_scaleops(simulator: Simulator) -> None:
    assert loopback.get(simulator.scaleops_url + FLAGS).status_code == 401
    assert fetch_status(simulator, "made-up") == 401
    assert fetch_status(simulator, credentials.SCALEOPS_TOKEN) == 200


@pytest.mark.parametrize("wrong", sorted(AZURE_FORM))
def test_azure_rejects_inexact_requests(simulator: Simulator, wrong: str) -> None:
    response = loopback.post(f"{simulator.azure_url}/{credentials.AZURE_TENANT}/oauth2/token", data=AZURE_FORM | {wrong: "other"})
    assert response.status_code == 401
    assert response.json()["error"] == "invalid_client"
