"""What a whole run of faults came to, as a table."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from tests.acceptance.fleet import MINUTE
from tests.acceptance.promises import is_double


@dataclass(frozen=True, kw_only=True)
class Tried:
    """One fault, once."""

    fault: str
    recovery: timedelta
    """Of simulated time: from the fault until everything was as if it had not happened."""
    broken: tuple[str, ...]
    """Promises that were kept before it, and are not any more."""

    @property
    def minutes(self) -> float:
        """The recovery in minutes."""
        return self.recovery / MINUTE

    @property
    def doubled(self) -> int:
        """How much came twice."""
        return sum(is_double(sentence) for sentence in self.broken)


@dataclass
class FaultTable:
    """Every fault that was tried."""

    tried: list[Tried] = field(default_factory=list)
    _known: set[str] = field(default_factory=set)

    def note(self, fault: str, *, recovery: timedelta, broken: list[str]) -> Tried:
        """Write a fault down. What was broken before it is not its doing: a message that is doubled stays so."""
        fresh = tuple(sentence for sentence in dict.fromkeys(broken) if sentence not in self._known)
        self._known.update(fresh)
        one = Tried(fault=fault, recovery=recovery, broken=fresh)
        self.tried.append(one)
        return one

    @property
    def broken(self) -> tuple[str, ...]:
        """Every broken promise with the fault that broke it."""
        return tuple(f"{one.fault}: {sentence}" for one in self.tried for sentence in one.broken)

    def __str__(self) -> str:
        """Draw it in Markdown: fault, how often tried, what came twice, what was lost (stuck or wrong), the longest recovery."""
        rows = [
            "| fault | tried | duplicates | losses | longest recovery (simulated minutes) |",
            "|---|---:|---:|---:|---:|",
        ]
        rows += [self._row(f"`{name}`" if "/" in name else name, [name]) for name in sorted({one.fault for one in self.tried})]
        return "\n".join([*rows, self._row("**all**", [one.fault for one in self.tried])])

    def _row(self, title: str, faults: list[str]) -> str:
        mine = [one for one in self.tried if one.fault in faults]
        doubled = sum(one.doubled for one in mine)
        lost = sum(len(one.broken) for one in mine) - doubled
        longest = max((one.minutes for one in mine), default=0.0)
        return f"| {title} | {len(mine)} | {doubled} | {lost} | {longest:.0f} |"
