"""Whether a team's week is quiet: one in which nothing is unusual and nothing new is advised is reported in one short message.

What is unknown is never quiet, and neither is a week that cannot be compared with enough others.
"""

from __future__ import annotations

from typing import Final

from domain.cost_change import CostChange, CostComparison
from domain.snapshots import Outcome
from domain.usual_range import UsualPosition, compare_with_usual, noise_floor, weekly_change
from reports.facts import TeamFacts

_OTHERS: Final = (
    CostComparison.ADDED,
    CostComparison.REMOVED,
    CostComparison.RAMPING_IN,
    CostComparison.RAMPING_OUT,
    CostComparison.MOVED,
)
_UNDECIDED: Final = frozenset({UsualPosition.TOO_EARLY, UsualPosition.NOT_COMPARABLE})


def is_quiet(facts: TeamFacts, change: CostChange | None) -> bool:
    """Return True if everything of the week and the one before was measured, and nothing of it asks for attention.

    The like-for-like change is usual or noise, no other part of the change reaches the noise floor, no recommendation is new, and no
    alert opened in the week, not even one that has ended since.
    """
    return change is not None and _is_measured(facts) and _is_usual(facts, change) and not _has_news(facts)


def _is_measured(facts: TeamFacts) -> bool:
    return all(
        point is not None and point.is_complete and point.cost_7d.is_complete and not point.lost_clusters
        for point in (facts.now, facts.then)
    )


def _is_usual(facts: TeamFacts, change: CostChange) -> bool:
    if facts.now is None or facts.then is None or change.group(CostComparison.NOT_COMPARABLE).workloads:
        return False
    now, then = facts.now.cost_7d, facts.then.cost_7d
    found = compare_with_usual(weekly_change(facts.meta.week, change.like_for_like, now=now, then=then), facts.changes_before)
    floor = noise_floor(change.like_for_like_then)
    is_other_noise = all(abs(change.group(comparison).amount) < floor for comparison in _OTHERS)
    return found.position not in _UNDECIDED and not found.is_unusual and is_other_noise


def _has_news(facts: TeamFacts) -> bool:
    """Return True if a recommendation or an alert was opened, or a cost became usual, since the week before. A page is no quiet week."""
    before = facts.then.measurements if facts.then is not None else ()
    measured = (one.snapshot for one in before if one.snapshot.outcome is Outcome.MEASURED)
    since = {snapshot.ref: snapshot.as_of for snapshot in measured}
    is_advised = any(one.opened_at > since.get(one.key.entity, facts.followed_since) for one in facts.followed)
    is_alerted = any(alert.since > facts.followed_since for alert in facts.alerts.open) or any(
        one.as_of > facts.followed_since for one in facts.opened
    )
    return is_advised or is_alerted or bool(facts.alerts.became_usual)
