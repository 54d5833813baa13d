"""The sections that the roll-up of all teams alone has."""

from __future__ import annotations

from typing import Literal

from reports.content.values import Amount, ContentModel, Money, Share, Tone, tone_of


class TeamSummary(ContentModel):
    """One team of the roll-up."""

    ref: str
    title: str
    cost: Amount
    like_for_like: Money | None
    share: Share | None
    is_noise: bool = False
    """True if the like-for-like change is below the noise floor."""
    savings_available: Amount
    savings_realised: Amount
    components: int
    components_measured: int
    link: str | None

    @property
    def tone(self) -> Tone:
        """The direction of a like-for-like change above the noise floor."""
        return tone_of(self.like_for_like, deserves_attention=not self.is_noise)


class TeamOverview(ContentModel):
    """All teams, highest cost first."""

    kind: Literal["teams"] = "teams"
    teams: tuple[TeamSummary, ...]


class UnroutedTeam(ContentModel):
    """A team without a channel of its own."""

    ref: str
    title: str
    reason: str


class RoutingProblems(ContentModel):
    """Teams without a route, reports that were skipped, and annotations that could not be used."""

    kind: Literal["routing"] = "routing"
    unrouted: tuple[UnroutedTeam, ...]
    skipped: tuple[str, ...]
    """One sentence per skipped report."""
    teams: int | None = None
    """Number of teams that own a component."""
    problems: tuple[str, ...] = ()
    """What the catalog entities of teams say that could not be used, one sentence each."""
