"""The policy of each workload of a component."""

from __future__ import annotations

from collections.abc import Iterator

from actions.context import LiveContext
from actions.live import outputs
from actions.live.inputs import WorkloadInput
from actions.live.outputs import fields_of, name_of
from actions.live.upstream import (
    NO_POLICY,
    ComponentWorkloads,
    Policies,
    fetch_own_workloads,
    policy_calls,
    policy_of,
    set_aside_warning,
)
from clients.http.errors import ServiceError
from domain.component import Component
from domain.workload import Workload, WorkloadKey, set_aside_of


def get_policy_definitions(live: LiveContext, component: Component, query: WorkloadInput) -> outputs.PoliciesOutput:
    """Return the policy of each workload, by the definitions of its own cluster."""
    as_of, policies = live.clock(), Policies()
    owned = fetch_own_workloads(component, live, workload_name=query.workload_name)
    live.fan_out(policy_calls(owned, live.scaleops, into=policies))
    definitions = {
        (cluster, policy.name): dict(policy.definition)
        for cluster, fetched in policies.items()
        if not isinstance(fetched, ServiceError)
        for policy in reversed(fetched)  # of two with one name the first counts
    }
    rows = [
        outputs.PolicyRow(
            **fields_of(workload.key),
            policy_name=policy_of(workload) or NO_POLICY,
            policy_definition=definitions.get((workload.key.cluster, policy_of(workload) or "")),
            error=_policy_error(workload, policies),
        )
        for workload in owned.workloads
    ]
    return outputs.PoliciesOutput(
        entity=outputs.Entity.of(component),
        currency=live.currency,
        as_of=as_of,
        warnings=[*owned.warnings, *policy_warnings(owned, policies)],
        workload_policies=rows,
        summary=outputs.PoliciesSummary(
            total_workloads=len(rows),
            workloads_with_policies=sum(1 for row in rows if row.policy_definition is not None),
            unique_policies=list(dict.fromkeys(row.policy_name for row in rows if row.policy_name != NO_POLICY)),
        ),
    )


def policy_warnings(owned: ComponentWorkloads, policies: Policies) -> list[str]:
    """Return warnings about clusters whose policies are unknown, and about policies that a cluster does not have."""
    missing = [f"{name_of(key)}: {error}" for key, error in _missing_policies(owned, policies)]
    return list(dict.fromkeys([*_unread_policies(policies), *missing]))


def policy_warnings_by_cause(owned: ComponentWorkloads, policies: Policies) -> list[str]:
    """Return the same warnings without the names of workloads."""
    return list(dict.fromkeys([*_unread_policies(policies), *(error for _, error in _missing_policies(owned, policies))]))


def _unread_policies(policies: Policies) -> Iterator[str]:
    for cluster, fetched in policies.items():
        if isinstance(fetched, ServiceError):
            yield f"the policies of {cluster} are missing: {fetched}"
    for cluster, fetched in policies.items():
        if not isinstance(fetched, ServiceError):
            yield from set_aside_warning(set_aside_of(fetched), f"the policies of {cluster}")


def _missing_policies(owned: ComponentWorkloads, policies: Policies) -> Iterator[tuple[WorkloadKey, str]]:
    for workload in owned.workloads:
        error = _policy_error(workload, policies)
        if error is not None and not isinstance(policies.get(workload.key.cluster), ServiceError):
            yield workload.key, error


def _policy_error(workload: Workload, policies: Policies) -> str | None:
    name = policy_of(workload)
    if name is None:
        return None
    fetched = policies[workload.key.cluster]
    if isinstance(fetched, ServiceError):
        return str(fetched)
    if any(policy.name == name for policy in fetched):
        return None
    where = f"{workload.key.cluster} has no policy named {name}"
    return f"{where} that can be read" if set_aside_of(fetched) else where
