"""Settings from the app-config of a Backstage that has the ScaleOps plugin: what is taken over, and why the rest is not.

Read as Backstage reads it: a later file overrides an earlier one, `${NAME}`, `$env` and `$file` are replaced.
https://backstage.io/docs/conf/writing describes the format; `$include` is not followed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from pathlib import Path
from typing import Any, Final

import yaml

from clients.backstage.catalog_documents import load_document
from domain.money import currency_of_symbol
from wiring.environment import read_text, resolve_settings
from wiring.settings import SettingsError

_PLACEHOLDER: Final = re.compile(r"(?P<escaped>\$)?\$\{(?P<name>[^{}]*)\}")
_SECTION: Final = "scaleops"
_SECTION_KEYS: Final = frozenset({"enabled", "baseUrl", "linkToDashboard", "currencyPrefix", "authentication"})
_AUTHENTICATION_KEYS: Final = frozenset({"enabled", "type", "user", "password"})


@dataclass(frozen=True, slots=True)
class Unresolved:
    """A value that Backstage would replace, and why it cannot be replaced here."""

    reason: str


@dataclass(kw_only=True)
class AppConfigSettings:
    """What an app-config says, as settings."""

    values: dict[str, str] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    """By setting, the key that it was taken from."""
    notes: list[tuple[str, str]] = field(default_factory=list)
    """What was not taken over, one sentence each with what to do, after the setting it is about; empty if there is none."""

    def note(self, sentence: str, *, about: str = "") -> None:
        """Note why something is not taken over."""
        self.notes.append((about, sentence))

    def take(self, name: str, key: str, value: object) -> None:
        """Take a value over as a setting, if it is one."""
        if value is None:
            return
        if isinstance(value, Unresolved):
            self.note(f"{key} {value.reason}: {name} is not taken over", about=name)
            return
        is_switch = name == "SCALEOPS_LINK_TO_DASHBOARD"
        if not isinstance(value, str | bool) or (isinstance(value, bool) and not is_switch):
            self.note(f"{key} is not text: {name} is not taken over", about=name)
            return
        text = str(value).lower() if isinstance(value, bool) else value.strip()
        try:
            resolve_settings({name: text}, None)
        except SettingsError as error:
            self.note(f"{key} is not taken over: {error.problems[0]}", about=name)
            return
        if text:
            self.values[name], self.origins[name] = text, key


def read_app_config(files: Sequence[Path], environment: Mapping[str, str]) -> AppConfigSettings:
    """Read the settings of one app-config, or of several of which a later one overrides an earlier one.

    Raises:
        SettingsError: a file cannot be read, or none has a section `scaleops`.
    """
    merged: dict[Any, Any] = reduce(_merge, (_read_file(file, environment) for file in files), {})
    section = merged.get(_SECTION)
    names = " and ".join(str(file) for file in files)
    if not isinstance(section, dict):
        there = ", ".join(sorted(str(key) for key in merged)) or "nothing"
        message = (
            f"{names}: there is no section {_SECTION}, only {there}; name the app-config that configures the ScaleOps plugin"
        )
        raise SettingsError(message)
    found = AppConfigSettings()
    _take_scaleops(found, section)
    _take_backstage(found, merged)
    return found


def _take_scaleops(found: AppConfigSettings, section: Mapping[Any, Any]) -> None:
    _note_unknown(found, _SECTION, section, _SECTION_KEYS)
    if section.get("enabled") is False:
        found.note(f"{_SECTION}.enabled is false; scaleops-worker has no such switch, and measures")
    found.take("SCALEOPS_BASE_URL", f"{_SECTION}.baseUrl", section.get("baseUrl"))
    found.take("SCALEOPS_LINK_TO_DASHBOARD", f"{_SECTION}.linkToDashboard", section.get("linkToDashboard"))
    _take_currency(found, section.get("currencyPrefix"))
    _take_login(found, section.get("authentication"))


def _take_currency(found: AppConfigSettings, prefix: object) -> None:
    key = f"{_SECTION}.currencyPrefix"
    if isinstance(prefix, str) and (text := prefix.strip()):
        currency = currency_of_symbol(text) or (text if re.fullmatch("[A-Z]{3}", text) else None)
        if currency is None:
            found.note(
                f"{key} {text!r} names no single currency: set SCALEOPS_CURRENCY to its ISO 4217 code", about="SCALEOPS_CURRENCY"
            )
        found.take("SCALEOPS_CURRENCY", key, currency)
    else:
        found.take("SCALEOPS_CURRENCY", key, prefix)


def _take_login(found: AppConfigSettings, login: object) -> None:
    key = f"{_SECTION}.authentication"
    if not isinstance(login, dict):
        found.take("SCALEOPS_AUTH", key, login)
        return
    _note_unknown(found, key, login, _AUTHENTICATION_KEYS)
    if login.get("enabled") is False:
        if login.keys() & {"user", "password"}:
            found.note(f"{key}.enabled is false: its user and password are not taken over", about="SCALEOPS_PASSWORD")
        found.values["SCALEOPS_AUTH"], found.origins["SCALEOPS_AUTH"] = "none", f"{key}.enabled"
        return
    if login.get("type") not in (None, "internal", "ldap"):
        found.note(f"{key}.type is neither internal nor ldap: SCALEOPS_AUTH is not taken over", about="SCALEOPS_AUTH")
    else:
        found.take("SCALEOPS_AUTH", f"{key}.type", login.get("type"))
    found.take("SCALEOPS_USER", f"{key}.user", login.get("user"))
    found.take("SCALEOPS_PASSWORD", f"{key}.password", login.get("password"))


def _note_unknown(found: AppConfigSettings, place: str, section: Mapping[Any, Any], known: frozenset[str]) -> None:
    for key in section:
        if key not in known:
            found.note(f"{place}.{key} is not taken over: there is no such setting")


def _take_backstage(found: AppConfigSettings, merged: Mapping[Any, Any]) -> None:
    found.take("BACKSTAGE_BASE_URL", "backend.baseUrl", _at(merged, "backend", "baseUrl"))
    found.take("BACKSTAGE_APP_URL", "app.baseUrl", _at(merged, "app", "baseUrl"))
    key, token = "backend.auth.externalAccess", "BACKSTAGE_TOKEN"
    tokens = list(_static_tokens(_at(merged, "backend", "auth", "externalAccess")))
    own = [one for one in tokens if _SECTION in one[0]] or tokens
    if len(own) == 1:
        found.take(token, f"{key} of {own[0][0]}", own[0][1])
    elif own:
        subjects = ", ".join(subject for subject, _ in own)
        found.note(f"{key} has static tokens of {subjects}: set BACKSTAGE_TOKEN to the one for scaleops-worker", about=token)
    else:
        found.note(f"{key} has no static token that may read the catalog: add one, and set BACKSTAGE_TOKEN to it", about=token)


def _static_tokens(access: object) -> Iterator[tuple[str, object]]:
    """Yield subject and token of the static tokens that may read the catalog."""
    for entry in access if isinstance(access, list) else ():
        options = _at(entry, "options")
        if _at(entry, "type") == "static" and isinstance(options, dict):
            restrictions = _at(entry, "accessRestrictions")
            plugins = [_at(one, "plugin") for one in restrictions] if isinstance(restrictions, list) else ["catalog"]
            if "catalog" in plugins:
                yield str(options.get("subject") or "no subject"), options.get("token")


def _read_file(file: Path, environment: Mapping[str, str]) -> dict[Any, Any]:
    try:
        content = load_document(read_text(file, ""))
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark is not None else ""
        message = f"{file}{line}: {getattr(error, 'problem', None) or 'not valid YAML'}"
        raise SettingsError(message) from error
    if not isinstance(content, dict):
        message = f"{file}: the top level must be a mapping with keys such as app, backend and {_SECTION}"
        raise SettingsError(message)
    used = {key: content[key] for key in ("app", "backend", _SECTION) if key in content}
    resolved = {key: _resolve(value, environment, file.parent) for key, value in used.items()}
    return {**dict.fromkeys(content), **resolved}


def _resolve(value: object, environment: Mapping[str, str], folder: Path) -> object:
    """Return a value with everything replaced that Backstage replaces."""
    if isinstance(value, list):
        return [_resolve(one, environment, folder) for one in value]
    if isinstance(value, str):
        return _substitute(value, environment)
    if not isinstance(value, dict):
        return value
    match list(value.items()):
        case [("$env", str(name))]:
            return environment.get(name) or Unresolved(f"names the environment variable {name}, which is not set here")
        case [("$file", str(name))]:
            try:
                return read_text(folder / name, "").rstrip()
            except SettingsError as error:
                return Unresolved(f"names a file: {error}")
        case [("$include", str(name))]:
            return Unresolved(f"includes {name}, which is not followed")
    return {key: _resolve(one, environment, folder) for key, one in value.items()}


def _substitute(text: str, environment: Mapping[str, str]) -> str | Unresolved:
    names = [found["name"].strip() for found in _PLACEHOLDER.finditer(text) if not found["escaped"]]
    missing = [name for name in names if not environment.get(name, "").strip()]
    if missing:
        return Unresolved(f"names the environment variable {missing[0]}, which is not set here")
    return _PLACEHOLDER.sub(lambda found: found[0][1:] if found["escaped"] else environment[found["name"].strip()].strip(), text)


def _merge(earlier: object, later: object) -> Any:  # noqa: ANN401 - any value of a configuration
    """Merge as Backstage does: mappings by key, everything else is replaced, also by what cannot be resolved here.

    Otherwise the URL or password of a development file would be mixed with the production user.
    """
    if isinstance(earlier, dict) and isinstance(later, dict):
        return {**earlier, **{key: _merge(earlier.get(key), value) for key, value in later.items()}}
    return earlier if later is None else later


def _at(value: object, *keys: str) -> object:
    """Return a nested value; None where there is none, Unresolved where it is part of what cannot be resolved."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else value if isinstance(value, Unresolved) else None
    return value
