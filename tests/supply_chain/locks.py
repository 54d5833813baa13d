"""The packages of the lock files."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

LOCKS = Path(__file__).parents[2] / "requirements"
_ENTRY = re.compile(r"^([a-zA-Z0-9][^\\\n]*?) *\\?$", re.MULTILINE)


def requirements_of(lock: str) -> Iterator[Requirement]:
    """Return every entry of a lock, for all platforms."""
    yield from map(Requirement, _ENTRY.findall((LOCKS / f"{lock}.lock").read_text(encoding="utf-8")))


def versions_here(lock: str) -> Mapping[str, str]:
    """Return the packages of a lock that are installed on this platform, with their versions."""
    return {
        canonicalize_name(one.name): str(one.specifier).removeprefix("==")
        for one in requirements_of(lock)
        if one.marker is None or one.marker.evaluate()
    }
