"""The actions about a component's workloads: their data, and the recommendations for them."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from actions.context import LiveContext
from actions.live import outputs
from actions.live.inputs import EntityInput, RecommendationsInput
from actions.live.outputs import enumerated, fields_of, left_out, name_of, number, sum_known
from actions.live.upstream import fetch_own_workloads
from domain.advice import Advice, IssuePriority, format_memory_conflict, recommend
from domain.component import Component
from domain.workload import Workload


def get_data(live: LiveContext, component: Component, _: EntityInput) -> outputs.DataOutput:
    """Return the workloads of a component; sums are over what is known."""
    owned = fetch_own_workloads(component, live)
    workloads = owned.workloads
    return outputs.DataOutput(
        entity=outputs.Entity.of(component),
        currency=live.currency,
        as_of=live.clock(),
        warnings=[*owned.warnings, *missing_numbers(workloads)],
        workloads=[
            outputs.WorkloadRow(
                **fields_of(workload.key),
                policy_name=workload.policy_name,
                auto=workload.automated,
                cpu_requests=number(workload.cpu_request_millicores),
                mem_requests=number(workload.memory_request_bytes),
                cpu_recommended=number(workload.cpu_recommended_millicores),
                mem_recommended=number(workload.memory_recommended_bytes),
                is_under_provisioned=workload.under_provisioned,
                is_over_provisioned=workload.over_provisioned,
                savings_available=number(workload.savings_available_per_month),
                active_savings=number(workload.active_savings_per_month),
                replicas=workload.replicas,
                oom_count_last24h=workload.oom_kills_24h,
                dashboard_url=live.link(workload.key.name, owned.found_by[workload.key]),
            )
            for workload in workloads
        ],
        summary=outputs.DataSummary(
            total_workloads=len(workloads),
            total_savings_available=sum_known(workload.savings_available_per_month for workload in workloads),
            total_active_savings=sum_known(workload.active_savings_per_month for workload in workloads),
            automated_workloads=sum(1 for workload in workloads if workload.automated),
            over_provisioned_count=sum(1 for workload in workloads if workload.over_provisioned),
            under_provisioned_count=sum(1 for workload in workloads if workload.under_provisioned),
        ),
    )


def get_recommendations(live: LiveContext, component: Component, query: RecommendationsInput) -> outputs.RecommendationsOutput:
    """Return the recommendations for a component, most urgent first."""
    owned = fetch_own_workloads(component, live)
    advice = recommend(owned.workloads, min_savings_per_month=Decimal(repr(query.min_savings_threshold)))
    return outputs.RecommendationsOutput(
        entity=outputs.Entity.of(component),
        currency=live.currency,
        as_of=live.clock(),
        warnings=[*owned.warnings, *missing_numbers(owned.workloads), *_memory_conflicts(advice)],
        recommendations=[
            outputs.RecommendationRow(
                **fields_of((workload := item.workload).key),
                issue=item.issue.value,
                current_cpu=number(workload.cpu_request_millicores),
                recommended_cpu=number(workload.cpu_recommended_millicores),
                current_memory=number(workload.memory_request_bytes),
                recommended_memory=number(workload.memory_recommended_bytes),
                advised_memory=number(item.memory_bytes),
                caution=format_memory_conflict(workload.oom_kills_24h) if item.keeps_memory else None,
                savings_available=number(workload.savings_available_per_month),
                automated=workload.automated,
                priority=item.priority.value,
                oom_count_last24h=workload.oom_kills_24h,
                dashboard_url=live.link(workload.key.name, owned.found_by[workload.key]),
            )
            for item in advice
        ],
        summary=outputs.RecommendationsSummary(
            total_recommendations=len(advice),
            high_priority=sum(1 for item in advice if item.priority is IssuePriority.HIGH),
            total_potential_savings=sum_known(item.workload.savings_available_per_month for item in advice),
        ),
    )


def _memory_conflicts(advice: Iterable[Advice]) -> list[str]:
    """Return a warning for each workload that ScaleOps would give less memory, and that was OOM-killed or may have been."""
    return [
        f"{name_of(item.workload.key)}: {format_memory_conflict(item.workload.oom_kills_24h)}"
        for item in advice
        if item.keeps_memory
    ]


def missing_numbers(workloads: Iterable[Workload]) -> list[str]:
    """Return a warning for each workload of which ScaleOps left out a number, or sent one that cannot be read."""
    warnings = []
    for workload in workloads:
        missing = left_out(
            {
                "policyName": workload.policy_name,
                "auto": workload.automated,
                "isUnderProvisioned": workload.under_provisioned,
                "isOverProvisioned": workload.over_provisioned,
                "cpuRequests": workload.cpu_request_millicores,
                "memRequests": workload.memory_request_bytes,
                "cpuRecommended": workload.cpu_recommended_millicores,
                "memRecommended": workload.memory_recommended_bytes,
                "savingsAvailable": workload.savings_available_per_month,
                "activeSavings": workload.active_savings_per_month,
            },
            unreadable=workload.unreadable,
        )
        if missing:
            warnings.append(f"ScaleOps left out {missing} of {name_of(workload.key)}")
        if workload.unreadable:
            warnings.append(
                f"ScaleOps sent {enumerated(workload.unreadable)} of {name_of(workload.key)} in a form that cannot be read"
            )
    return warnings
