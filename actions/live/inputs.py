"""What the questions take. Names are camelCase outside; what is not named here is refused."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel


class EntityInput(BaseModel):
    """A question about one entity."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True)

    entity_ref: Annotated[
        str, Field(description="Entity reference kind:namespace/name, for example component:default/checkout; any letter case")
    ]


class CostInput(EntityInput):
    """A question about cost."""

    range: Annotated[Literal["7d", "30d", "90d"], Field(description="The time up to now that cost is added up over")] = "7d"


class RecommendationsInput(EntityInput):
    """A question about recommendations."""

    min_savings_threshold: Annotated[
        float,
        Field(
            allow_inf_nan=False,
            description="Leave out what saves less per month; under-provisioned workloads are never left out",
        ),
    ] = 0


class WorkloadInput(EntityInput):
    """A question about all workloads of an entity, or those of one name."""

    workload_name: Annotated[str | None, Field(description="Only workloads of this name, on any cluster")] = None


class NetworkInput(WorkloadInput):
    """A question about network use."""

    time_range_hours: Annotated[
        float, Field(ge=1, le=2160, description="The window up to now, in hours: 1 to 2160 (90 days)")
    ] = 24
