"""The scopes of the bot token: which methods need each, and what does not work without it.

`deploy/slack-app-manifest.yaml` requests all of them; a test compares both with the methods that the client calls.
Source: the page of each method, such as https://docs.slack.dev/reference/methods/chat.postMessage.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenScope:
    """A scope, the methods that need it, and what fails without it, as a clause."""

    name: str
    methods: frozenset[str]
    without: str
    is_required: bool = True


_LOOK_UPS: Final = frozenset({"conversations.history", "conversations.replies"})
SCOPES: Final = (
    TokenScope(
        name="chat:write",
        methods=frozenset({"chat.postMessage", "chat.update"}),
        without="no report or alert can be posted or updated",
    ),
    TokenScope(
        name="channels:history",
        methods=_LOOK_UPS,
        without="a message to a public channel whose response was lost cannot be looked up and stays unconfirmed",
    ),
    TokenScope(
        name="groups:history",
        methods=_LOOK_UPS,
        without="a message to a private channel whose response was lost cannot be looked up and stays unconfirmed",
        is_required=False,
    ),
)
METHODS_WITHOUT_SCOPE: Final = frozenset({"auth.test", "blocks.validate"})


def missing_scopes(granted: Collection[str]) -> tuple[TokenScope, ...]:
    """Return the scopes that a token lacks."""
    return tuple(scope for scope in SCOPES if scope.name not in granted)
