"""How a report names workloads and components, the same in every sentence and table."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from domain.closing_point import ClosingPoint
from domain.refs import EntityRef
from domain.workload import WorkloadKey
from reports import content
from reports.facts import PlatformFacts, TeamFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportNames:
    """The names of one report."""

    titles: Mapping[EntityRef, str]
    """Display names of components."""
    claims: Mapping[WorkloadKey, tuple[EntityRef, ...]]
    ambiguous: frozenset[str]
    """Workload names that stand for several kinds, for example a Deployment and a CronJob."""

    def component(self, ref: EntityRef) -> content.ComponentName:
        """Return a component with its display name."""
        return content.ComponentName(ref=str(ref), title=self.titles.get(ref) or ref.name)

    def owners(self, key: WorkloadKey) -> tuple[content.ComponentName, ...]:
        """Return the components that claim a workload."""
        return tuple(self.component(ref) for ref in self.claims.get(key, ()))

    def label(self, key: WorkloadKey) -> str:
        """Return the name of a workload, with its kind where another kind has the same name."""
        return label_of(key, self.ambiguous)

    def workload(self, key: WorkloadKey) -> content.WorkloadName:
        """Convert a workload key to report content."""
        return workload_name(key, self.ambiguous)


def names_of(
    now: ClosingPoint, then: ClosingPoint | None, titles: Mapping[EntityRef, str], *, others: Iterable[WorkloadKey] = ()
) -> ReportNames:
    """Return the names for what two closing snapshots and a report's other workloads hold; claims of now come first."""
    claims = {**(then.claims if then is not None else {}), **now.claims}
    return ReportNames(titles=titles, claims=claims, ambiguous=ambiguous_names([*claims, *others]))


def workload_name(key: WorkloadKey, ambiguous: Collection[str]) -> content.WorkloadName:
    """Convert a workload key to report content."""
    return content.WorkloadName(
        cluster=key.cluster, namespace=key.namespace, type=key.type, name=key.name, label=label_of(key, ambiguous)
    )


def label_of(key: WorkloadKey, ambiguous: Collection[str]) -> str:
    """Return the name of a workload, with its kind if the name is ambiguous."""
    return f"{key.name} ({key.type})" if key.name in ambiguous else key.name


def ambiguous_names(keys: Iterable[WorkloadKey]) -> frozenset[str]:
    """Return the names that workloads of several kinds have."""
    kinds: dict[str, set[str]] = defaultdict(set)
    for key in keys:
        kinds[key.name].add(key.type)
    return frozenset(name for name, found in kinds.items() if len(found) > 1)


def title_of(facts: TeamFacts | PlatformFacts) -> Callable[[EntityRef], str]:
    """Return how a report names a component or a team."""
    teams = facts.team_titles if isinstance(facts, PlatformFacts) else {facts.team: facts.title}
    return lambda ref: facts.titles.get(ref) or teams.get(ref) or ref.name
