"""The answers as they leave the house: the predecessor's fields by their names, and ours beside them.

Shapes: the actions of `@terasky/backstage-plugin-scaleops-backend` 1.8.0. Fields may be added, none renamed or removed.
A number that ScaleOps left out is null here and named in `warnings`.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal, TypeAlias, Union

from pydantic import BaseModel, ConfigDict, Field, JsonValue, SkipValidation, WithJsonSchema
from pydantic.alias_generators import to_camel

from domain.component import Component

Number: TypeAlias = Annotated[Union[int, float], WithJsonSchema({"type": "number"})]  # noqa: UP007 - it is the schema's form
MaybeNumber: TypeAlias = Union[Number, None]  # noqa: UP007 - as above


def number(value: Decimal | float | None) -> int | float | None:
    """Turn an amount into the number of JSON: whole ones without a point."""
    return None if value is None else figure(value)


def figure(value: Decimal | float) -> int | float:
    """Turn a known amount into the number of JSON."""
    whole = int(value)
    return whole if whole == value else float(value)


class ApiModel(BaseModel):
    """What all parts of an answer share: camelCase outside, snake_case inside."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True)


class Entity(ApiModel):
    """The entity that was asked about, as it spells itself."""

    name: str
    namespace: str
    kind: str

    @classmethod
    def of(cls, component: Component) -> Entity:
        """Take the spelling of a component."""
        return cls(name=component.spelled_name, namespace=component.spelled_namespace, kind=component.spelled_kind)


class ActionOutput(ApiModel):
    """What every answer says of itself."""

    entity: Entity
    currency: Annotated[str, Field(description="ISO 4217 code of all money in this answer; a setting, ScaleOps names none")]
    as_of: Annotated[datetime, Field(description="When ScaleOps was asked")]
    warnings: Annotated[list[str], Field(description="What is missing or uncertain in this answer, each in one sentence")]


class WorkloadRow(ApiModel):
    """One workload; requests and recommendations per pod, savings per month."""

    cluster_name: str
    namespace: str
    workload_name: str
    type: str
    policy_name: str | None
    auto: bool | None
    cpu_requests: Annotated[MaybeNumber, Field(description="millicores per pod")]
    mem_requests: Annotated[MaybeNumber, Field(description="bytes per pod")]
    cpu_recommended: Annotated[MaybeNumber, Field(description="millicores per pod")]
    mem_recommended: Annotated[MaybeNumber, Field(description="bytes per pod")]
    is_under_provisioned: bool | None
    is_over_provisioned: bool | None
    savings_available: Annotated[MaybeNumber, Field(description="per month")]
    active_savings: Annotated[MaybeNumber, Field(description="per month")]
    replicas: int | None
    oom_count_last24h: Annotated[int | None, Field(alias="oomCountLast24h")]
    dashboard_url: str | None


class DataSummary(ApiModel):
    """The workloads of a component, counted and added up."""

    total_workloads: int
    total_savings_available: Annotated[Number, Field(description="per month")]
    total_active_savings: Annotated[Number, Field(description="per month")]
    automated_workloads: int
    over_provisioned_count: int
    under_provisioned_count: int


class DataOutput(ActionOutput):
    """The workloads of a component with requests, recommendations and savings."""

    period: Annotated[Literal["month"], Field(description="Savings are per month of 720 hours")] = "month"
    workloads: list[WorkloadRow]
    summary: DataSummary


class CostItem(ApiModel):
    """The cost of one workload over the range."""

    workload_name: Annotated[str, Field(description="as the cost report names it; its id where it gives no name")]
    cluster_name: str
    namespace: str
    type: str
    total_cost: Annotated[MaybeNumber, Field(description="over the range")]
    hourly_cost: Annotated[MaybeNumber, Field(description="as ScaleOps says it; often 0, prefer totalCost / hours")]
    spot_percent: Annotated[MaybeNumber, Field(description="0 to 100")]
    on_demand_percent: Annotated[MaybeNumber, Field(description="0 to 100")]
    savings_available: Annotated[MaybeNumber, Field(description="over the range, not per month")]
    dashboard_url: str | None


class CostSummary(ApiModel):
    """The cost of a component over the range."""

    total_cost: MaybeNumber
    average_hourly_cost: Annotated[MaybeNumber, Field(description="mean of the workloads' hourlyCost; see totalHourlyCost")]
    total_hourly_cost: Annotated[MaybeNumber, Field(description="totalCost / hours in the range")]
    total_savings_available: Annotated[MaybeNumber, Field(description="over the range")]
    total_workloads: int
    workloads_with_cost: int


class CostOutput(ActionOutput):
    """What the workloads of a component cost, on every cluster they run on."""

    period: Annotated[Literal["7d", "30d", "90d"], Field(description="Cost and savings are for this range up to asOf")]
    cost_analysis: list[CostItem]
    summary: CostSummary


class RecommendationRow(ApiModel):
    """One workload and what is wrong with it."""

    workload_name: str
    namespace: str
    cluster_name: str
    type: str
    issue: Literal["over-provisioned", "under-provisioned", "not-automated"]
    current_cpu: Annotated[MaybeNumber, Field(alias="currentCPU", description="millicores per pod")]
    recommended_cpu: Annotated[MaybeNumber, Field(alias="recommendedCPU", description="millicores per pod")]
    current_memory: Annotated[MaybeNumber, Field(description="bytes per pod")]
    recommended_memory: Annotated[MaybeNumber, Field(description="bytes per pod")]
    savings_available: Annotated[MaybeNumber, Field(description="per month")]
    automated: bool | None
    priority: Literal["high", "medium", "low"]
    oom_count_last24h: Annotated[int | None, Field(alias="oomCountLast24h")]
    dashboard_url: str | None


class RecommendationsSummary(ApiModel):
    """The recommendations counted and added up."""

    total_recommendations: int
    high_priority: int
    total_potential_savings: Annotated[Number, Field(description="per month")]


class RecommendationsOutput(ActionOutput):
    """What to do about the workloads of a component, the most pressing first."""

    period: Annotated[Literal["month"], Field(description="Savings are per month of 720 hours")] = "month"
    recommendations: list[RecommendationRow]
    summary: RecommendationsSummary


class FlowFigures(ApiModel):
    """Total, outgoing and incoming."""

    total: MaybeNumber
    egress: MaybeNumber
    ingress: MaybeNumber


class DestinationRow(ApiModel):
    """One peer of a workload; cost over the window, traffic in bytes."""

    name: Annotated[str | None, Field(alias="Name")]
    namespace: Annotated[str | None, Field(alias="Namespace")]
    workload_type: Annotated[str | None, Field(alias="WorkloadType")]
    replicas: int | None
    total_cost: FlowFigures | None
    intra_az_cost: Annotated[FlowFigures | None, Field(alias="intraAZCost")]
    cross_az_cost: Annotated[FlowFigures | None, Field(alias="crossAZCost")]
    total_traffic: FlowFigures | None
    intra_az_traffic: Annotated[FlowFigures | None, Field(alias="intraAZTraffic")]
    cross_az_traffic: Annotated[FlowFigures | None, Field(alias="crossAZTraffic")]


class NetworkRow(ApiModel):
    """The network of one workload over the window."""

    workload_name: str
    cluster_name: str
    namespace: str
    type: str
    network_cost_enabled: Annotated[bool | None, Field(description="null: ScaleOps did not say; see error")]
    total_network_cost: Annotated[MaybeNumber, Field(description="null: not measured")]
    total_traffic: Annotated[MaybeNumber, Field(description="bytes; null: not measured")]
    error: Annotated[str | None, Field(description="Why it was not measured although it should have been")]
    dashboard_url: str | None
    destinations: list[DestinationRow]


class NetworkSummary(ApiModel):
    """The network of a component: sums over what was measured."""

    total_workloads: int
    measured_workloads: int
    total_network_cost: Annotated[MaybeNumber, Field(description="null: of none that is watched could it be measured")]
    total_traffic: MaybeNumber


class NetworkOutput(ActionOutput):
    """Whom the workloads of a component talk to, and what that costs."""

    period: Annotated[str, Field(description="The window up to asOf, for example 24h")]
    workload_network_data: list[NetworkRow]
    summary: NetworkSummary


class PolicyRow(ApiModel):
    """The policy of one workload; `policyDefinition` is the custom resource untouched."""

    workload_name: str
    cluster_name: str
    namespace: str
    type: str
    policy_name: str
    policy_definition: SkipValidation[dict[str, JsonValue]] | None
    error: Annotated[str | None, Field(description="Why the definition is missing although there is a policy")]


class PoliciesSummary(ApiModel):
    """The policies of a component."""

    total_workloads: int
    workloads_with_policies: int
    unique_policies: list[str]


class PoliciesOutput(ActionOutput):
    """The policy of each workload, with its definition."""

    period: Annotated[Literal["now"], Field(description="Policies are as they are at asOf")] = "now"
    workload_policies: list[PolicyRow]
    summary: PoliciesSummary
