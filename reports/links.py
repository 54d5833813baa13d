"""Addresses that a report may point to: a workload in the ScaleOps dashboard, a page of this product."""

from __future__ import annotations

import string
from dataclasses import dataclass
from typing import Final, Protocol

from domain.refs import DEFAULT_NAMESPACE, EntityRef
from domain.weeks import IsoWeek

PLATFORM_SLUG: Final = "~platform"
"""No team's slug begins with a tilde."""

_PLAIN: Final = frozenset((string.ascii_letters + string.digits + "-_.~").encode())
_IN_NAMES: Final = frozenset((string.ascii_letters + string.digits + "-_.").encode())


class WorkloadLink(Protocol):
    """Answers the address of a workload in the ScaleOps dashboard, or None where links are switched off."""

    def __call__(self, workload_name: str, labels: tuple[str, ...]) -> str | None:
        """Build the link from the workload's name and the labels it was found by."""


def _no_link(workload_name: str, labels: tuple[str, ...]) -> str | None:  # noqa: ARG001 - it has the shape of WorkloadLink
    return None


@dataclass(frozen=True, kw_only=True)
class Links:
    """Where links lead. Without a `pages` base (WORKER_PUBLIC_URL) reports do not point to their pages."""

    workload: WorkloadLink = _no_link
    pages: str | None = None

    def report(self, slug: str, week: IsoWeek) -> str | None:
        """Point to the page of a report."""
        return None if self.pages is None else f"{self.pages.rstrip('/')}/reports/{percent_encode(slug)}/{week}"


def team_slug(team: EntityRef | None) -> str:
    """Name a team in a path, the shortest way that is still its own: `payments`, `infra~payments`, `user~default~ann`.

    None is the platform. No slug holds a slash or begins with a dot.
    """
    if team is None:
        return PLATFORM_SLUG
    parts = [team.name]
    if team.kind != "group":
        parts = [team.kind, team.namespace, team.name]
    elif team.namespace != DEFAULT_NAMESPACE:
        parts = [team.namespace, team.name]
    return "~".join(_encode(part, _IN_NAMES) for part in parts)


def percent_encode(text: str) -> str:
    """Write a text so that it may stand as one part of an address."""
    return _encode(text, _PLAIN)


def _encode(text: str, plain: frozenset[int]) -> str:
    encoded = "".join(chr(byte) if byte in plain else f"%{byte:02X}" for byte in text.encode())
    return f"%2E{encoded[1:]}" if encoded.startswith(".") else encoded
