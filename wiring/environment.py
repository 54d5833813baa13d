"""Reads settings out of the environment and `.env`, refuses names that are nearly right, and says where each came from."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from dotenv import dotenv_values
from pydantic import ValidationError

from wiring.settings import SECRETS, Origin, ResolvedSettings, Settings, SettingsError

_OURS: Final = ("SCALEOPS_", "WORKER_", "GATEWAY_")
"""Prefixes under which every unknown name is refused."""
_SHARED: Final = ("BACKSTAGE_", "SLACK_", "PAGERDUTY_", "DATABASE_", "REDIS_", "LOG_")
"""Prefixes that other programs use too: there only a near miss is refused."""
_KUBERNETES_LINK: Final = re.compile(r".*_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP)(_(PROTO|PORT|ADDR))?)?)")
"""Variables that Kubernetes sets in every pod for a service of that name."""
_NEAR: Final = 0.8

NAMES: Final = tuple(name.upper() for name in Settings.model_fields)
_SECRET_FILES: Final = {f"{name.upper()}_FILE": name.upper() for name in SECRETS}


def resolve_settings(environment: Mapping[str, str], dotenv: Path | None) -> ResolvedSettings:
    """Make the settings of this process.

    An empty value counts as left out. `environment` wins over `dotenv`.

    Raises:
        SettingsError: with a sentence for each setting that is unknown, wrong, unreadable or given twice.
    """
    from_file = _read_dotenv(dotenv)
    problems = [*_unknown_names(environment, strict=False), *_unknown_names(from_file, strict=True)]
    values: dict[str, str] = {}
    origins: dict[str, Origin] = {}
    for name in NAMES:
        for source, words in ((environment, "environment"), (from_file, str(dotenv))):
            given = _given(source, name)
            file_name = source.get(f"{name}_FILE", "").strip() if name.lower() in SECRETS else ""
            if given and file_name:
                problems.append(f"{name} and {name}_FILE are both set in {words}; keep one")
            if given:
                values[name.lower()], origins[name] = given, Origin(words=words)
            elif file_name:
                try:
                    values[name.lower()] = _read_secret(file_name, f"{name}_FILE")
                except SettingsError as error:
                    problems.extend(error.problems)
                origins[name] = Origin(words=f"file {file_name} ({name}_FILE in {words})")
            if name in origins:
                break
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        problems.extend(_sentence(dict(detail)) for detail in error.errors(include_url=False, include_input=False))
    if problems:
        raise SettingsError(*problems)
    return ResolvedSettings(settings=settings, origins={name: origins.get(name, Origin(words="default")) for name in NAMES})


def _given(source: Mapping[str, str], name: str) -> str:
    """Answer what a source says; where a Service is called `gateway`, Kubernetes sets GATEWAY_PORT, and means no setting of ours."""
    value = source.get(name, "").strip()
    return "" if name.endswith("_PORT") and value.startswith("tcp://") else value


def read_secret_file(path: str, setting: str) -> str:
    """Read a secret that a setting or a key of the configuration file points to; surrounding white space is not part of it.

    Raises:
        SettingsError: the file cannot be read or is empty.
    """
    return _read_secret(path, setting)


def _read_dotenv(path: Path | None) -> dict[str, str]:
    if path is None or not path.exists():
        return {}
    try:
        return {name: value or "" for name, value in dotenv_values(path, interpolate=False).items()}
    except (OSError, UnicodeDecodeError) as error:
        message = f"{path} cannot be read: {_plain(error)}"
        raise SettingsError(message) from error


def _read_secret(path: str, setting: str) -> str:
    try:
        secret = Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        message = f"{setting}: the file {path} cannot be read: {_plain(error)}"
        raise SettingsError(message) from error
    if not secret:
        message = f"{setting}: the file {path} is empty"
        raise SettingsError(message)
    return secret


def _plain(error: Exception) -> str:
    return error.strerror or type(error).__name__ if isinstance(error, OSError) else "it is no UTF-8 text"


def _unknown_names(source: Mapping[str, str], *, strict: bool) -> list[str]:
    known = {*NAMES, *_SECRET_FILES}
    problems = []
    for name in sorted(source):
        if name in known or _KUBERNETES_LINK.fullmatch(name):
            continue
        near = difflib.get_close_matches(name, sorted(known), n=1, cutoff=_NEAR)
        if name.startswith(_OURS) or (name.startswith(_SHARED) and (near or strict)):
            advice = f"did you mean {near[0]}?" if near else "docs/settings.md lists the settings"
            problems.append(f"{name} is no setting; {advice}")
    return problems


def _sentence(detail: dict[str, object]) -> str:
    location = detail["loc"]
    name = str(location[0]).upper() if isinstance(location, tuple) and location else ""
    message = str(detail["msg"]).removeprefix("Value error, ")
    if not name:
        return message
    return f"{name}: {message[0].lower()}{message[1:]}" if message.startswith(("Input", "String")) else f"{name}: {message}"
