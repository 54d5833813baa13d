"""The start of every action: check its arguments, and look up the entity."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
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

MAX_TEXT_LENGTH: Final = 1000
"""Characters of a text argument. Error messages quote arguments, so they are bounded."""
_MAX_QUOTED: Final = 64


def read_arguments(model: type[I], arguments: Mapping[str, Json]) -> I:
    """Validate the arguments of a caller strictly against the types that the published schema names.

    null or a blank text for an optional argument counts as left out: clients with strict schemas fill every argument.

    Raises:
        InputError: an argument is missing, unknown or wrong; the message names it and what is valid.
    """
    for name, value in arguments.items():
        if not _is_text(value):
            message = f"the argument {name[:_MAX_QUOTED]!r} contains a character that is not valid text"
            raise InputError(message)
        if isinstance(value, str) and len(value) > MAX_TEXT_LENGTH:
            message = f"the argument {name[:_MAX_QUOTED]!r} is longer than {MAX_TEXT_LENGTH} characters"
            raise InputError(message)
    optional = _optional_arguments(model)
    given = {name: value for name, value in arguments.items() if name not in optional or not _is_blank(value)}
    try:
        return model.model_validate({name: _without_zero_fraction(value) for name, value in given.items()}, strict=True)
    except ValidationError as invalid:
        problems = [_describe(error, model) for error in invalid.errors(include_url=False)]
    raise InputError("; ".join(problems))


def find_component(reference: str, live: LiveContext, viewer: Viewer) -> Component:
    """Look up an entity that the caller may see.

    Raises:
        InputError: not a reference. NotFoundError: no such entity, or one that the caller may not see.
        ServiceUnavailableError, AuthenticationError, NotAllowedError: the catalog request failed.
    """
    try:
        ref = EntityRef.parse(reference)
    except InvalidReference as bad:
        raise InputError(str(bad)) from None
    if not viewer(ref):
        message = f"the catalog has no entity {ref}"
        raise NotFoundError(message)
    try:
        return live.catalog.component(ref)
    except ServiceError as failure:
        raise failed_lookup(failure, str(ref)) from None


@lru_cache
def _optional_arguments(model: type[BaseModel]) -> frozenset[str]:
    return frozenset(field.alias or name for name, field in model.model_fields.items() if not field.is_required())


def _is_blank(value: Json) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _without_zero_fraction(value: Json) -> Json:
    """Return 5.0 as 5: JSON has one number type."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _is_text(value: Json) -> bool:
    """Return False if a value contains a NUL or a lone surrogate: JSON can spell them, a database cannot store them."""
    match value:
        case str():
            return "\0" not in value and not any("\ud800" <= sign <= "\udfff" for sign in value)
        case list():
            return all(_is_text(one) for one in value)
        case dict():
            return all(_is_text(key) and _is_text(one) for key, one in value.items())
    return True


def _describe(error: ErrorDetails, model: type[BaseModel]) -> str:
    argument = ".".join(str(step) for step in error["loc"])[:_MAX_QUOTED]
    match error["type"]:
        case "extra_forbidden":
            valid = ", ".join(field.alias or name for name, field in model.model_fields.items())
            return f"unknown argument {argument!r}; valid arguments are {valid}"
        case "missing":
            return f"the argument {argument} is missing"
        case _:
            return f"the argument {argument} is invalid: {error['msg'][0].lower()}{error['msg'][1:]}"
