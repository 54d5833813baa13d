"""Entity references, as Backstage writes them: `kind:namespace/name`."""

from __future__ import annotations

import re
from dataclasses import dataclass

DEFAULT_NAMESPACE = "default"

_PART = r"[^:/\s\x00-\x1f\x7f\ud800-\udfff]+"
"""No separator, no blank, and nothing that a database could not hold."""
_REFERENCE = re.compile(rf"(?P<kind>{_PART}):(?:(?P<namespace>{_PART})/)?(?P<name>{_PART})")


LONGEST = 255
"""Characters of a reference. Backstage's own rules allow 191: 63 of each part; an installation may loosen them."""
_SHOWN = 100


class InvalidReference(ValueError):
    """The text is no entity reference; the message says what one looks like."""


@dataclass(frozen=True, slots=True, order=True)
class EntityRef:
    """An entity's name in the catalog, always lower case: what is stored, compared and keyed.

    How an entity spells itself is for the eye only and kept by `domain.component.Component`.
    """

    kind: str
    namespace: str
    name: str

    @classmethod
    def parse(cls, text: str) -> EntityRef:
        """Read `kind:namespace/name`; the namespace may be left out, the kind may not.

        Raises:
            InvalidReference: anything else.
        """
        spelled = text.strip()
        shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
        if len(spelled) > LONGEST:
            message = f"{shown!r} is no entity reference: it has more than {LONGEST} characters"
            raise InvalidReference(message)
        found = _REFERENCE.fullmatch(spelled)
        if found is None:
            message = f"{shown!r} is no entity reference; write kind:namespace/name, for example component:default/checkout"
            raise InvalidReference(message)
        return cls.of(found["kind"], found["namespace"] or DEFAULT_NAMESPACE, found["name"])

    @classmethod
    def parse_with_defaults(cls, text: str, *, kind: str, namespace: str) -> EntityRef:
        """Read a reference in which kind and namespace may be left out, as `spec.owner` allows."""
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
"""The team of every component without an owner; it reports to the platform channel."""
