"""Placeholders of templates that were never filled in: `${{ values.name }}`, `$APP_NAME`, `${PAGERDUTY_KEY}`, `<key>`, `%KEY%`."""

from __future__ import annotations

import re
from typing import Final

_PLACEHOLDER: Final = re.compile(
    r"""
    \$\{ | \{\{ | \{% | \}\}          # ${NAME}, ${{ values.name }}, {{ .Values.name }}, {% if %}
    | \$\(                            # $(NAME)
    | (?<![A-Za-z0-9])\$[A-Za-z_]\w*  # $NAME
    | <[A-Za-z_][^<>]*>                # <name>
    | (?<!\w)%[A-Za-z_]\w*%           # %NAME%
    """,
    re.VERBOSE,
)


def is_placeholder(text: str) -> bool:
    """Return True if a value holds a placeholder, so that it cannot be the real one."""
    return _PLACEHOLDER.search(text) is not None
