"""What the services that carry messages share: safe addresses, and the two refusals a sender can answer.

```
ServiceError
├── PayloadRejected   the service will never take this form of the message; a plainer one may pass
└── RecipientRejected   the service will never take a message for this channel or key; another target may
```
"""

from __future__ import annotations

from urllib.parse import urlsplit

from clients.http.errors import ErrorKind, ServiceError
from clients.http.loopback import is_loopback_url


class InsecureUrl(ValueError):
    """An address that would carry messages and credentials in the clear; the message says what is allowed."""


class PayloadRejected(ServiceError):
    """The service will never take this form of the message."""

    def __init__(self, message: str) -> None:
        super().__init__(message, kind=ErrorKind.REJECTED, permanent=True)


class RecipientRejected(ServiceError):
    """The service will never take a message for this channel or key."""

    def __init__(self, message: str, *, kind: ErrorKind = ErrorKind.REJECTED) -> None:
        super().__init__(message, kind=kind, permanent=True)


def check_address(url: str, *, of: str) -> str:
    """Answer the address if it is https, or http to this very machine.

    Raises:
        InsecureUrl: anything else; the address itself is not repeated, it may hold a password.
    """
    parts = urlsplit(url)
    if parts.hostname and (parts.scheme == "https" or (parts.scheme == "http" and is_loopback_url(url))):
        return url
    message = f"the address of {of} must begin with https:// (http:// is for this machine only)"
    raise InsecureUrl(message)
