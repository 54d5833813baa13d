"""Errors of actions, by the names that Backstage gives them.

```
ActionError
├── InputError               the arguments are invalid: the caller can change them
├── NotFoundError            no such entity, no such workload
├── AuthenticationError      our credentials were rejected
├── NotAllowedError          our credentials, or the caller, may not see this
└── ServiceUnavailableError  ScaleOps or Backstage is down, overloaded, too slow, or returned an invalid response
```
"""

from __future__ import annotations

from http import HTTPStatus
from typing import ClassVar

from clients.http.errors import ErrorKind, ServiceError


class ActionError(Exception):
    """An action has no output; the message is one sentence that says why and contains no secret."""

    name: ClassVar[str] = "Error"
    """As Backstage spells it."""
    status: ClassVar[int] = 500
    """The HTTP status."""


class InputError(ActionError):
    """The arguments are invalid."""

    name = "InputError"
    status = 400


class NotFoundError(ActionError):
    """No such entity, or no such workload."""

    name = "NotFoundError"
    status = 404


class AuthenticationError(ActionError):
    """Our credentials were rejected."""

    name = "AuthenticationError"
    status = 401


class NotAllowedError(ActionError):
    """Our credentials, or the caller, may not see this."""

    name = "NotAllowedError"
    status = 403


class ServiceUnavailableError(ActionError):
    """ScaleOps or Backstage is down, overloaded, too slow, or returned an invalid response."""

    name = "ServiceUnavailableError"
    status = 503


def failed_lookup(failure: ServiceError, reference: str) -> ActionError:
    """Return a failed catalog lookup as the error that the caller of an action sees."""
    if failure.kind is ErrorKind.NOT_FOUND:
        return NotFoundError(f"the catalog has no entity {reference}")
    return failed_call(failure)


def failed_call(failure: ServiceError) -> ActionError:
    """Return a failed upstream call as the error that the caller of an action sees."""
    if failure.kind is ErrorKind.AUTH:
        kind = NotAllowedError if failure.status == HTTPStatus.FORBIDDEN else AuthenticationError
        return kind(str(failure))
    if failure.kind is ErrorKind.REJECTED:
        return InputError(str(failure))
    return ServiceUnavailableError(str(failure))
