"""Whether a weekly cost change is usual for a team: the range of its own last weekly changes, like for like.

The usual range is the median of the comparable changes of the 12 weeks before, plus and minus three scaled median absolute deviations
(MAD x 1.4826: the standard deviation, were the changes normally distributed; three of them is the conservative choice of Leys et al.
2013, "Detecting outliers"). Unlike a mean and a standard deviation, both withstand up to half of the weeks being odd: one bad week does
not make the next one usual. Changes are shares of the cost before, so that a range is still right when a team grows.

A week is comparable if enough of its cost and of that of the week right before it was measured. What is below the noise floor is
"about the same", whatever the range.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from statistics import median
from typing import Final

from domain.cost_change import LikeForLike
from domain.measures import Total, is_known
from domain.money import change_share
from domain.weeks import IsoWeek

MAX_WEEKS: Final = 12
MIN_WEEKS: Final = 6
"""With fewer comparable weeks there is no usual range."""
MIN_COVERAGE: Final = Decimal("0.9")
"""Share of the workloads whose cost must be known in both weeks of a change."""
NOISE_SHARE: Final = Decimal("0.02")
NOISE_AMOUNT: Final = Decimal(10)
"""In units of the currency, for 7 days."""
_DEVIATIONS: Final = 3
_MAD_SCALE: Final = Decimal("1.4826")
_ZERO: Final = Decimal(0)


class UsualPosition(StrEnum):
    """Where a change lies."""

    INSIDE = "inside"
    ABOVE = "above"
    BELOW = "below"
    TOO_EARLY = "too early to say"
    """There are fewer than `MIN_WEEKS` comparable weeks."""
    NOT_COMPARABLE = "not comparable"
    """Too little of the week itself, or of the one before, was measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WeeklyChange:
    """The like-for-like change of a week against the week right before it; costs are for 7 days."""

    week: IsoWeek
    amount: Decimal
    cost_then: Decimal
    """What the same workloads cost the week before."""
    is_comparable: bool
    """True if the costs of enough workloads are known in both weeks."""

    @property
    def share(self) -> Decimal | None:
        """The change as a share of the cost then; None if that is no base for a percentage."""
        return change_share(self.amount, base=self.cost_then)

    @property
    def is_noise(self) -> bool:
        """True if the change is below the noise floor of its cost."""
        return is_noise(LikeForLike(amount=self.amount, cost_then=self.cost_then))


@dataclass(frozen=True, slots=True, kw_only=True)
class UsualRange:
    """The usual weekly changes of a team, as shares of its cost: `low <= median <= high`."""

    low: Decimal
    median: Decimal
    high: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class UsualCheck:
    """A change compared with the usual range."""

    position: UsualPosition
    usual: UsualRange | None
    """None with fewer than `MIN_WEEKS` comparable weeks."""
    weeks: int
    """Number of comparable weeks before, of `MAX_WEEKS`."""
    is_noise: bool
    """True if the change is known and below the noise floor."""

    @property
    def is_unusual(self) -> bool:
        """True if the change is above the noise floor and outside the usual range."""
        return self.position in (UsualPosition.ABOVE, UsualPosition.BELOW) and not self.is_noise


def noise_floor(cost_then: Decimal) -> Decimal:
    """Return the smallest change of a cost for 7 days that means something: 2 % of it, and at least 10 units of the currency."""
    return max(NOISE_SHARE * cost_then, NOISE_AMOUNT)


def is_noise(change: LikeForLike) -> bool:
    """Return True if a like-for-like change is below the noise floor of its cost."""
    return abs(change.amount) < noise_floor(change.cost_then)


def is_enough_to_compare(now: Total, then: Total) -> bool:
    """Return True if the costs of two weeks, sums over workloads, cover enough of these to be compared."""
    return all(is_known(one.amount) and one.known >= MIN_COVERAGE * one.parts for one in (now, then))


def weekly_change(week: IsoWeek, like_for_like: LikeForLike, *, now: Total, then: Total) -> WeeklyChange:
    """Return the change of a week. `now` and `then` are the whole costs of it and of the week before."""
    return WeeklyChange(
        week=week, amount=like_for_like.amount, cost_then=like_for_like.cost_then, is_comparable=is_enough_to_compare(now, then)
    )


def usual_range(changes: Iterable[WeeklyChange]) -> UsualRange | None:
    """Return the usual range of comparable changes; None if they are fewer than `MIN_WEEKS`.

    It is never narrower than the noise share on either side: a team that did not change at all has a range, too.
    """
    shares = [share for one in changes if one.is_comparable and (share := one.share) is not None]
    if len(shares) < MIN_WEEKS:
        return None
    middle = median(shares)
    deviation = median(abs(share - middle) for share in shares)
    reach = max(_DEVIATIONS * _MAD_SCALE * deviation, NOISE_SHARE)
    return UsualRange(low=middle - reach, median=middle, high=middle + reach)


def compare_with_usual(change: WeeklyChange | None, before: Iterable[WeeklyChange]) -> UsualCheck:
    """Compare a week's change with those of the weeks before it; of these count the comparable ones of the last 12 weeks.

    Args:
        change: the change of the week; None if one of its two weeks has no closing snapshot.
        before: changes of other weeks, in any order, one per week. Those that are not of the 12 weeks before are left out.
    """
    recent = [one for one in before if change is not None and change.week.shift(-MAX_WEEKS) <= one.week < change.week]
    comparable = [one for one in recent if one.is_comparable and one.share is not None]
    usual = usual_range(comparable)
    return UsualCheck(
        position=_position(change, usual),
        usual=usual,
        weeks=len(comparable),
        is_noise=change is not None and change.is_comparable and change.is_noise,
    )


def _position(change: WeeklyChange | None, usual: UsualRange | None) -> UsualPosition:
    if change is None or not change.is_comparable or change.share is None:
        return UsualPosition.NOT_COMPARABLE
    if usual is None:
        return UsualPosition.TOO_EARLY
    if change.share > usual.high:
        return UsualPosition.ABOVE
    return UsualPosition.BELOW if change.share < usual.low else UsualPosition.INSIDE
