"""Who owns an entity, by its `spec.owner` and its ownedBy relations.

Backstage sorts the relations by name, and relations of an owner that was replaced may stay. So `spec.owner` counts where a relation
confirms it, or where there are no relations; otherwise the first related group that is in the catalog, otherwise the first target.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from domain.placeholders import is_placeholder
from domain.refs import UNOWNED, EntityRef, InvalidReference


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerClaims:
    """What an entity says about its owner."""

    named: tuple[EntityRef, ...]
    """Of `spec.owner`."""
    related: tuple[EntityRef, ...]
    """Targets of the ownedBy relations."""
    problems: tuple[str, ...] = ()
    """What of `spec.owner` could not be read, or does not count, one sentence each."""

    @property
    def undecided(self) -> tuple[EntityRef, ...]:
        """The groups of which the catalog decides; empty if the claims alone decide."""
        if len(self.related) < 2 or self._confirmed is not None:  # noqa: PLR2004 - one needs no decision
            return ()
        return tuple(ref for ref in self.related if ref.kind == "group")

    def rule(self, in_catalog: Collection[EntityRef]) -> str:
        """Return by which rule `owner` has chosen, as a phrase."""
        if self._confirmed is not None:
            return (
                "spec.owner, which an ownedBy relation confirms" if self.related else "spec.owner; there is no ownedBy relation"
            )
        if not self.related:
            return "neither spec.owner nor an ownedBy relation names an owner"
        place = (
            "first ownedBy relation to a group in the catalog"
            if self.owner(in_catalog) in in_catalog
            else "first ownedBy relation"
        )
        return f"the {place}: {'none of them confirms spec.owner' if self.named else 'spec.owner names none'}"

    @property
    def _confirmed(self) -> EntityRef | None:
        return self.named[0] if self.named and (not self.related or self.named[0] in self.related) else None

    def owner(self, in_catalog: Collection[EntityRef]) -> EntityRef:
        """Return the owner; `in_catalog` holds those of the `undecided` that exist. UNOWNED if the entity names none."""
        if self._confirmed is not None:
            return self._confirmed
        if not self.related:
            return UNOWNED
        return next((ref for ref in self.undecided if ref in in_catalog), self.related[0])


def read_claims(named: Sequence[str], related: Sequence[str], *, namespace: str, about: object) -> OwnerClaims:
    """Read the texts of `spec.owner` and of the targets. A comma separates owners: Backstage knows one, so the first counts."""
    problems: list[str] = []
    owners: list[EntityRef] = []
    for text in _parts(named):
        ref = parse_owner(text, namespace=namespace)
        if ref is None:
            what = "is a placeholder that was never filled in" if is_placeholder(text) else "is not an entity reference"
            problems.append(f"spec.owner of {about} names '{text[:100]}', which {what}")
        elif ref not in owners:
            owners.append(ref)
    if len(owners) > 1:
        names = " and ".join(str(ref) for ref in owners)
        problems.append(f"spec.owner of {about} names {len(owners)} owners, {names}; the first counts")
    targets = (parse_owner(text, namespace=namespace) for text in _parts(related))
    return OwnerClaims(
        named=tuple(owners), related=tuple(dict.fromkeys(ref for ref in targets if ref is not None)), problems=tuple(problems)
    )


def parse_owner(text: str, *, namespace: str, kind: str = "group") -> EntityRef | None:
    """Parse a reference whose kind and namespace may be left out; None if it is not valid."""
    if not text.strip() or is_placeholder(text):
        return None
    try:
        return EntityRef.parse_with_defaults(text, kind=kind, namespace=namespace)
    except InvalidReference:
        return None


def _parts(texts: Sequence[str]) -> Sequence[str]:
    return [part.strip() for text in texts for part in text.split(",") if part.strip()]
