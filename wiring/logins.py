"""The logins at ScaleOps, and the settings of each: what `SCALEOPS_AUTH` is when it is unset, and what `init` asks for."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Final

CREDENTIALS: Final[Mapping[str, tuple[str, ...]]] = {
    "token": ("SCALEOPS_TOKEN",),
    "azure": ("SCALEOPS_AZURE_TENANT_ID", "SCALEOPS_AZURE_CLIENT_ID", "SCALEOPS_AZURE_CLIENT_SECRET"),
    "internal": ("SCALEOPS_USER", "SCALEOPS_PASSWORD"),
}
"""The settings by login. `ldap` has those of `internal`, and `none` has none."""


def kind_of_credentials(login: str | None) -> str | None:
    """Return the login whose settings a login has."""
    return "internal" if login == "ldap" else login


def credentials_of(login: str | None) -> tuple[str, ...]:
    """Return the settings of a login."""
    return CREDENTIALS.get(kind_of_credentials(login) or "", ())


def configured_logins(names: Container[str]) -> dict[str, tuple[str, ...]]:
    """Return which of these settings are credentials, by login; the first login takes precedence."""
    found = {login: tuple(name for name in credentials if name in names) for login, credentials in CREDENTIALS.items()}
    return {login: credentials for login, credentials in found.items() if credentials}
