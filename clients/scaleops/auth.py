"""The two logins that give a token: ScaleOps' own (built-in users and LDAP alike), and Azure AD client credentials.

Source: https://docs.scaleops.com (installation / REST API). What a refused login looks like is not documented, so anything that
brings no token counts as refused.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import quote, unquote, urlencode, urlsplit

from pydantic import BaseModel, TypeAdapter

from clients.http.client import ErrorKind, HttpClient, HttpRequest, HttpResponse, ServiceError


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordLogin:
    """`POST /auth/callback` with user and password; the token comes in the address of a redirect."""

    line: HttpClient
    user: str
    password: str = field(repr=False)

    def __call__(self) -> str:
        """Log in and answer the token.

        Raises:
            ServiceError: the login is refused, or ScaleOps is not there.
        """
        request = HttpRequest(
            method="POST",
            target="/auth/callback",
            headers={"Content-Type": "application/json", "Cookie": "auth_state=TOKEN"},
            body=json.dumps({"username": self.user, "password": self.password}).encode(),
        )
        answer = self.line.exchange(request)
        token = token_in(answer.headers.get("location", ""))
        if HTTPStatus.MULTIPLE_CHOICES <= answer.status < HTTPStatus.BAD_REQUEST and token:
            return token
        if answer.status == HTTPStatus.NOT_FOUND:
            raise self.line.failure(request, answer)
        message = (
            f"ScaleOps refused the login (it answered {answer.status} without a token): check SCALEOPS_USER, SCALEOPS_PASSWORD "
            "and SCALEOPS_BASE_URL"
        )
        raise ServiceError(message, kind=ErrorKind.AUTH, permanent=True, status=answer.status)


def token_in(location: str) -> str | None:
    """Read the query parameter `token` of a redirect's address, which may be relative and have a fragment.

    Percent-decoded exactly once; a plus sign stays one, for a token may hold it and this is no form.
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


class _AzureAnswer(BaseModel):
    access_token: str


_AZURE_ANSWER = TypeAdapter(_AzureAnswer)


@dataclass(frozen=True, slots=True, kw_only=True)
class AzureLogin:
    """Azure AD client credentials; `line` goes to the login service of Azure."""

    line: HttpClient
    tenant_id: str
    client_id: str
    client_secret: str = field(repr=False)

    def __call__(self) -> str:
        """Log in and answer the token.

        Raises:
            ServiceError: the login is refused, or Azure is not there.
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
        answer = self.line.exchange(request)
        if HTTPStatus.BAD_REQUEST <= answer.status < HTTPStatus.INTERNAL_SERVER_ERROR:
            raise _refused_by_azure(answer)
        return self.line.parse(_AZURE_ANSWER, request, answer).access_token


def _refused_by_azure(answer: HttpResponse) -> ServiceError:
    message = (
        f"Azure AD refused the login (status {answer.status}): check SCALEOPS_AZURE_TENANT_ID, SCALEOPS_AZURE_CLIENT_ID and "
        "SCALEOPS_AZURE_CLIENT_SECRET"
    )
    return ServiceError(message, kind=ErrorKind.AUTH, permanent=True, status=answer.status)
