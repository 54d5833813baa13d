"""Which component or team a person means: by its reference, or by a name that only one has."""

from __future__ import annotations

from collections.abc import Collection

from domain.ref_search import did_you_mean, find_refs, similar_refs
from domain.refs import DEFAULT_NAMESPACE, EntityRef
from store import Transaction


class UnknownEntity(Exception):
    """No component or team is known by a text, or several are; the message says which may be meant."""


def known_entities(transaction: Transaction) -> frozenset[EntityRef]:
    """Return every component and team that was ever listed."""
    components = transaction.components
    return frozenset((*components.refs(), *components.gone(), *components.owners(), *components.teams()))


def find_entity(transaction: Transaction, text: str, *, may_be_new: bool = False) -> EntityRef:
    """Return the known component or team that a text names; with `may_be_new` any reference.

    Raises:
        InvalidReference: it can be neither a reference nor a name.
        UnknownEntity: none, or several; the message names the most similar ones.
    """
    EntityRef.parse_with_defaults(text, kind="component", namespace=DEFAULT_NAMESPACE)
    known = known_entities(transaction)
    found = find_refs(text, known)
    if len(found) == 1:
        return found[0]
    if not found and may_be_new and ":" in text:
        return EntityRef.parse(text)
    if len(found) > 1:
        message = f"{text.strip()!r} names {len(found)} entities; {did_you_mean(found)}"
        raise UnknownEntity(message)
    raise UnknownEntity(describe_unknown(text, known))


def describe_unknown(text: str, known: Collection[EntityRef]) -> str:
    """Return why nothing is known of an entity, and what to do."""
    if not known:
        return "no component is known yet: `scaleops-worker collect` lists the catalog, and `scaleops-worker explain REF --live` asks it now"
    advice = did_you_mean(similar_refs(text, known)) or "`scaleops-worker explain REF --live` asks the catalog for it"
    return f"no component or team {text.strip()!r} is known; {advice}"
