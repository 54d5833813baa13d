"""What every question does first: read its arguments, and look up the entity."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from actions.context import LiveContext, Viewer
from actions.errors import InputError, NotFoundError, failed_lookup
from clients.http.errors import ServiceError
from domain.component import Component
from domain.messages import Json
from domain.refs import EntityRef, InvalidReference

I = TypeVar("I", bound=BaseModel)  # noqa: E741 - the input

LONGEST: Final = 1000
"""Characters of a text among the arguments. No question needs more, and what is told of it is told back."""
_SHOWN: Final = 64


def read_arguments(model: type[I], arguments: Mapping[str, Json]) -> I:
    """Read arguments as they come from outside: of the types that the published schema names, and of no others.

    Raises:
        InputError: one is missing, unknown or wrong; the message says which, and what is valid.
    """
    for name, value in arguments.items():
        if not _is_text(value):
            message = f"the argument {name[:_SHOWN]!r} holds a character that is no text"
            raise InputError(message)
        if isinstance(value, str) and len(value) > LONGEST:
            message = f"the argument {name[:_SHOWN]!r} is longer than {LONGEST} characters"
            raise InputError(message)
    try:
        return model.model_validate({name: _whole(value) for name, value in arguments.items()}, strict=True)
    except ValidationError as invalid:
        problems = [_describe(error, model) for error in invalid.errors(include_url=False)]
    raise InputError("; ".join(problems))


def look_up(reference: str, desk: LiveContext, viewer: Viewer) -> Component:
    """Look up an entity that whoever asks may see.

    Raises:
        InputError: no reference. NotFoundError: no such entity, or one that may not be shown.
        ServiceUnavailableError, AuthenticationError, NotAllowedError: the catalog did not answer.
    """
    try:
        ref = EntityRef.parse(reference)
    except InvalidReference as bad:
        raise InputError(str(bad)) from None
    if not viewer(ref):
        message = f"the catalog has no entity {ref}"
        raise NotFoundError(message)
    try:
        return desk.catalog.component(ref)
    except ServiceError as failure:
        raise failed_lookup(failure, str(ref)) from None


def _whole(value: Json) -> Json:
    """Answer a number without a fraction as the integer that it is in JSON, however it is spelled (5.0)."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _is_text(value: Json) -> bool:
    """Say whether nothing in a value is a NUL or half a surrogate pair: JSON can spell them, a database cannot hold them."""
    match value:
        case str():
            return "\0" not in value and not any("\ud800" <= sign <= "\udfff" for sign in value)
        case list():
            return all(_is_text(one) for one in value)
        case dict():
            return all(_is_text(key) and _is_text(one) for key, one in value.items())
    return True


def _describe(error: ErrorDetails, model: type[BaseModel]) -> str:
    argument = ".".join(str(step) for step in error["loc"])[:_SHOWN]
    match error["type"]:
        case "extra_forbidden":
            valid = ", ".join(field.alias or name for name, field in model.model_fields.items())
            return f"there is no argument {argument!r}; valid are {valid}"
        case "missing":
            return f"the argument {argument} is missing"
        case _:
            return f"the argument {argument} is wrong: {error['msg'][0].lower()}{error['msg'][1:]}"
