"""Entity references, as Backstage writes them: `kind:namespace/name`."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Final

DEFAULT_NAMESPACE = "default"

_PART = r"[^:/\s\x00-\x1f\x7f\ud800-\udfff]+"
"""No separator, no blank, and no character that a database cannot store."""
_REFERENCE = re.compile(rf"(?P<kind>{_PART}):(?:(?P<namespace>{_PART})/)?(?P<name>{_PART})")


MAX_LENGTH = 255
"""Characters of a reference. Backstage's own rules allow 191: 63 of each part; an installation may loosen them."""
_MAX_QUOTED = 100


class InvalidReference(ValueError):
    """Not an entity reference; the message shows an example."""


@dataclass(frozen=True, slots=True, order=True)
class EntityRef:
    """An entity's reference, always lower case: stored, compared and used as key. `Component` has the spelling to show."""

    kind: str
    namespace: str
    name: str

    @classmethod
    def parse(cls, text: str) -> EntityRef:
        """Parse `kind:namespace/name`; the namespace is optional, the kind is not.

        Raises:
            InvalidReference: anything else.
        """
        spelled = text.strip()
        shown = text if len(text) <= _MAX_QUOTED else f"{text[:_MAX_QUOTED]}…"
        if len(spelled) > MAX_LENGTH:
            message = f"{shown!r} is not an entity reference: it has more than {MAX_LENGTH} characters"
            raise InvalidReference(message)
        found = _REFERENCE.fullmatch(spelled)
        if found is None:
            message = f"{shown!r} is not an entity reference; write kind:namespace/name, for example component:default/checkout"
            raise InvalidReference(message)
        return cls.of(found["kind"], found["namespace"] or DEFAULT_NAMESPACE, found["name"])

    @classmethod
    def parse_with_defaults(cls, text: str, *, kind: str, namespace: str) -> EntityRef:
        """Parse a reference with optional kind and namespace, as in `spec.owner`."""
        spelled = text.strip()
        if ":" not in spelled:
            spelled = f"{kind}:{spelled}"
        head, _, tail = spelled.partition(":")
        if "/" not in tail:
            spelled = f"{head}:{namespace}/{tail}"
        return cls.parse(spelled)

    @classmethod
    def of(cls, kind: str, namespace: str, name: str) -> EntityRef:
        """Build a reference from its three parts, in any letter case."""
        return cls(kind.lower(), namespace.lower(), name.lower())

    def __str__(self) -> str:
        return f"{self.kind}:{self.namespace}/{self.name}"


UNOWNED = EntityRef("group", "default", "unowned")
"""The team of every component without an owner. Its report goes to the platform channel."""
PLATFORM: Final = EntityRef("~platform", "default", "platform")
"""The subject of the roll-up and of alerts about the installation. No catalog entity has it: Backstage allows no tilde in a kind."""
RESERVED_TEAMS: Final = {PLATFORM: "All teams", UNOWNED: "Components without an owner"}
"""The titles of the two teams that no catalog has."""
OWNER_KINDS: Final = frozenset({"group", "user"})
"""Kinds of entities that are teams."""


def label_of_team(team: EntityRef) -> str:
    """Return a team by its reference, for lists and sentences; in words for those that no catalog has."""
    return RESERVED_TEAMS[team].lower() if team in RESERVED_TEAMS else str(team)


def bucket_of(text: str, buckets: int) -> int:
    """Return one of 0 to `buckets` - 1, evenly spread and the same in every process."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) % buckets
