"""Catalog entities that matter here: components with workloads, and the teams that own them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from domain.refs import EntityRef


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationTargets:
    """Where an entity asks to be told, by annotation. A routing key is known here by its fingerprint only."""

    slack_channels: tuple[tuple[str, str], ...] = ()
    """(annotation key, channel id), in the order of the catalog's own keys; which keys count is a setting."""
    pagerduty_fingerprint: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """An entity of any kind that names its Kubernetes workloads. Holds no secret, so it may be stored."""

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
    """`backstage.io/kubernetes-namespace`: only workloads of this namespace are its own."""
    cluster_limit: str | None
    """`backstage.io/kubernetes-cluster`: only workloads of this cluster are its own."""
    contact: NotificationTargets


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """A group (or a user who owns something, or a reference that the catalog does not know)."""

    ref: EntityRef
    title: str
    parent: EntityRef | None
    in_catalog: bool
    contact: NotificationTargets


class RoutingKey:
    """A PagerDuty routing key on its way to be sealed or used. It never shows itself."""

    __slots__ = ("_secret",)

    def __init__(self, secret: str) -> None:
        self._secret = secret

    @property
    def fingerprint(self) -> str:
        """Answer the name by which rows know the key: the first 16 hexadecimal digits of its SHA-256."""
        return hashlib.sha256(self._secret.encode()).hexdigest()[:16]

    def reveal(self) -> str:
        """Answer the key itself; only for sealing it and for sending with it."""
        return self._secret

    def __repr__(self) -> str:
        return "RoutingKey(***)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RoutingKey) and other._secret == self._secret

    def __hash__(self) -> int:
        return hash(self._secret)


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogPage:
    """One page of a listing: components in scope, and the teams that own them with their parent groups, each once.

    Teams come on the last pages, when every owner is known.
    """

    components: tuple[Component, ...] = ()
    teams: tuple[Team, ...] = ()
    routing_keys: Mapping[str, RoutingKey] = field(default_factory=dict)
    """PagerDuty routing keys that entities of this page carry, by fingerprint."""
