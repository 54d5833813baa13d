"""Values that every part of a report is made of."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, PlainSerializer

Money: TypeAlias = Annotated[Decimal, PlainSerializer(float, return_type=float, when_used="json")]
"""Exact inside, a number in JSON."""
Share: TypeAlias = Annotated[Decimal, PlainSerializer(float, return_type=float, when_used="json")]
"""A fraction: 0.25 is 25 %."""


class ContentModel(BaseModel):
    """Base of the content models: frozen, unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Amount(ContentModel):
    """An amount of money with its period, coverage and as-of."""

    amount: Money | None
    currency: str
    period: Literal["7 days", "month"]
    known: int
    """Workloads included in the amount, of `parts`."""
    parts: int
    as_of: datetime | None
    unknown_reason: str = ""


class WorkloadName(ContentModel):
    """Identifies a workload."""

    cluster: str
    namespace: str
    type: str
    name: str
    label: str
    """The name to show: with the kind where another kind has the same name."""


class ComponentName(ContentModel):
    """A component and its display name."""

    ref: str
    title: str
