"""Catalog entities: components with workloads, and the teams that own them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from domain.refs import RESERVED_TEAMS, EntityRef

_ROUTING_KEY: Final = re.compile(r"[A-Za-z0-9]{32}")


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationTargets:
    """Where an entity's annotations send notifications. A routing key is named by its fingerprint."""

    slack_channels: tuple[tuple[str, str], ...] = ()
    """(annotation key, channel id), in catalog order; `routes.slack_annotations` selects the keys."""
    pagerduty_fingerprint: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """An entity of any kind with a selector of Kubernetes workloads. Contains no secret."""

    ref: EntityRef
    spelled_kind: str
    spelled_namespace: str
    spelled_name: str
    title: str
    team: EntityRef
    lifecycle: str
    """`spec.lifecycle`; empty when the entity names none."""
    system: str
    """`spec.system` as a reference; empty when the entity names none."""
    label_selector: str | None
    """`backstage.io/kubernetes-label-selector`, verbatim."""
    kubernetes_id: str | None
    """`backstage.io/kubernetes-id`, the fallback selector."""
    namespace_limit: str | None
    """`backstage.io/kubernetes-namespace`: only workloads of this namespace belong to it."""
    cluster_limit: str | None
    """`backstage.io/kubernetes-cluster`: only workloads of this cluster belong to it."""
    contact: NotificationTargets
    runbooks: tuple[tuple[str, str], ...] = ()
    """(title, URL) of the links of `metadata.links` that lead to a run book."""
    unusable: str = ""
    """Why its workloads cannot be selected, if an annotation that selects them cannot be read."""
    problems: tuple[str, ...] = ()
    """For its owner: what its entity says that could not be used, one sentence each."""
    owner_rule: str = field(default="", compare=False)
    """By which rule `team` owns it; empty for a component that is not read from the catalog: it is not stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """A group, a user who owns a component, or an owner that is not in the catalog."""

    ref: EntityRef
    title: str
    parent: EntityRef | None
    in_catalog: bool
    contact: NotificationTargets
    problems: tuple[str, ...] = ()
    """What its entity says that could not be used, one sentence each."""


def title_of_team(team: EntityRef, known: Team | None) -> str:
    """Return the display name of a team: its title in the catalog, else its name; in words for those that no catalog has."""
    return RESERVED_TEAMS.get(team) or (known.title if known is not None else "") or team.name


class RoutingKey:
    """A PagerDuty routing key. Its `repr` hides it."""

    __slots__ = ("_secret",)

    def __init__(self, secret: str) -> None:
        self._secret = secret

    @property
    def fingerprint(self) -> str:
        """The key's name in rows: the first 16 hexadecimal digits of its SHA-256."""
        return hashlib.sha256(self._secret.encode()).hexdigest()[:16]

    @property
    def is_well_formed(self) -> bool:
        """True if it may be an integration key of Events API v2: 32 letters or digits."""
        return _ROUTING_KEY.fullmatch(self._secret) is not None

    def reveal(self) -> str:
        """Return the key itself, to seal it or to send with it."""
        return self._secret

    def __repr__(self) -> str:
        return "RoutingKey(***)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RoutingKey) and other._secret == self._secret

    def __hash__(self) -> int:
        return hash(self._secret)


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogPage:
    """One page of the catalog listing: components in scope, and on the last pages their teams with parent groups, each once."""

    components: tuple[Component, ...] = ()
    teams: tuple[Team, ...] = ()
    routing_keys: Mapping[str, RoutingKey] = field(default_factory=dict)
    """PagerDuty routing keys of the entities of this page, by fingerprint."""
