"""Which workloads a component owns: those that match its selector, within its annotations and the namespaces the settings allow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from domain.component import Component
from domain.refs import EntityRef
from domain.selectors import SelectorPlan, plan_for


@dataclass(frozen=True, slots=True, kw_only=True)
class Ownership:
    """The rule for one component. Equal values own the same workloads, so a value can be a cache key."""

    ref: EntityRef
    plan: SelectorPlan
    cluster: str | None
    namespace: str | None
    allowed_namespaces: tuple[str, ...] | None

    def matches_annotations(self, *, cluster: object, namespace: object) -> bool:
        """Return True if the component's annotations include a workload that matches its selector."""
        return self.cluster in (None, cluster) and self.namespace in (None, namespace)

    def owns(self, *, cluster: object, namespace: object) -> bool:
        """Return True if a workload that matches the component's selector is its own."""
        is_allowed = self.allowed_namespaces is None or namespace in self.allowed_namespaces
        return is_allowed and self.matches_annotations(cluster=cluster, namespace=namespace)

    def may_own(self, *, cluster: str | None, namespace: str | None) -> bool:
        """Return True if it may own a workload of which this is known; None is not known."""
        is_allowed = self.allowed_namespaces is None or namespace is None or namespace in self.allowed_namespaces
        return (
            is_allowed
            and (None in (self.cluster, cluster) or self.cluster == cluster)
            and (None in (self.namespace, namespace) or self.namespace == namespace)
        )


def ownership_of(component: Component, namespaces_allowed: Mapping[EntityRef, tuple[str, ...]]) -> Ownership:
    """Return the component's rule. The setting `selectors.namespaces` names components, or teams for all of theirs.

    Raises:
        InvalidSelector: the component has no selector that ScaleOps can be queried by.
    """
    return Ownership(
        ref=component.ref,
        plan=plan_for(component),
        cluster=component.cluster_limit,
        namespace=component.namespace_limit,
        allowed_namespaces=namespaces_allowed.get(component.ref, namespaces_allowed.get(component.team)),
    )


def normalized_id(workload_id: str) -> str:
    """Return a workload id as it compares: the workload list and the cost report of a cluster differ in letter case."""
    return workload_id.casefold()
