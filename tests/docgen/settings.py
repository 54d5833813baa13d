"""The page of the settings."""

from collections.abc import Mapping
from datetime import time, timedelta

from pydantic import SecretStr

from tests.docgen.field_docs import field_docs
from tests.docgen.markdown import code, page, table
from wiring.durations import format_duration
from wiring.settings import SECRETS, Settings

GROUPS: Mapping[str, tuple[str, ...]] = {
    "ScaleOps": ("scaleops",),
    "Backstage": ("backstage",),
    "Storage": ("database", "redis"),
    "Slack and PagerDuty": ("slack", "pagerduty"),
    "Worker": ("worker",),
    "Gateway": ("gateway",),
    "Logging": ("log",),
}
"""Sections of the page, by the first word of a setting."""


def render_settings() -> str:
    """Return the page."""
    sections = [f"## {title}\n\n{_table_of(prefixes)}" for title, prefixes in GROUPS.items()]
    return page("Settings", _INTRODUCTION, *sections)


def _table_of(prefixes: tuple[str, ...]) -> str:
    meanings = field_docs(Settings)
    names = [name for name in Settings.model_fields if name.partition("_")[0] in prefixes]
    rows = [[name.upper(), code(spelled(Settings.model_fields[name].default)), _meaning(name, meanings[name])] for name in names]
    return table(["setting", "default", "meaning"], rows)


def _meaning(name: str, text: str) -> str:
    return f"{text} *Secret.*" if name in SECRETS else text


def spelled(default: object) -> str:
    """Return a default as one would write it in `.env`."""
    match default:
        case None | ():
            return ""
        case bool():
            return str(default).lower()
        case timedelta():
            return format_duration(default)
        case time():
            return default.strftime("%H:%M")
        case SecretStr():
            return default.get_secret_value()
        case tuple():
            return ",".join(default)
        case _:
            return str(default)


_INTRODUCTION = """\
Settings come from the environment, then from `.env` in the working directory. An empty value counts as unset, a misspelt name is an error. Every
setting marked *secret* may come from a file: set `<NAME>_FILE` to its path. A command needs only the settings it uses: `report` works without Slack,
`deliver` without ScaleOps. `.env.example` has all of them. `scaleops-worker check-config` shows every setting, its source and what is wrong with it; `--live` tests each service.
Teams and rules are in [the configuration file](configuration.md)."""
