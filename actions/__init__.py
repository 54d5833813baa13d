"""The questions: the five live ones, typed in and out. Every door shares them."""

from actions.context import LiveContext, Viewer, allow_all
from actions.errors import ActionError, AuthenticationError, InputError, NotAllowedError, NotFoundError, ServiceUnavailableError
from actions.live.definitions import LIVE_ACTIONS, LiveAction

__all__ = [
    "LIVE_ACTIONS",
    "ActionError",
    "AuthenticationError",
    "InputError",
    "LiveAction",
    "LiveContext",
    "NotAllowedError",
    "NotFoundError",
    "ServiceUnavailableError",
    "Viewer",
    "allow_all",
]
