"""Values that every part of a report is made of."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, PlainSerializer

from domain.measures import Total, Unknown

Money: TypeAlias = Annotated[Decimal, PlainSerializer(float, return_type=float, when_used="json")]
"""Exact inside, a number in JSON."""
Share: TypeAlias = Annotated[Decimal, PlainSerializer(float, return_type=float, when_used="json")]
"""A fraction: 0.25 is 25 %."""


Tone: TypeAlias = Literal["", "up", "down"]
"""The direction of a change that deserves attention; empty for any other, which is not to alarm anyone."""


def tone_of(change: Decimal | None, *, deserves_attention: bool) -> Tone:
    """Return the tone of a change; None: there is no comparison."""
    if not change or not deserves_attention:
        return ""
    return "up" if change > 0 else "down"


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

    @property
    def counts(self) -> tuple[int, int] | tuple[None, None]:
        """`known` and `parts`; None twice if their number is unknown, too."""
        amount = Unknown(self.unknown_reason) if self.amount is None else self.amount
        return Total(amount=amount, known=self.known, parts=self.parts).counts


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
