"""Column types whose values read back exactly as written, on SQLite and PostgreSQL."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from decimal import Decimal
from functools import lru_cache
from typing import Any

from pydantic_core import from_json
from sqlalchemy import JSON, DateTime, LargeBinary, Numeric, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

from domain.messages import Json
from domain.refs import EntityRef


class CleanText(TypeDecorator[str]):
    """Untrusted text, or a StrEnum. NUL and lone surrogates, which no database stores, become the replacement character."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Replace what cannot be stored."""
        del dialect
        return None if value is None else storable(str(value))


class UtcDateTime(TypeDecorator[datetime]):
    """An aware instant, read back in UTC. SQLite has no zones and stores UTC without one."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Convert to UTC. Raises ValueError for a naive instant."""
        if value is None:
            return None
        if value.tzinfo is None:
            message = f"{value.isoformat()} has no time zone; the store takes aware instants only"
            raise ValueError(message)
        utc = value.astimezone(timezone.utc)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return an aware instant in UTC."""
        del dialect
        if value is None:
            return None
        return value.replace(tzinfo=timezone.utc) if value.tzinfo is None else value.astimezone(timezone.utc)


class ExactDecimal(TypeDecorator[Decimal]):
    """A Decimal without loss: unlimited NUMERIC on PostgreSQL; text on SQLite, whose NUMERIC is a float. Sum in Python only."""

    impl = Numeric
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Use text on SQLite."""
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else Numeric())

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Any:  # noqa: ANN401 - str or Decimal, by database
        """Convert to plain digits. Raises ValueError for NaN and infinity."""
        if value is None:
            return None
        if not value.is_finite():
            message = f"{value} is not an amount; use Unknown with a reason"
            raise ValueError(message)
        return format(value, "f") if dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:  # noqa: ANN401 - str or Decimal, by database
        """Return a Decimal."""
        del dialect
        return None if value is None else Decimal(value)


_parse_ref = lru_cache(maxsize=32_768)(EntityRef.parse)
"""Cached: every row of a component or team has some, and a sweep reads each many times."""


class EntityRefType(TypeDecorator[EntityRef]):
    """An entity reference as text."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: EntityRef | None, dialect: Dialect) -> str | None:
        """Convert to `kind:namespace/name`."""
        del dialect
        return None if value is None else storable(str(value))

    def process_result_value(self, value: str | None, dialect: Dialect) -> EntityRef | None:
        """Parse the reference."""
        del dialect
        return None if value is None else _parse_ref(value)


class Instants(TypeDecorator[tuple[datetime, ...]]):
    """Some aware instants, in UTC."""

    impl = JSON(none_as_null=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Use JSONB on PostgreSQL."""
        return dialect.type_descriptor(JSONB(none_as_null=True) if dialect.name == "postgresql" else self.impl_instance)

    def process_bind_param(self, value: tuple[datetime, ...] | None, dialect: Dialect) -> list[str] | None:
        """Convert to text."""
        del dialect
        return None if value is None else [one.astimezone(timezone.utc).isoformat() for one in value]

    def process_result_value(self, value: list[str] | None, dialect: Dialect) -> tuple[datetime, ...] | None:
        """Parse the instants."""
        del dialect
        return None if value is None else tuple(datetime.fromisoformat(one) for one in value)


class CompressedJson(TypeDecorator[Json]):
    """Compressed JSON, for documents that are never searched."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: Json, dialect: Dialect) -> bytes | None:
        """Compress; None is NULL."""
        del dialect
        if value is None:
            return None
        return zlib.compress(dump_json(value).encode(), 3)  # level 9 takes six times as long and saves little

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> Json:
        """Decompress."""
        del dialect
        if value is None:
            return None
        return load_json(zlib.decompress(value))


Document = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
"""JSON; JSONB on PostgreSQL, which does not preserve the order of keys."""


def storable(text: str) -> str:
    """Replace NUL and lone surrogates, which no database stores."""
    if text.isascii() and "\0" not in text:
        return text
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")


def dump_json(value: Json) -> str:
    """Serialise JSON that both databases accept. Raises ValueError for NaN, TypeError for a Decimal."""
    return _dump(_ENCODER, value)


def load_json(text: str | bytes) -> Json:
    """Parse JSON of a database. What pydantic's parser refuses, such as very deep nesting, the slower one of Python reads."""
    try:
        parsed: Json = from_json(text)
    except ValueError:
        parsed = json.loads(text)
    return parsed


def dump_rows(rows: Sequence[Mapping[str, Any]]) -> str:
    """Serialise rows of the types above as JSON that PostgreSQL reads as the same values: instants and decimals as text."""
    return _dump(_ROW_ENCODER, rows)


def _dump(encoder: json.JSONEncoder, value: Any) -> str:  # noqa: ANN401 - what the encoder takes
    written = encoder.encode(value)
    if "\\u0000" in written or "\\ud" in written:  # neither text nor JSONB takes NUL and lone surrogates
        return encoder.encode(_storable_json(value))
    return written


def _as_text(value: object) -> str:
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.isoformat()
    if isinstance(value, EntityRef) or (isinstance(value, Decimal) and value.is_finite()):
        return str(value)
    message = f"{value!r} cannot be stored"
    raise ValueError(message)


_ENCODER = json.JSONEncoder(allow_nan=False, separators=(",", ":"))
_ROW_ENCODER = json.JSONEncoder(allow_nan=False, separators=(",", ":"), default=_as_text)


def _storable_json(value: Json) -> Json:
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, (list, tuple)):
        return [_storable_json(item) for item in value]
    if isinstance(value, dict):
        return {storable(key): _storable_json(item) for key, item in value.items()}
    return value
