"""The answer about the policies of a component's workloads. Pure."""

from __future__ import annotations

from actions.live import outputs
from actions.live.output_context import OutputContext, name_of
from actions.live.upstream import NO_POLICY, ComponentWorkloads, Policies, policy_of
from clients.http.errors import ServiceError
from domain.workload import Workload


def policies_answer(frame: OutputContext, claim: ComponentWorkloads, policies: Policies) -> outputs.PoliciesOutput:
    """Answer the policy of each workload, by the definitions of its own cluster."""
    definitions = {
        (cluster, policy.name): dict(policy.definition)
        for cluster, answer in policies.items()
        if not isinstance(answer, ServiceError)
        for policy in reversed(answer)  # of two with one name the first counts
    }
    rows = [
        outputs.PolicyRow(
            workload_name=workload.key.name,
            cluster_name=workload.key.cluster,
            namespace=workload.key.namespace,
            type=workload.key.type,
            policy_name=policy_of(workload) or NO_POLICY,
            policy_definition=definitions.get((workload.key.cluster, policy_of(workload) or "")),
            error=_policy_error(workload, policies),
        )
        for workload in claim.workloads
    ]
    return outputs.PoliciesOutput(
        entity=outputs.Entity.of(frame.component),
        currency=frame.currency,
        as_of=frame.as_of,
        warnings=[*claim.warnings, *policy_warnings(claim, policies)],
        workload_policies=rows,
        summary=outputs.PoliciesSummary(
            total_workloads=len(rows),
            workloads_with_policies=sum(1 for row in rows if row.policy_definition is not None),
            unique_policies=list(dict.fromkeys(row.policy_name for row in rows if row.policy_name != NO_POLICY)),
        ),
    )


def policy_warnings(claim: ComponentWorkloads, policies: Policies) -> list[str]:
    """Name clusters whose policies are not known, and policies that a cluster does not have."""
    sentences = {
        f"the policies of {cluster} are missing: {answer}": None
        for cluster, answer in policies.items()
        if isinstance(answer, ServiceError)
    }
    for workload in claim.workloads:
        error = _policy_error(workload, policies)
        if error is not None and not isinstance(policies.get(workload.key.cluster), ServiceError):
            sentences[f"{name_of(workload.key)}: {error}"] = None
    return list(sentences)


def _policy_error(workload: Workload, policies: Policies) -> str | None:
    name = policy_of(workload)
    if name is None:
        return None
    answer = policies[workload.key.cluster]
    if isinstance(answer, ServiceError):
        return str(answer)
    if any(policy.name == name for policy in answer):
        return None
    return f"{workload.key.cluster} has no policy of the name {name}"
