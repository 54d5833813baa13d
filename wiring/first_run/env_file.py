"""The text of a commented `.env`: the settings of a new installation, and examples of those that are not set."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_PLAIN: Final = re.compile(r"[A-Za-z0-9_./:@,+=%~-]+")
"""Values that are the same to every reader of such files without quotes: dotenv, Compose, systemd and a shell."""

_HEADER: Final = """\
# Settings of scaleops-worker, written by `scaleops-worker init`.
# Every command reads this file in its working directory; the environment takes precedence. An empty value counts as unset.
# A secret may also come from a file: SCALEOPS_PASSWORD_FILE=/run/secrets/scaleops. docs/reference/settings.md lists all settings.
"""


@dataclass(frozen=True, slots=True)
class _ExampleSetting:
    name: str
    example: str
    comment: str = ""


_SECTIONS: Final[tuple[tuple[str, tuple[_ExampleSetting, ...]], ...]] = (
    (
        "ScaleOps",
        (
            _ExampleSetting(
                "SCALEOPS_BASE_URL", "https://scaleops.example.com", "the dashboard; with several clusters the parent's"
            ),
            _ExampleSetting("SCALEOPS_AUTH", "internal", "internal (a user of ScaleOps), ldap, token, azure or none"),
            _ExampleSetting("SCALEOPS_USER", "reports@example.com", "the Viewer role is enough"),
            _ExampleSetting("SCALEOPS_PASSWORD", "secret"),
            _ExampleSetting("SCALEOPS_TOKEN", "secret", "instead of user and password"),
            _ExampleSetting("SCALEOPS_AZURE_TENANT_ID", "00000000-0000-0000-0000-000000000000", "instead of both: Azure AD"),
            _ExampleSetting("SCALEOPS_AZURE_CLIENT_ID", "00000000-0000-0000-0000-000000000000"),
            _ExampleSetting("SCALEOPS_AZURE_CLIENT_SECRET", "secret"),
            _ExampleSetting("SCALEOPS_CURRENCY", "EUR", "ISO 4217 code of all amounts; the ScaleOps API names none"),
            _ExampleSetting("SCALEOPS_LINK_TO_DASHBOARD", "true", "links to the dashboard in reports and alerts"),
        ),
    ),
    (
        "The catalog: which components there are, and who owns them",
        (
            _ExampleSetting("BACKSTAGE_BASE_URL", "https://backstage.example.com", "the backend, not the app"),
            _ExampleSetting(
                "BACKSTAGE_TOKEN", "secret", "a static token of backend.auth.externalAccess that may read the catalog"
            ),
            _ExampleSetting("BACKSTAGE_APP_URL", "https://backstage.example.com", "where people open Backstage, for links"),
            _ExampleSetting("BACKSTAGE_CATALOG_FILE", "catalog-info.yaml", "instead of a live Backstage: a file or a folder"),
        ),
    ),
    (
        "Where messages go",
        (
            _ExampleSetting("SLACK_BOT_TOKEN", "xoxb-secret", "of an app made from deploy/slack-app-manifest.yaml"),
            _ExampleSetting("SLACK_DEFAULT_CHANNEL", "C0123ABCD", "the id of the channel for teams without one; invite the bot"),
            _ExampleSetting(
                "WORKER_PLATFORM_CHANNEL", "C0123ABCD", "roll-up of all teams and notices; default: the channel above"
            ),
            _ExampleSetting(
                "PAGERDUTY_ROUTING_KEY", "0123456789abcdef0123456789abcdef", "Events API v2, for teams without a key"
            ),
        ),
    ),
    (
        "Reports",
        (
            _ExampleSetting("WORKER_TIMEZONE", "Europe/Madrid", "default: UTC; a team's own is set in scaleops-worker.yaml"),
            _ExampleSetting("WORKER_REPORT_DAY", "monday"),
            _ExampleSetting("WORKER_REPORT_TIME", "09:00"),
            _ExampleSetting(
                "WORKER_PUBLIC_URL", "https://costs.example.com", "the gateway in a browser; enables links to report pages"
            ),
        ),
    ),
    (
        "Storage",
        (
            _ExampleSetting(
                "WORKER_SECRET_KEY", "0123456789abcdef0123456789abcdef", "seals keys in the database and signs links; keep it"
            ),
            _ExampleSetting(
                "DATABASE_URL", "postgresql://worker:secret@db/scaleops", "default: scaleops-worker.db in this folder"
            ),
            _ExampleSetting("REDIS_URL", "redis://redis:6379/0", "for `worker` and `beat` only"),
        ),
    ),
)


def render_env_file(values: Mapping[str, str]) -> str:
    """Return the text of an `.env` with these settings, by name; a name may end in `_FILE`.

    Settings that it has no comment for are listed at the end.
    """
    lines = [_HEADER]
    listed: set[str] = set()
    for title, entries in _SECTIONS:
        lines.append(f"# --- {title}")
        for entry in entries:
            found = [name for name in (entry.name, f"{entry.name}_FILE") if name in values]
            listed.update(found)
            lines += [f"# {entry.comment}"] if entry.comment else []
            lines += [f"{name}={quote_value(values[name])}" for name in found] or [f"#{entry.name}={quote_value(entry.example)}"]
        lines.append("")
    others = sorted(values.keys() - listed)
    if others:
        lines += ["# --- Others", *(f"{name}={quote_value(values[name])}" for name in others), ""]
    return "\n".join(lines)


def quote_value(value: str) -> str:
    """Return a value as an `.env` spells it: in single quotes unless it is plain."""
    if _PLAIN.fullmatch(value):
        return value
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
