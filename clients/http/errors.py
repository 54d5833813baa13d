"""The one error of every service client.

ServiceError
├── OutOfTime            the call was not made: its caller's time was over
├── PayloadRejected      this form of the message is never accepted; a plainer one may be
└── RecipientRejected    no message is ever accepted for this channel or key; another recipient may be
"""

from __future__ import annotations

from enum import StrEnum
from typing import Self


class ErrorKind(StrEnum):
    """What failed, so that a caller can act on it."""

    CONNECTION = "connection"
    """No response: refused, reset, timed out, unknown host."""
    THROTTLED = "throttled"
    """429 or 503."""
    SERVER_ERROR = "server_error"
    """Another 5xx."""
    AUTH = "auth"
    """401 or 403."""
    NOT_FOUND = "not_found"
    """404."""
    REJECTED = "rejected"
    """Another 4xx."""
    INVALID_RESPONSE = "invalid_response"
    """A response that cannot be read: HTML, truncated JSON, an unexpected schema, too large, a redirect."""


class ServiceError(Exception):
    """A call to a service failed.

    The message is a sentence for the person on call: what was tried, with whom, what came back. It never contains a
    token, a password or a URL with one in it.
    """

    def __init__(
        self,
        message: str,
        *,
        kind: ErrorKind,
        permanent: bool,
        retry_after_s: float | None = None,
        outcome_unknown: bool = False,
        status: int | None = None,
        service_down: bool = False,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.permanent = permanent
        """A retry cannot succeed."""
        self.retry_after_s = retry_after_s
        """The Retry-After of the service, seconds."""
        self.outcome_unknown = outcome_unknown
        """The request may have taken effect (a time-out after sending)."""
        self.status = status
        """The HTTP status, if there was a response."""
        self.service_down = service_down
        """No connection to the service, or its login failed: every other call would fail alike."""

    @property
    def is_timeout(self) -> bool:
        """True if a request was sent and no response came in time."""
        return self.kind is ErrorKind.CONNECTION and self.outcome_unknown

    def copy(self, *, service_down: bool | None = None, retry_after_s: float | None = None) -> Self:
        """Return the same error as a new object, which collects no other thread's traceback, with these fields if given."""
        copied = type(self).__new__(type(self), *self.args)
        copied.__dict__.update(self.__dict__)
        if service_down is not None:
            copied.service_down = service_down
        if retry_after_s is not None:
            copied.retry_after_s = retry_after_s
        return copied


class PayloadRejected(ServiceError):
    """This form of the message is never accepted. `pointers`: JSON pointers to what is invalid, where the service names it."""

    def __init__(self, message: str, *, pointers: tuple[str, ...] = ()) -> None:
        super().__init__(message, kind=ErrorKind.REJECTED, permanent=True)
        self.pointers = pointers


class RecipientRejected(ServiceError):
    """No message is ever accepted for this channel or key."""

    def __init__(self, message: str, *, kind: ErrorKind = ErrorKind.REJECTED) -> None:
        super().__init__(message, kind=kind, permanent=True)


class OutOfTime(ServiceError):
    """The call was not made, because the time that its caller had for it was over."""

    def __init__(self, service: str, route: str) -> None:
        message = f"{route} was not sent to {service}: no time was left for it"
        super().__init__(message, kind=ErrorKind.CONNECTION, permanent=False)
