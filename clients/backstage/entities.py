"""Parses catalog entities into `domain.component`, from a live catalog and from files alike. No I/O.

Only the fields named here are read, each by itself: one that cannot be read costs no other field. What an owner should correct is a
sentence in `problems`. An entity carries the fingerprint of its PagerDuty routing key; the key itself is returned separately.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError

from domain.component import Component, NotificationTargets, RoutingKey, Team
from domain.owners import OwnerClaims, parse_owner, read_claims
from domain.placeholders import is_placeholder
from domain.refs import DEFAULT_NAMESPACE, EntityRef, InvalidReference
from domain.selectors import KUBERNETES_CLUSTER, KUBERNETES_ID, KUBERNETES_NAMESPACE, LABEL_SELECTOR

PAGERDUTY_KEY: Final = "pagerduty.com/integration-key"
SLACK_CHANNEL: Final = "slack.com/bot-notify"
_RUNBOOK: Final = re.compile(r"\brun[ -]?books?\b", re.IGNORECASE)
_WEB_ADDRESS: Final = re.compile(r"https?://[^\s/?#]+[^\s]*")

FindKnown = Callable[[Sequence[EntityRef]], Collection[EntityRef]]
"""Returns those of some references that are in the catalog."""


class UnreadableEntity(ValueError):
    """The document is not an entity, or its reference cannot be read; the message says why."""


def _as_text(value: object) -> object:
    """Return a number as the text that it is in an annotation or a name."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _text_or_none(value: object) -> str | None:
    text = _as_text(value)
    return text if isinstance(text, str) else None


def _mapping(value: object) -> object:
    return value if isinstance(value, dict) else {}


def _relations(value: object) -> list[tuple[str, str]]:
    rows = value if isinstance(value, list) else []
    pairs = [(row.get("type"), row.get("targetRef")) for row in rows if isinstance(row, dict)]
    return [(kind, target) for kind, target in pairs if isinstance(kind, str) and isinstance(target, str)]


def _links(value: object) -> list[dict[str, str]]:
    rows = value if isinstance(value, list) else []
    return [{key: text for key, text in row.items() if isinstance(text, str)} for row in rows if isinstance(row, dict)]


Text = Annotated[str, BeforeValidator(_as_text)]
LenientText = Annotated[str | None, BeforeValidator(_text_or_none)]


class _LenientModel(BaseModel):
    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True, frozen=True)


class _Metadata(_LenientModel):
    name: Annotated[Text, Field(pattern=r"\S")]
    namespace: Text | None = None
    title: LenientText = None
    annotations: Any = None
    links: Annotated[list[dict[str, str]], BeforeValidator(_links)] = []


class _Profile(_LenientModel):
    display_name: Annotated[LenientText, Field(alias="displayName")] = None


class _Spec(_LenientModel):
    owner: Any = None
    lifecycle: LenientText = None
    system: LenientText = None
    parent: LenientText = None
    profile: Annotated[_Profile, BeforeValidator(_mapping)] = _Profile()


class EntityDocument(_LenientModel):
    """A catalog entity of any kind, from JSON or YAML."""

    kind: Annotated[str, Field(pattern=r"\S")]
    metadata: _Metadata
    spec: Annotated[_Spec, BeforeValidator(_mapping)] = _Spec()
    relations: Annotated[list[tuple[str, str]], BeforeValidator(_relations)] = []
    """Pairs of type and target."""

    @property
    def namespace(self) -> str:
        """The namespace as spelled; `default` if there is none."""
        return self.metadata.namespace or DEFAULT_NAMESPACE

    @property
    def ref(self) -> EntityRef:
        """The entity's reference. Raises InvalidReference if a part of it is not a valid name."""
        return EntityRef.parse(f"{self.kind}:{self.namespace}/{self.metadata.name}")

    @cached_property
    def annotations(self) -> Mapping[str, object]:
        """All annotations, also those that are no text."""
        found = self.metadata.annotations
        return {key: value for key, value in found.items() if isinstance(key, str)} if isinstance(found, dict) else {}

    @property
    def annotations_problem(self) -> str:
        """Why no annotation can be read; empty if they can."""
        found = self.metadata.annotations
        return (
            ""
            if found is None or isinstance(found, dict)
            else "metadata.annotations is not a mapping, so no annotation can be read"
        )

    def annotation(self, key: str) -> str | None:
        """Return a stripped annotation; None if it is missing, blank or no text."""
        return (_text_or_none(self.annotations.get(key)) or "").strip() or None

    def unreadable(self, key: str) -> str:
        """Return a sentence about an annotation that is no text; empty if it is one, or missing."""
        value = self.annotations.get(key)
        if value is None or _text_or_none(value) is not None:
            return ""
        kind = {bool: "a boolean", list: "a list", dict: "a mapping"}.get(type(value), "not text")
        return f"the annotation {key} of {self.ref} is {kind} and cannot be read: write it as text"

    @property
    def claims(self) -> OwnerClaims:
        """What it says about its owner."""
        owner = self.spec.owner
        named = [_text_or_none(one) for one in (owner if isinstance(owner, list) else [owner])]
        claims = read_claims(
            [text for text in named if text is not None], list(self.targets("ownedBy")), namespace=self.namespace, about=self.ref
        )
        if owner is None or None not in named:
            return claims
        problem = f"spec.owner of {self.ref} is not text and cannot be read"
        return OwnerClaims(named=claims.named, related=claims.related, problems=(*claims.problems, problem))

    def targets(self, relation: str) -> Iterator[str]:
        """Yield the targets of one type of relation."""
        return (target for kind, target in self.relations if kind.lower() == relation.lower())


_ENTITY: Final = TypeAdapter(EntityDocument)


def read_entity(value: object) -> EntityDocument:
    """Read an entity of any kind.

    Raises:
        UnreadableEntity: it is none, or its reference cannot be read.
    """
    if not isinstance(value, dict):
        message = "it is not a mapping"
        raise UnreadableEntity(message)
    try:
        document = _ENTITY.validate_python(value)
        _ = document.ref
    except ValidationError as error:
        detail = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(str(step) for step in detail["loc"]) or "the document"
        message = f"{place}: {detail['msg']}"
        raise UnreadableEntity(message) from None
    except InvalidReference as error:
        raise UnreadableEntity(str(error)) from None
    return document


def describe_entity(value: object) -> str:
    """Return what can be read of the name of an entity; empty if nothing can."""
    metadata = value.get("metadata") if isinstance(value, dict) else None
    name = _text_or_none(metadata.get("name")) if isinstance(metadata, dict) else None
    kind = _text_or_none(value.get("kind")) if isinstance(value, dict) else None
    return ":".join(part[:100] for part in (kind, name) if part)


@dataclass(frozen=True, kw_only=True)
class EntityParser:
    """Converts documents into components and teams. `slack_annotations` are the keys that name a Slack channel."""

    slack_annotations: tuple[str, ...] = (SLACK_CHANNEL,)

    def component(self, document: EntityDocument, *, find_known: FindKnown = lambda _: ()) -> Component:
        """Convert an entity of any kind; `find_known` is called if the relations do not decide who owns it."""
        claims = document.claims
        known = find_known(claims.undecided) if claims.undecided else ()
        system = parse_owner(document.spec.system or "", namespace=document.namespace, kind="system")
        return Component(
            ref=document.ref,
            spelled_kind=document.kind,
            spelled_namespace=document.namespace,
            spelled_name=document.metadata.name,
            title=document.metadata.title or document.metadata.name,
            team=claims.owner(known),
            lifecycle=document.spec.lifecycle or "",
            system="" if system is None else str(system),
            label_selector=document.annotation(LABEL_SELECTOR),
            kubernetes_id=document.annotation(KUBERNETES_ID),
            namespace_limit=document.annotation(KUBERNETES_NAMESPACE),
            cluster_limit=document.annotation(KUBERNETES_CLUSTER),
            contact=self._contact(document),
            runbooks=tuple(_runbooks(document)),
            unusable=_unusable(document),
            problems=(*claims.problems, *self._contact_problems(document)),
            owner_rule=claims.rule(known),
        )

    def team(self, document: EntityDocument) -> Team:
        """Convert a group, or any other entity that owns something."""
        return Team(
            ref=document.ref,
            title=document.spec.profile.display_name or document.metadata.title or document.metadata.name,
            parent=_parent_of(document),
            in_catalog=True,
            contact=self._contact(document),
            problems=self._contact_problems(document),
        )

    def _contact(self, document: EntityDocument) -> NotificationTargets:
        key = routing_key_of(document)
        named = [(name, document.annotation(name)) for name in document.annotations if name in self.slack_annotations]
        return NotificationTargets(
            slack_channels=tuple(
                (name, channel) for name, channel in named if channel is not None and not is_placeholder(channel)
            ),
            pagerduty_fingerprint=None if key is None else key.fingerprint,
        )

    def _contact_problems(self, document: EntityDocument) -> tuple[str, ...]:
        problems = [document.unreadable(name) for name in (PAGERDUTY_KEY, *self.slack_annotations)]
        if document.annotation(PAGERDUTY_KEY) is not None and routing_key_of(document) is None:
            problems.append(  # never with its value: it may be a key that was mistyped
                f"the annotation {PAGERDUTY_KEY} of {document.ref} is not an integration key, which has 32 letters or digits; "
                "the next route is used"
            )
        problems += [
            f"the annotation {name} of {document.ref} is the placeholder '{channel[:100]}'; the next route is used"
            for name in self.slack_annotations
            if is_placeholder(channel := document.annotation(name) or "")
        ]
        return tuple(problem for problem in problems if problem)


def team_without_entity(ref: EntityRef) -> Team:
    """Return the team of a reference that is not in the catalog."""
    return Team(ref=ref, title=ref.name, parent=None, in_catalog=False, contact=NotificationTargets())


def is_in_scope(document: EntityDocument) -> bool:
    """Return True if an entity selects Kubernetes workloads, or tries to."""
    selectors = (LABEL_SELECTOR, KUBERNETES_ID)
    return any(document.annotation(key) is not None or document.unreadable(key) for key in selectors)


def routing_key_of(document: EntityDocument) -> RoutingKey | None:
    """Return the PagerDuty routing key of an entity; None without one that may be real."""
    text = document.annotation(PAGERDUTY_KEY)
    key = None if text is None else RoutingKey(text)
    return key if key is not None and key.is_well_formed else None


def routing_keys_of(documents: Iterable[EntityDocument]) -> dict[str, RoutingKey]:
    """Return all routing keys by their fingerprints."""
    keys = (routing_key_of(document) for document in documents)
    return {key.fingerprint: key for key in keys if key is not None}


def _runbooks(document: EntityDocument) -> Iterator[tuple[str, str]]:
    """Yield title and URL of the links of type `runbook`, or whose title says so; only http and https ones."""
    for link in document.metadata.links:
        title, url = link.get("title", "").strip(), link.get("url", "").strip()
        is_runbook = link.get("type", "").strip().lower() == "runbook" or _RUNBOOK.search(title) is not None
        if is_runbook and _WEB_ADDRESS.fullmatch(url):
            yield title or "Runbook", url


def _unusable(document: EntityDocument) -> str:
    """Return why the entity's workloads cannot be selected: ignoring a limit would claim the workloads of others."""
    selector = document.unreadable(LABEL_SELECTOR)
    if not selector and document.annotation(LABEL_SELECTOR) is None:
        selector = document.unreadable(KUBERNETES_ID)
    return selector or document.unreadable(KUBERNETES_NAMESPACE) or document.unreadable(KUBERNETES_CLUSTER)


def _parent_of(document: EntityDocument) -> EntityRef | None:
    for text in (*document.targets("childOf"), document.spec.parent or ""):
        ref = parse_owner(text, namespace=document.namespace)
        if ref is not None:
            return ref
    return None
