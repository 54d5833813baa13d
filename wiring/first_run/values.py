"""The settings of a new installation, by name as an `.env` has them: from several sources, of which an earlier one takes precedence."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from typing import Final

from wiring.environment import NAMES, SECRET_FILES, resolve_settings
from wiring.logins import CREDENTIALS, configured_logins, credentials_of
from wiring.settings import SettingsError

_BACKSTAGE: Final = frozenset({"BACKSTAGE_BASE_URL", "BACKSTAGE_TOKEN"})
_CATALOG_FILE: Final = frozenset({"BACKSTAGE_CATALOG_FILE"})


def settings_in(source: Mapping[str, str]) -> dict[str, str]:
    """Return the settings that an environment or an `.env` has, without those that are empty."""
    return {name: value for name in (*NAMES, *SECRET_FILES) if (value := source.get(name, "").strip())}


def merge_settings(sources: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Merge settings. A source that has a login, or a catalog, replaces those of later sources, so that only one is left."""
    merged: dict[str, str] = {}
    for source in sources:
        replaced = _replaced_by(merged)
        merged |= {name: value for name, value in source.items() if secret_of(name) not in replaced}
    return merged


def _replaced_by(values: Mapping[str, str]) -> frozenset[str]:
    """Return the settings that are set by these values, or have no effect with them."""
    names = frozenset(map(secret_of, values))
    replaced = set(names)
    login = login_of(values)
    if login is not None:
        replaced |= frozenset[str]().union(*CREDENTIALS.values()) - frozenset(credentials_of(login))
        replaced |= (
            set() if login == "internal" else {"SCALEOPS_AUTH"}
        )  # `ldap` is spelt out, also with a password of another source
    if names & _CATALOG_FILE:
        replaced |= _BACKSTAGE
    elif names & _BACKSTAGE:
        replaced |= _CATALOG_FILE
    return frozenset(replaced)


def login_of(values: Mapping[str, str]) -> str | None:
    """Return the login at ScaleOps that settings name or imply; None without any."""
    implied = next(iter(configured_logins(frozenset(map(secret_of, values)))), None)
    return values.get("SCALEOPS_AUTH", "").lower() or implied


def secret_of(name: str) -> str:
    """Return the setting that a name is of: `SCALEOPS_TOKEN` of `SCALEOPS_TOKEN_FILE`."""
    return SECRET_FILES.get(name, name)


def has_setting(values: Mapping[str, str], name: str) -> bool:
    """Return True if a setting is set, or the file of a secret."""
    return name in values or f"{name}_FILE" in values


def problem_of(name: str, value: str) -> str:
    """Return why a value is not valid for a setting, without its name; empty if it is."""
    try:
        resolve_settings({name: value}, None)
    except SettingsError as error:
        return error.problems[0].removeprefix(f"{name}: ")
    return ""


def new_secret_key() -> str:
    """Return a random WORKER_SECRET_KEY."""
    return secrets.token_urlsafe(32)


def check_values(values: Mapping[str, str], flags: Mapping[str, str]) -> None:
    """Raise SettingsError unless the settings are valid and name ScaleOps and a catalog. `flags`: the option by setting."""
    problems = []
    if "SCALEOPS_BASE_URL" not in values:
        problems.append(
            f"SCALEOPS_BASE_URL is missing: name the ScaleOps dashboard with {flags['SCALEOPS_BASE_URL']}, or set it in the environment"
        )
    if not {"BACKSTAGE_BASE_URL", "BACKSTAGE_CATALOG_FILE"} & values.keys():
        problems.append(
            f"the catalog is missing: name the Backstage backend with {flags['BACKSTAGE_BASE_URL']} (BACKSTAGE_BASE_URL), "
            f"or a catalog file with {flags['BACKSTAGE_CATALOG_FILE']} (BACKSTAGE_CATALOG_FILE)"
        )
    login = login_of(values)
    missing = sorted(name for name in credentials_of(login) if not has_setting(values, name))
    problems += [f"{name} is missing: signing in to ScaleOps by {login} requires it" for name in missing]
    try:
        resolve_settings(values, None)
    except SettingsError as error:
        problems.extend(error.problems)
    if problems:
        raise SettingsError(*problems)
