"""Errors and URL checks of the services that deliver messages.

ServiceError
├── PayloadRejected      this form of the message is never accepted; a plainer one may be
└── RecipientRejected    no message is ever accepted for this channel or key; another recipient may be
"""

from __future__ import annotations

from urllib.parse import urlsplit

from clients.http.errors import ErrorKind, ServiceError
from clients.http.loopback import is_loopback_url


class InsecureUrl(ValueError):
    """A URL that would send messages and credentials unencrypted; the message says what is allowed."""


class PayloadRejected(ServiceError):
    """This form of the message is never accepted."""

    def __init__(self, message: str) -> None:
        super().__init__(message, kind=ErrorKind.REJECTED, permanent=True)


class RecipientRejected(ServiceError):
    """No message is ever accepted for this channel or key."""

    def __init__(self, message: str, *, kind: ErrorKind = ErrorKind.REJECTED) -> None:
        super().__init__(message, kind=kind, permanent=True)


def check_url(url: str, *, of: str) -> str:
    """Return the URL if it is https, or http to loopback.

    Raises:
        InsecureUrl: anything else; the URL is not repeated, it may contain a password.
    """
    parts = urlsplit(url)
    if parts.hostname and (parts.scheme == "https" or (parts.scheme == "http" and is_loopback_url(url))):
        return url
    message = f"the URL of {of} must begin with https:// (http:// is for loopback only)"
    raise InsecureUrl(message)
