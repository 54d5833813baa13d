"""JSON outputs of the live actions: the predecessor's fields by their names, and ours.

Predecessor: the actions of `@terasky/backstage-plugin-scaleops-backend` 1.8.0. Fields may be added, none renamed or removed.
A number that ScaleOps left out is null and named in `warnings`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal, TypeAlias, TypedDict, Union

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, SkipValidation, WithJsonSchema
from pydantic.alias_generators import to_camel

from domain.component import Component
from domain.measures import Unknown, total_of
from domain.workload import WorkloadKey

Number: TypeAlias = Annotated[Union[int, float], WithJsonSchema({"type": "number"})]  # noqa: UP007 - the form of the schema
MaybeNumber: TypeAlias = Union[Number, None]  # noqa: UP007 - as above


def number(value: Decimal | float | Unknown | None) -> int | float | None:
    """Return an amount as a JSON number; null if it is unknown."""
    return None if value is None or isinstance(value, Unknown) else figure(value)


def figure(value: Decimal | float) -> int | float:
    """Return a known amount as a JSON number: an integer if it has no fraction."""
    whole = int(value)
    return whole if whole == value else float(value)


def sum_known(values: Iterable[Decimal | None]) -> int | float | None:
    """Return the sum of the known values; null if there are values and none is known."""
    return number(total_of(Unknown("") if value is None else value for value in values).amount)


def name_of(key: WorkloadKey) -> str:
    """Return the name of a workload for a message."""
    return f"{key.name} ({key.type} in {key.namespace} on {key.cluster})"


def left_out(fields: Mapping[str, object], *, unreadable: Collection[str] = ()) -> str:
    """Return the names of the fields without a value for a message, but for the unreadable ones; empty if there are none."""
    return enumerated([name for name, value in fields.items() if value is None and name not in unreadable])


def enumerated(names: Sequence[str]) -> str:
    """Return names for a message: `a, b and c`."""
    return " and ".join(part for part in (", ".join(names[:-1]), *names[-1:]) if part)


class ApiModel(BaseModel):
    """Base of all output models: camelCase in JSON, snake_case in Python."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True)


class WorkloadFieldValues(TypedDict):
    """The fields that name a workload in a row."""

    workload_name: str
    cluster_name: str
    namespace: str
    type: str


def fields_of(key: WorkloadKey) -> WorkloadFieldValues:
    """Return the fields that name a workload in a row."""
    return {"workload_name": key.name, "cluster_name": key.cluster, "namespace": key.namespace, "type": key.type}


class WorkloadFields(ApiModel):
    """Base of the rows about one workload."""

    workload_name: str
    cluster_name: str
    namespace: str
    type: str


class Entity(ApiModel):
    """The entity, as it spells itself."""

    name: str
    namespace: str
    kind: str

    @classmethod
    def of(cls, component: Component) -> Entity:
        """Return the spelling of a component."""
        return cls(name=component.spelled_name, namespace=component.spelled_namespace, kind=component.spelled_kind)


class ActionOutput(ApiModel):
    """Fields of every live output."""

    entity: Entity
    currency: Annotated[str, Field(description="ISO 4217 code of all money in this output; a setting, ScaleOps names none")]
    as_of: Annotated[datetime, Field(description="When ScaleOps was queried")]
    warnings: Annotated[list[str], Field(description="What is missing or uncertain in this output, one sentence each")]


class WorkloadRow(WorkloadFields):
    """One workload; requests and recommendations per pod, savings per month."""

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
    """Counts and sums over the workloads of a component."""

    total_workloads: int
    total_savings_available: Annotated[MaybeNumber, Field(description="per month; null: no workload's is known")]
    total_active_savings: Annotated[MaybeNumber, Field(description="per month; null: no workload's is known")]
    automated_workloads: int
    over_provisioned_count: int
    under_provisioned_count: int


class DataOutput(ActionOutput):
    """The workloads of a component with requests, recommendations and savings."""

    period: Annotated[Literal["month"], Field(description="Savings are per month of 720 hours")] = "month"
    workloads: list[WorkloadRow]
    summary: DataSummary


class CostItem(WorkloadFields):
    """The cost of one workload over the range."""

    workload_name: Annotated[str, Field(description="as in the cost report; as in the workload list if that has no name")]
    total_cost: Annotated[MaybeNumber, Field(description="over the range")]
    hourly_cost: Annotated[MaybeNumber, Field(description="as ScaleOps reports it; often 0, prefer totalCost / hours")]
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
    """The cost of the workloads of a component, on every cluster they run on."""

    period: Annotated[Literal["7d", "30d", "90d"], Field(description="Cost and savings are for this range up to asOf")]
    cost_analysis: list[CostItem]
    summary: CostSummary


class RecommendationRow(WorkloadFields):
    """One workload and what to change."""

    issue: Literal["over-provisioned", "under-provisioned", "not-automated"]
    current_cpu: Annotated[MaybeNumber, Field(alias="currentCPU", description="millicores per pod")]
    recommended_cpu: Annotated[MaybeNumber, Field(alias="recommendedCPU", description="millicores per pod")]
    current_memory: Annotated[MaybeNumber, Field(description="bytes per pod")]
    recommended_memory: Annotated[MaybeNumber, Field(description="bytes per pod, the number of ScaleOps; request advisedMemory")]
    advised_memory: Annotated[MaybeNumber, Field(description="bytes per pod to request: never less than now after an OOM kill")]
    caution: Annotated[str | None, Field(description="why advisedMemory is not recommendedMemory")]
    savings_available: Annotated[MaybeNumber, Field(description="per month")]
    automated: bool | None
    priority: Literal["high", "medium", "low"]
    oom_count_last24h: Annotated[int | None, Field(alias="oomCountLast24h")]
    dashboard_url: str | None


class RecommendationsSummary(ApiModel):
    """Counts and sums over the recommendations."""

    total_recommendations: int
    high_priority: int
    total_potential_savings: Annotated[MaybeNumber, Field(description="per month; null: no workload's is known")]


class RecommendationsOutput(ActionOutput):
    """Recommendations for the workloads of a component, most urgent first."""

    period: Annotated[Literal["month"], Field(description="Savings are per month of 720 hours")] = "month"
    recommendations: list[RecommendationRow]
    summary: RecommendationsSummary


class FlowFigures(ApiModel):
    """Total, outgoing and incoming."""

    total: Annotated[MaybeNumber, BeforeValidator(number)]
    egress: Annotated[MaybeNumber, BeforeValidator(number)]
    ingress: Annotated[MaybeNumber, BeforeValidator(number)]


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


class NetworkRow(WorkloadFields):
    """The network of one workload over the window."""

    network_cost_enabled: Annotated[bool | None, Field(description="null: unknown; see error")]
    total_network_cost: Annotated[MaybeNumber, Field(description="null: not measured")]
    total_traffic: Annotated[MaybeNumber, Field(description="bytes; null: not measured")]
    error: Annotated[str | None, Field(description="Why the measurement failed")]
    dashboard_url: str | None
    destinations: list[DestinationRow]


class NetworkSummary(ApiModel):
    """The network of a component: sums over what was measured."""

    total_workloads: int
    measured_workloads: int
    total_network_cost: Annotated[MaybeNumber, Field(description="null: every measurement failed")]
    total_traffic: MaybeNumber


class NetworkOutput(ActionOutput):
    """The network peers of the workloads of a component, with traffic and cost."""

    period: Annotated[str, Field(description="The window up to asOf, for example 24h")]
    workload_network_data: list[NetworkRow]
    summary: NetworkSummary


class PolicyRow(WorkloadFields):
    """The policy of one workload; `policyDefinition` is the custom resource unchanged."""

    policy_name: str
    policy_definition: SkipValidation[dict[str, JsonValue]] | None
    error: Annotated[str | None, Field(description="Why the definition is missing")]


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
