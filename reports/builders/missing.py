"""What could not be measured, one sentence each, for the first screen; and what the roll-up could not route."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from domain.closing_point import ClosingPoint
from domain.money import format_count
from reports.facts import PlatformFacts, TeamFacts
from reports.formatting import format_instant

MAX_NAMED: Final = 3
"""Components named in a sentence about missing data."""


def list_missing(facts: TeamFacts | PlatformFacts) -> Iterable[str]:
    """Yield what is missing in the figures; nothing if all was measured."""
    now = facts.now
    if now is None:
        yield "No data yet this week." if facts.meta.running else "No data from the end of this week, so its cost is unknown."
        return
    if now.unknown:
        yield f"{len(now.unknown):,} of {format_count(len(now.outcomes), 'component')} could not be measured."
    for as_of, refs in list(now.as_ofs.items())[:-1]:
        of = (
            ", ".join(facts.titles.get(ref) or ref.name for ref in refs)
            if len(refs) <= MAX_NAMED
            else f"{len(refs):,} components"
        )
        yield f"The figures of {of} are of {format_instant(as_of, facts.meta.zone)}: no later measurement succeeded."
    if now.lost_clusters:
        word = "Cluster" if len(now.lost_clusters) == 1 else "Clusters"
        yield f"{word} {', '.join(sorted(now.lost_clusters))}: no data from ScaleOps; its workloads are unknown and not in the sums."
    cost = now.cost_7d
    if not cost.is_complete:
        yield f"The cost of {cost.parts - cost.known:,} of {format_count(cost.parts, 'workload')} is unknown and not in the sums."
    if not now.listing_complete:
        yield "The catalog listing is incomplete: components may be missing."


def describe_measured(now: ClosingPoint) -> str:
    """Return the sentence in place of an empty list of what is missing."""
    return (
        f"Everything was measured: {format_count(len(now.outcomes), 'component')}, {format_count(now.cost_7d.parts, 'workload')}."
    )


def list_missing_routes(facts: TeamFacts | PlatformFacts) -> Iterable[str]:
    """Yield which teams of the roll-up have no channel, and how many reports were skipped."""
    if not isinstance(facts, PlatformFacts):
        return
    if facts.unrouted:
        have = "has no channel of its own" if len(facts.unrouted) == 1 else "have no channel of their own"
        yield f"{format_count(len(facts.unrouted), 'team')} {have}; see Routing below."
    if facts.skipped:
        verb = "was" if len(facts.skipped) == 1 else "were"
        yield f"{format_count(len(facts.skipped), 'report')} {verb} skipped because the worker was down for too long."
