"""Why a question has no answer, by the names that Backstage gives its errors.

```
ActionError
├── InputError               what was asked cannot be asked: the caller can change it
├── NotFoundError            no such entity, no such workload
├── AuthenticationError      our credentials are not accepted
├── NotAllowedError          our credentials, or the caller, may not see this
└── ServiceUnavailableError  ScaleOps or Backstage is down, overloaded, too slow, or answers nonsense
```
"""

from __future__ import annotations

from http import HTTPStatus
from typing import ClassVar

from clients.http.errors import ErrorKind, ServiceError


class ActionError(Exception):
    """The question has no answer; the message is one sentence that says why and holds no secret."""

    name: ClassVar[str] = "Error"
    """As Backstage spells it."""
    status: ClassVar[int] = 500
    """The HTTP status that goes with it."""


class InputError(ActionError):
    """What was asked cannot be asked."""

    name = "InputError"
    status = 400


class NotFoundError(ActionError):
    """No such entity, or no such workload."""

    name = "NotFoundError"
    status = 404


class AuthenticationError(ActionError):
    """Our credentials are not accepted."""

    name = "AuthenticationError"
    status = 401


class NotAllowedError(ActionError):
    """Our credentials, or the caller, may not see this."""

    name = "NotAllowedError"
    status = 403


class ServiceUnavailableError(ActionError):
    """ScaleOps or Backstage is down, overloaded, too slow, or answers nonsense."""

    name = "ServiceUnavailableError"
    status = 503


def failed_lookup(failure: ServiceError, reference: str) -> ActionError:
    """Put a failed look-up in the catalog as the caller of a question should see it."""
    if failure.kind is ErrorKind.NOT_FOUND:
        return NotFoundError(f"the catalog has no entity {reference}")
    return failed_call(failure)


def failed_call(failure: ServiceError) -> ActionError:
    """Put a failed upstream call as the caller of a question should see it."""
    if failure.kind is ErrorKind.AUTH:
        kind = NotAllowedError if failure.status == HTTPStatus.FORBIDDEN else AuthenticationError
        return kind(str(failure))
    if failure.kind is ErrorKind.REJECTED:
        return InputError(str(failure))
    return ServiceUnavailableError(str(failure))
