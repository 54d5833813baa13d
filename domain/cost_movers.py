"""The movers of a decomposition: workloads of one name over clusters and namespaces, and what is too small to be listed alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from domain.cost_change import CostComparison
from domain.cost_decomposition import CauseParts, CostCause, CostDecomposition, ExplainedChange, exact_sum, sum_parts
from domain.money import change_share
from domain.refs import EntityRef

NoiseFloor = Callable[[Decimal], Decimal]
"""The smallest change that means something, of a cost for 7 days."""


@dataclass(frozen=True, kw_only=True)
class CostMover:
    """The workloads of one name and type that the same components own, over clusters and namespaces."""

    components: tuple[EntityRef, ...]
    type: str
    name: str
    workloads: tuple[ExplainedChange, ...]
    """Largest change first."""

    @cached_property
    def amount(self) -> Decimal:
        """The change of their cost."""
        return exact_sum(one.change.amount for one in self.workloads)

    @cached_property
    def parts(self) -> CauseParts:
        """The causes, whose parts add up to `amount`."""
        return sum_parts(one.parts for one in self.workloads)

    @cached_property
    def then(self) -> Decimal:
        """Their cost for 7 days then, nothing for one that did not exist."""
        return exact_sum(one.change.then or Decimal(0) for one in self.workloads)

    @cached_property
    def now(self) -> Decimal:
        """Their cost for 7 days now."""
        return exact_sum(one.change.now or Decimal(0) for one in self.workloads)

    @property
    def share(self) -> Decimal | None:
        """The change as a share of the cost then; None if that is no base for a percentage."""
        return change_share(self.amount, base=self.then)

    @property
    def causes(self) -> tuple[CostCause, ...]:
        """The causes, those in the direction of the change first, then by size."""
        return tuple(sorted(self.parts, key=lambda cause: (self.parts[cause] * self.amount < 0, -abs(self.parts[cause]))))


@dataclass(frozen=True, kw_only=True)
class RestOfChange:
    """The workloads that are not listed alone, and their part of the change."""

    workloads: int = 0
    amount: Decimal = Decimal(0)


@dataclass(frozen=True, kw_only=True)
class CostMovers:
    """A decomposition by mover: the movers, what is below the noise floor, and what cannot be compared add up to its amount."""

    amount: Decimal
    movers: tuple[CostMover, ...]
    """Largest change first."""
    small: RestOfChange
    """Each below the noise floor."""
    not_comparable: RestOfChange


def group_movers(decomposition: CostDecomposition, noise_floor: NoiseFloor) -> CostMovers:
    """Group the changes of a decomposition by component and workload."""
    grouped: dict[tuple[tuple[EntityRef, ...], str, str], list[ExplainedChange]] = {}
    unknown: list[ExplainedChange] = []
    for one in decomposition.workloads:
        change = one.change
        if change.comparison is CostComparison.NOT_COMPARABLE:
            unknown.append(one)
        else:
            grouped.setdefault((change.components, change.key.type, change.key.name), []).append(one)
    found = [
        CostMover(
            components=components,
            type=kind,
            name=name,
            workloads=tuple(sorted(some, key=lambda one: (-abs(one.change.amount), one.change.key))),
        )
        for (components, kind, name), some in grouped.items()
    ]
    large = [one for one in found if abs(one.amount) >= noise_floor(one.then)]
    small = [each for one in found if abs(one.amount) < noise_floor(one.then) for each in one.workloads if each.change.amount]
    return CostMovers(
        amount=decomposition.amount,
        movers=tuple(sorted(large, key=lambda one: (-abs(one.amount), one.name, one.type, one.components))),
        small=_rest(small),
        not_comparable=_rest(unknown),
    )


def _rest(changes: list[ExplainedChange]) -> RestOfChange:
    return RestOfChange(workloads=len(changes), amount=exact_sum(one.change.amount for one in changes))
