"""Which entity a text names: a reference, or a name alone; and which ones it may mean if none."""

from __future__ import annotations

import difflib
from collections.abc import Collection
from typing import Final

from domain.refs import EntityRef, InvalidReference

_SIMILARITY: Final = 0.6
_MAX_SIMILAR: Final = 3


def find_refs(text: str, known: Collection[EntityRef]) -> tuple[EntityRef, ...]:
    """Return the known entities that a text names: by their reference, as `namespace/name` or by their name alone."""
    spelled = text.strip().lower()
    try:
        ref = EntityRef.parse(spelled)
    except InvalidReference:
        return tuple(sorted(ref for ref in known if spelled in (ref.name, f"{ref.namespace}/{ref.name}")))
    return (ref,) if ref in known else ()


def similar_refs(text: str, known: Collection[EntityRef]) -> tuple[EntityRef, ...]:
    """Return the known entities with the most similar references or names, the most similar first."""
    spelled = text.strip().lower()
    name = spelled.rpartition(":")[2].rpartition("/")[2]
    by_name: dict[str, list[EntityRef]] = {}
    for ref in sorted(known):
        by_name.setdefault(ref.name, []).append(ref)
    found = [ref for one in difflib.get_close_matches(name, by_name, n=_MAX_SIMILAR, cutoff=_SIMILARITY) for ref in by_name[one]]
    return tuple(found[:_MAX_SIMILAR])


def did_you_mean(refs: Collection[EntityRef]) -> str:
    """Return the question that names these entities; empty for none."""
    return f"did you mean {' or '.join(str(ref) for ref in refs)}?" if refs else ""
