"""Reads the settings from the environment and `.env`, rejects misspelled names, and records the source of each."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Final

from dotenv import dotenv_values
from pydantic import ValidationError

from wiring.settings import SECRETS, ResolvedSettings, Settings, SettingsError

_OWN_PREFIXES: Final = ("SCALEOPS_", "WORKER_", "GATEWAY_")
"""Prefixes under which every unknown name is an error."""
_SHARED_PREFIXES: Final = ("BACKSTAGE_", "SLACK_", "PAGERDUTY_", "DATABASE_", "REDIS_", "LOG_")
"""Prefixes that other programs use too: only a misspelled name is an error."""
_KUBERNETES_VARIABLE: Final = re.compile(r".*_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP)(_(PROTO|PORT|ADDR))?)?)")
"""Variables that Kubernetes sets in every pod for a service of that name."""
_SIMILARITY: Final = 0.8

NAMES: Final = tuple(name.upper() for name in Settings.model_fields)
SECRET_FILES: Final = {f"{name.upper()}_FILE": name.upper() for name in SECRETS}
"""Names of settings that name the file of a secret, with the name of the secret."""


def resolve_settings(environment: Mapping[str, str], dotenv: Path | None) -> ResolvedSettings:
    """Resolve the settings of this process. An empty value counts as unset; `environment` takes precedence over `dotenv`.

    Raises:
        SettingsError: with a sentence for each setting that is unknown, invalid, unreadable or set twice.
    """
    from_file = read_dotenv(dotenv)
    problems = [*_unknown_names(environment, strict=False), *_unknown_names(from_file, strict=True)]
    values: dict[str, str] = {}
    origins: dict[str, str] = {}
    for name in NAMES:
        for source, origin in ((environment, "environment"), (from_file, str(dotenv))):
            value = _value_of(source, name)
            file_name = source.get(f"{name}_FILE", "").strip() if name.lower() in SECRETS else ""
            if value and file_name:
                problems.append(f"{name} and {name}_FILE are both set in {origin}; unset one")
            if value:
                values[name.lower()], origins[name] = value, origin
            elif file_name:
                try:
                    values[name.lower()] = read_secret_file(file_name, f"{name}_FILE")
                except SettingsError as error:
                    problems.extend(error.problems)
                origins[name] = f"file {file_name} ({name}_FILE in {origin})"
            if name in origins:
                break
    problems += [f"{name.upper()}: contains a null character" for name, value in values.items() if "\0" in value]
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        problems.extend(_format_problem(dict(detail)) for detail in error.errors(include_url=False, include_input=False))
    if problems:
        raise SettingsError(*problems)
    return ResolvedSettings(settings=settings, origins={name: origins.get(name, "default") for name in NAMES})


def _value_of(source: Mapping[str, str], name: str) -> str:
    """Return a value; the GATEWAY_PORT that Kubernetes sets for a Service named `gateway` is not a setting."""
    value = source.get(name, "").strip()
    return "" if name.endswith("_PORT") and value.startswith("tcp://") else value


def read_secret_file(path: str, setting: str) -> str:
    """Read a secret from the file that a setting or a key of the configuration file names; surrounding whitespace is dropped.

    Raises:
        SettingsError: the file cannot be read or is empty.
    """
    secret = read_text(Path(path), f"{setting}: the file ").strip()
    if not secret:
        message = f"{setting}: the file {path} is empty"
        raise SettingsError(message)
    return secret


def read_dotenv(path: Path | None) -> dict[str, str]:
    """Return what an `.env` sets; nothing if there is none. Raises SettingsError if it cannot be read."""
    if path is None or not path.exists():
        return {}
    values = dotenv_values(stream=StringIO(read_text(path, "")), interpolate=False)
    return {name: value or "" for name, value in values.items()}


def read_text(path: Path, prefix: str) -> str:
    """Read a file. Raises SettingsError, whose message is `prefix`, the path, and why it cannot be read."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        reason = error.strerror or type(error).__name__
    except UnicodeDecodeError:
        reason = "it is not UTF-8 text"
    except ValueError:
        reason = "a file name has no null character"
    message = f"{prefix}{path} cannot be read: {reason}"
    raise SettingsError(message)


def _unknown_names(source: Mapping[str, str], *, strict: bool) -> list[str]:
    known = {*NAMES, *SECRET_FILES}
    problems = []
    for name in sorted(source):
        if name in known or _KUBERNETES_VARIABLE.fullmatch(name):
            continue
        similar = difflib.get_close_matches(name, sorted(known), n=1, cutoff=_SIMILARITY)
        if name.startswith(_OWN_PREFIXES) or (name.startswith(_SHARED_PREFIXES) and (similar or strict)):
            advice = f"did you mean {similar[0]}?" if similar else "docs/reference/settings.md lists the settings"
            problems.append(f"{name} is an unknown setting; {advice}")
    return problems


def _format_problem(detail: dict[str, object]) -> str:
    location = detail["loc"]
    name = str(location[0]).upper() if isinstance(location, tuple) and location else ""
    message = str(detail["msg"]).removeprefix("Value error, ")
    if not name:
        return message
    return f"{name}: {message[0].lower()}{message[1:]}" if message.startswith(("Input", "String")) else f"{name}: {message}"
