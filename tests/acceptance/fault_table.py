"""The results of a run of faults, as a table."""

from dataclasses import dataclass, field
from datetime import timedelta

from tests.acceptance.fleet import MINUTE
from tests.acceptance.invariants import is_double


@dataclass(frozen=True, kw_only=True)
class FaultResult:
    fault: str
    recovery: timedelta
    """Simulated time from the fault until everything due is done."""
    violations: tuple[str, ...]
    """Invariants that held before it."""

    @property
    def minutes(self) -> float:
        return self.recovery / MINUTE

    @property
    def duplicates(self) -> int:
        return sum(is_double(sentence) for sentence in self.violations)


@dataclass
class FaultTable:
    results: list[FaultResult] = field(default_factory=list)
    _known: set[str] = field(default_factory=set)

    def record(self, fault: str, *, recovery: timedelta, violations: list[str]) -> FaultResult:
        """Record a fault. A violation that an earlier fault caused is not counted again: a duplicate message stays one."""
        fresh = tuple(sentence for sentence in dict.fromkeys(violations) if sentence not in self._known)
        self._known.update(fresh)
        result = FaultResult(fault=fault, recovery=recovery, violations=fresh)
        self.results.append(result)
        return result

    @property
    def violations(self) -> tuple[str, ...]:
        return tuple(f"{one.fault}: {sentence}" for one in self.results for sentence in one.violations)

    def __str__(self) -> str:
        rows = ["| fault | tried | duplicates | losses | longest recovery (simulated minutes) |", "|---|---:|---:|---:|---:|"]
        rows += [self._row(f"`{name}`" if "/" in name else name, [name]) for name in sorted({one.fault for one in self.results})]
        return "\n".join([*rows, self._row("**all**", [one.fault for one in self.results])])

    def _row(self, title: str, faults: list[str]) -> str:
        mine = [one for one in self.results if one.fault in faults]
        duplicates = sum(one.duplicates for one in mine)
        losses = sum(len(one.violations) for one in mine) - duplicates
        longest = max((one.minutes for one in mine), default=0.0)
        return f"| {title} | {len(mine)} | {duplicates} | {losses} | {longest:.0f} |"
