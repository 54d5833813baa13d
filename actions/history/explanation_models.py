"""Input and output of explain_cost_change."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field

from actions.history.models import EntityRefText, PagedInput, PagedOutput
from actions.live.outputs import ApiModel, MaybeNumber, Number


class ExplainInput(PagedInput):
    """Input of explain_cost_change."""

    entity_ref: EntityRefText
    week: Annotated[str | None, Field(description="ISO week; default the last completed one")] = None
    before: Annotated[str | None, Field(description="ISO week to compare with; default the one before")] = None
    limit: Annotated[int, Field(ge=1, le=200, description="Maximum number of movers, largest change first")] = 25


class MoverPlaceRow(ApiModel):
    """One of them."""

    cluster: str
    namespace: str
    amount: Number


class MoverRow(ApiModel):
    """Workloads of one name; null: none existed."""

    workload_name: str
    type: str
    entity_refs: list[str]
    places: list[MoverPlaceRow]
    then: MaybeNumber
    now: MaybeNumber
    amount: Number
    percent: MaybeNumber
    causes: dict[str, Number]
    explanation: str
    other_owner: str | None


class ExplainOutput(PagedOutput):
    """Why the cost of 7 days changed. The causes add up to amount, as do movers, smallAmount and notComparableAmount.

    Unit price: per pod-hour at the same requests and spot share.
    """

    entity_ref: str
    week: str
    before: str
    as_of_before: datetime
    cost_now: MaybeNumber
    cost_then: MaybeNumber
    amount: Number
    explanation: list[str]
    causes: dict[str, Number]
    movers: list[MoverRow]
    small_workloads: Annotated[int, Field(description="Below the noise floor, not listed")]
    small_amount: Number
    not_comparable: int
    not_comparable_amount: Number
