"""Inputs of the live actions: camelCase names, unknown ones rejected."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel


class EntityInput(BaseModel):
    """Input of every live action."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True)

    entity_ref: Annotated[
        str, Field(description="Entity reference kind:namespace/name, for example component:default/checkout; any letter case")
    ]


class CostInput(EntityInput):
    """Input of the cost analysis."""

    range: Annotated[Literal["7d", "30d", "90d"], Field(description="Cost of this range up to now")] = "7d"


class RecommendationsInput(EntityInput):
    """Input of the recommendations."""

    min_savings_threshold: Annotated[
        float,
        Field(allow_inf_nan=False, description="Minimum savings per month; under-provisioned workloads are always included"),
    ] = 0


class WorkloadInput(EntityInput):
    """Input of actions that can be narrowed to workloads of one name."""

    workload_name: Annotated[str | None, Field(description="Only workloads of this name, on any cluster")] = None


DEFAULT_HOURS: Final = 24


def _default_for_zero(hours: object) -> object:
    """Take 0 for the default, as the predecessor does."""
    return DEFAULT_HOURS if hours == 0 and hours is not False else hours


class NetworkInput(WorkloadInput):
    """Input of the network usage."""

    time_range_hours: Annotated[
        float,
        Field(ge=1, le=2160, description="The window up to now, in hours: 1 to 2160 (90 days)"),
        BeforeValidator(_default_for_zero),
    ] = DEFAULT_HOURS
