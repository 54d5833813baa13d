"""The time zone data in use: always the pinned `tzdata` package, see the package `domain`."""

from __future__ import annotations

from typing import Final

import tzdata

TZDATA_VERSION: Final[str] = tzdata.IANA_VERSION
"""Release of the IANA database, for example `2026f`."""
