"""Column types that give back exactly what was put in, on SQLite and on PostgreSQL alike."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

from sqlalchemy import JSON, DateTime, LargeBinary, Numeric, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

from domain.messages import Json
from domain.refs import EntityRef


class CleanText(TypeDecorator[str]):
    """Text of any origin. What no database can hold (NUL, lone surrogates) becomes the replacement character."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Clean the text on its way in."""
        del dialect
        return None if value is None else storable(value)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware instant, always answered in UTC. SQLite knows no zones, so there it is UTC without one."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Bring the instant to UTC; a naive one is refused."""
        if value is None:
            return None
        if value.tzinfo is None:
            message = f"{value.isoformat()} has no time zone; the store takes aware instants only"
            raise ValueError(message)
        moved = value.astimezone(timezone.utc)
        return moved.replace(tzinfo=None) if dialect.name == "sqlite" else moved

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Answer it aware, in UTC."""
        del dialect
        if value is None:
            return None
        return value.replace(tzinfo=timezone.utc) if value.tzinfo is None else value.astimezone(timezone.utc)


class ExactDecimal(TypeDecorator[Decimal]):
    """A Decimal that loses no digit: NUMERIC without limits on PostgreSQL, text on SQLite, which would make it a float.

    Sums are made in Python, so they are exact on both.
    """

    impl = Numeric
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Choose text for SQLite."""
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else Numeric())

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Any:  # noqa: ANN401 - str or Decimal, by database
        """Write it without an exponent; NaN and infinity are refused."""
        if value is None:
            return None
        if not value.is_finite():
            message = f"{value} is no amount; say Unknown with a reason"
            raise ValueError(message)
        return format(value, "f") if dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:  # noqa: ANN401 - str or Decimal, by database
        """Answer a Decimal."""
        del dialect
        return None if value is None else Decimal(value)


class EntityRefType(TypeDecorator[EntityRef]):
    """An entity reference as its text."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: EntityRef | None, dialect: Dialect) -> str | None:
        """Write `kind:namespace/name`."""
        del dialect
        return None if value is None else storable(str(value))

    def process_result_value(self, value: str | None, dialect: Dialect) -> EntityRef | None:
        """Read it back."""
        del dialect
        return None if value is None else EntityRef.parse(value)


@dataclass(frozen=True, slots=True)
class JsonText:
    """JSON, written."""

    text: str


class CompressedJson(TypeDecorator[Json]):
    """JSON that nobody searches, compressed. A `JsonText` is taken for JSON that is written already."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: Json | JsonText, dialect: Dialect) -> bytes | None:
        """Compress it; None stays NULL."""
        del dialect
        if value is None:
            return None
        written = value.text if isinstance(value, JsonText) else dump_json(value)
        return zlib.compress(written.encode(), 3)  # 9 costs six times as long and saves little

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> Json:
        """Unpack it."""
        del dialect
        if value is None:
            return None
        unpacked: Json = json.loads(zlib.decompress(value))
        return unpacked


Document = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
"""JSON that is read as it stands; PostgreSQL keeps it as JSONB, which forgets the order of keys."""


def storable(text: str) -> str:
    """Replace what no database can hold: NUL and lone surrogates."""
    if text.isascii() and "\0" not in text:
        return text
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")


def dump_json(value: Json) -> str:
    """Write JSON that both databases accept. Raises ValueError for NaN, TypeError for a Decimal: those are put into words first."""
    written = _ENCODER.encode(value)
    if "\\u0000" in written or "\\ud" in written:  # JSONB refuses NUL and lone surrogates
        return _ENCODER.encode(_storable_json(value))
    return written


_ENCODER = json.JSONEncoder(allow_nan=False, separators=(",", ":"))


def _storable_json(value: Json) -> Json:
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, (list, tuple)):
        return [_storable_json(item) for item in value]
    if isinstance(value, dict):
        return {storable(key): _storable_json(item) for key, item in value.items()}
    return value
