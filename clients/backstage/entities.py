"""Parses catalog entities into `domain.component`, from a live catalog and from files alike. No I/O.

Only the fields named here are read. An entity carries the fingerprint of its PagerDuty routing key; the key itself is returned separately.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from domain.component import Component, NotificationTargets, RoutingKey, Team
from domain.refs import DEFAULT_NAMESPACE, UNOWNED, EntityRef, InvalidReference
from domain.selectors import KUBERNETES_ID, LABEL_SELECTOR

KUBERNETES_NAMESPACE: Final = "backstage.io/kubernetes-namespace"
KUBERNETES_CLUSTER: Final = "backstage.io/kubernetes-cluster"
PAGERDUTY_KEY: Final = "pagerduty.com/integration-key"
SLACK_CHANNEL: Final = "slack.com/bot-notify"


def _as_text(value: object) -> object:
    """YAML parses an unquoted 42 or 1.5 as a number, but an annotation is a string."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _null_as(empty: type[dict[str, object] | list[object]]) -> BeforeValidator:
    return BeforeValidator(lambda value: empty() if value is None else value)


Text = Annotated[str, BeforeValidator(_as_text)]


class _LenientModel(BaseModel):
    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True, frozen=True)


class _Metadata(_LenientModel):
    name: Annotated[Text, Field(pattern=r"\S")]
    namespace: Text | None = None
    title: Text | None = None
    annotations: Annotated[dict[str, Text | None], _null_as(dict)] = {}


class _Profile(_LenientModel):
    display_name: Annotated[Text | None, Field(alias="displayName")] = None


class _Spec(_LenientModel):
    owner: Text | None = None
    lifecycle: Text | None = None
    system: Text | None = None
    parent: Text | None = None
    profile: _Profile | None = None


class _Relation(_LenientModel):
    type: str
    target_ref: Annotated[str, Field(alias="targetRef")]


class EntityDocument(_LenientModel):
    """A catalog entity of any kind, from JSON or YAML."""

    kind: Annotated[str, Field(pattern=r"\S")]
    metadata: _Metadata
    spec: Annotated[_Spec, _null_as(dict)] = _Spec()
    relations: Annotated[list[_Relation], _null_as(list)] = []

    @property
    def namespace(self) -> str:
        """The namespace as spelled; `default` if there is none."""
        return self.metadata.namespace or DEFAULT_NAMESPACE

    @property
    def ref(self) -> EntityRef:
        """The entity's reference. Raises InvalidReference if a part of it is not a valid name."""
        return EntityRef.parse(f"{self.kind}:{self.namespace}/{self.metadata.name}")

    def annotation(self, key: str) -> str | None:
        """Return a stripped annotation; None if it is missing or blank."""
        return (self.metadata.annotations.get(key) or "").strip() or None


@dataclass(frozen=True, kw_only=True)
class EntityParser:
    """Converts documents into components and teams. `slack_annotations` are the keys that name a Slack channel."""

    slack_annotations: tuple[str, ...] = (SLACK_CHANNEL,)

    def component(self, document: EntityDocument) -> Component:
        """Convert an entity of any kind. Raises InvalidReference if its name is not valid."""
        return Component(
            ref=document.ref,
            spelled_kind=document.kind,
            spelled_namespace=document.namespace,
            spelled_name=document.metadata.name,
            title=document.metadata.title or document.metadata.name,
            team=owner_of(document),
            lifecycle=document.spec.lifecycle or "",
            system=_system_of(document),
            label_selector=document.annotation(LABEL_SELECTOR),
            kubernetes_id=document.annotation(KUBERNETES_ID),
            namespace_limit=document.annotation(KUBERNETES_NAMESPACE),
            cluster_limit=document.annotation(KUBERNETES_CLUSTER),
            contact=self._contact(document),
        )

    def team(self, document: EntityDocument) -> Team:
        """Convert a group, or any other entity that owns something. Raises InvalidReference if its name is not valid."""
        profile = document.spec.profile
        return Team(
            ref=document.ref,
            title=(profile and profile.display_name) or document.metadata.title or document.metadata.name,
            parent=_parent_of(document),
            in_catalog=True,
            contact=self._contact(document),
        )

    def _contact(self, document: EntityDocument) -> NotificationTargets:
        key = routing_key_of(document)
        return NotificationTargets(
            slack_channels=tuple(
                (name, channel)
                for name in document.metadata.annotations
                if name in self.slack_annotations and (channel := document.annotation(name)) is not None
            ),
            pagerduty_fingerprint=None if key is None else key.fingerprint,
        )


def team_without_entity(ref: EntityRef) -> Team:
    """Return the team of a reference that is not in the catalog."""
    return Team(ref=ref, title=ref.name, parent=None, in_catalog=False, contact=NotificationTargets())


def owner_of(document: EntityDocument) -> EntityRef:
    """Return the owner: the first group among the ownedBy relations, else the first of them, else `spec.owner`, else UNOWNED."""
    related = list(_targets(document, "ownedBy"))
    for ref in related:
        if ref.kind == "group":
            return ref
    if related:
        return related[0]
    return _reference(document.spec.owner, kind="group", namespace=document.namespace) or UNOWNED


def is_in_scope(document: EntityDocument) -> bool:
    """Return True if an entity selects Kubernetes workloads."""
    return document.annotation(LABEL_SELECTOR) is not None or document.annotation(KUBERNETES_ID) is not None


def routing_key_of(document: EntityDocument) -> RoutingKey | None:
    """Return the PagerDuty routing key of an entity."""
    key = document.annotation(PAGERDUTY_KEY)
    return None if key is None else RoutingKey(key)


def routing_keys_of(documents: Iterable[EntityDocument]) -> dict[str, RoutingKey]:
    """Return all routing keys by their fingerprints."""
    keys = (routing_key_of(document) for document in documents)
    return {key.fingerprint: key for key in keys if key is not None}


def _parent_of(document: EntityDocument) -> EntityRef | None:
    for ref in _targets(document, "childOf"):
        return ref
    return _reference(document.spec.parent, kind="group", namespace=document.namespace)


def _system_of(document: EntityDocument) -> str:
    ref = _reference(document.spec.system, kind="system", namespace=document.namespace)
    return "" if ref is None else str(ref)


def _targets(document: EntityDocument, relation: str) -> Iterable[EntityRef]:
    for related in document.relations:
        if related.type.lower() == relation.lower():
            ref = _reference(related.target_ref, kind="group", namespace=document.namespace)
            if ref is not None:
                yield ref


def _reference(text: str | None, *, kind: str, namespace: str) -> EntityRef | None:
    """Parse a reference whose parts may be left out; None if it is not valid."""
    if text is None or not text.strip():
        return None
    try:
        return EntityRef.parse_with_defaults(text, kind=kind, namespace=namespace)
    except InvalidReference:
        return None
