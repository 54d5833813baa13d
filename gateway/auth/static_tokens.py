"""The tokens of GATEWAY_TOKENS: a holder is known by the name of the token, and sees everything."""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass, field
from typing import Final

from wiring.settings import SettingsError

MIN_LENGTH: Final = 8
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")


@dataclass(frozen=True, slots=True)
class StaticTokens:
    """Names and SHA-256 digests; the tokens themselves are not stored."""

    digests: tuple[tuple[str, bytes], ...] = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> StaticTokens:
        """Parse `name=token,...`; a bare token is named by its number.

        Raises:
            SettingsError: a token is invalid, or a name is repeated. The message never quotes the token.
        """
        found: dict[str, bytes] = {}
        for number, entry in enumerate((part.strip() for part in text.split(",") if part.strip()), start=1):
            name, equals, token = entry.partition("=")
            if not equals or not token.strip("=") or not _NAME.fullmatch(name):  # a bare token may end with = of base64
                name, token = str(number), entry
            if len(token) < MIN_LENGTH or not token.isascii() or any(sign.isspace() for sign in token):
                message = f"GATEWAY_TOKENS: token {number} must have at least {MIN_LENGTH} ASCII characters and no whitespace"
                raise SettingsError(message)
            if name in found:
                message = f"GATEWAY_TOKENS: two tokens are named {name}"
                raise SettingsError(message)
            found[name] = _digest(token)
        return cls(tuple(found.items()))

    def holder_of(self, token: str) -> str | None:
        """Return the name of a token's holder. Takes the same time for a wrong token as for a right one."""
        digest = _digest(token)
        holder: str | None = None
        for name, known in self.digests:
            if hmac.compare_digest(digest, known):
                holder = name
        return holder


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
