"""The logins that return a token: ScaleOps' own (built-in users and LDAP), and Azure AD client credentials.

Source: https://docs.scaleops.com (installation / REST API). How a failed login looks is not documented, so every response without
a token counts as one.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final
from urllib.parse import quote, unquote, urlencode, urlsplit

from pydantic import BaseModel, TypeAdapter

from clients.http.client import HttpClient
from clients.http.errors import ErrorKind, ServiceError
from clients.http.messages import HttpRequest, parse_json, status_error


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordLogin:
    """`POST /auth/callback` with user and password; the token is in the URL of a redirect."""

    http: HttpClient
    user: str
    password: str = field(repr=False)

    def __call__(self) -> str:
        """Log in and return the token.

        Raises:
            ServiceError: the login was rejected, or ScaleOps is unavailable.
        """
        request = HttpRequest(
            method="POST",
            target="/auth/callback",
            headers={"Content-Type": "application/json", "Cookie": "auth_state=TOKEN"},
            body=json.dumps({"username": self.user, "password": self.password}).encode(),
        )
        response = self.http.send(request)
        token = token_from_redirect(response.headers.get("location", ""))
        if HTTPStatus.MULTIPLE_CHOICES <= response.status < HTTPStatus.BAD_REQUEST and token:
            return token
        if response.status == HTTPStatus.NOT_FOUND:
            raise status_error(self.http.service, request, response)
        message = (
            f"ScaleOps rejected the login (status {response.status} without a token): check SCALEOPS_USER, SCALEOPS_PASSWORD "
            "and SCALEOPS_BASE_URL"
        )
        raise ServiceError(message, kind=ErrorKind.AUTH, permanent=True, status=response.status)


def token_from_redirect(location: str) -> str | None:
    """Return the query parameter `token` of a redirect's URL, which may be relative and have a fragment.

    It is percent-decoded once. A plus sign is part of the token: the URL is not form-encoded.
    """
    try:
        query = urlsplit(location).query
    except ValueError:
        return None
    for parameter in query.split("&"):
        name, _, value = parameter.partition("=")
        if name == "token":
            token = unquote(value)
            return token if token.isascii() and token.isprintable() else None
    return None


class _AzureResponse(BaseModel):
    access_token: str


_AZURE_RESPONSE: Final = TypeAdapter(_AzureResponse)


@dataclass(frozen=True, slots=True, kw_only=True)
class AzureLogin:
    """Azure AD client credentials; `http` connects to Azure's login service."""

    http: HttpClient
    tenant_id: str
    client_id: str
    client_secret: str = field(repr=False)

    def __call__(self) -> str:
        """Log in and return the token.

        Raises:
            ServiceError: the login was rejected, or Azure is unavailable.
        """
        form = {
            "grant_type": "client_credentials",
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "scope": "https://graph.microsoft.com/.default",
        }
        request = HttpRequest(
            method="POST",
            target=f"/{quote(self.tenant_id, safe='')}/oauth2/token",
            headers={"Content-Type": "application/x-www-form-urlencoded"},
            body=urlencode(form).encode(),
        )
        response = self.http.send(request)
        if HTTPStatus.BAD_REQUEST <= response.status < HTTPStatus.INTERNAL_SERVER_ERROR:
            message = (
                f"Azure AD rejected the login (status {response.status}): check SCALEOPS_AZURE_TENANT_ID, "
                "SCALEOPS_AZURE_CLIENT_ID and SCALEOPS_AZURE_CLIENT_SECRET"
            )
            raise ServiceError(message, kind=ErrorKind.AUTH, permanent=True, status=response.status)
        return parse_json(self.http.service, _AZURE_RESPONSE, request, response).access_token
