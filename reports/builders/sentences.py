"""Summary sentences of report content, identical in every rendering."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Self

from domain.money import format_count, format_money, format_percent
from reports import content
from reports.formatting import clip, format_amount, format_change, format_coverage, format_place, format_resent, format_saving

NO_TEAM: Final = "No team owned a component."
NO_GAP: Final = "Everything was measured."
MAX_NAME_LENGTH: Final = 60
MAX_POLICIES: Final = 15
MAX_ALERT_NAMES: Final = 5
MAX_LISTED: Final = 5


def remarks(report: content.Report) -> Iterable[str]:
    """Yield remarks about the report: late, sent again, or of the current week."""
    if report.late_reason:
        yield report.late_reason
    if report.again:
        yield format_resent(report.again)
    if report.running:
        yield "This week has not ended; the figures are current, not final."


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFigure:
    """A figure of the first screen, its label, and what to know of it; empty: nothing."""

    label: str
    value: str
    note: str = ""

    @classmethod
    def of_amount(cls, label: str, amount: content.Amount) -> Self:
        """Return an amount with its coverage."""
        return cls(label=label, value=format_amount(amount), note="" if amount.amount is None else format_coverage(amount))


def key_figures(headline: content.Headline) -> Iterator[KeyFigure]:
    """Yield the key figures."""
    yield KeyFigure.of_amount("Cost, 7 days", headline.cost)
    if (like_for_like := headline.like_for_like) is not None:
        moved = format_change(like_for_like.amount, headline.share, headline.cost.currency)
        yield KeyFigure(label="Like for like", value=moved, note=format_count(like_for_like.workloads, "workload"))
    else:
        yield KeyFigure(label="Like for like", value="no comparison")
    yield KeyFigure.of_amount("Savings available, per month", headline.savings_available)
    yield KeyFigure.of_amount("Savings realised, per month", headline.savings_realised)


def format_follow_up(follow: content.FollowUp) -> str:
    """Summarise the follow-up in one sentence."""
    pending = f" (effect pending for {follow.effect_pending:,})" if follow.effect_pending else ""
    counts = (
        (follow.done, f"done{pending}"),
        (follow.no_longer_advised, "no longer advised"),
        (follow.gone, "workload removed"),
        (follow.still_open, "still open"),
        (follow.left_to_automation, "left to ScaleOps automation"),
    )
    listed = ", ".join(f"{number:,} {word}" for number, word in counts if number)
    if not listed:
        unknown = format_count(follow.components_unknown, "component")
        return (
            f"No recommendations are known; {unknown} could not be measured."
            if follow.components_unknown
            else "There were no recommendations."
        )
    realised = "" if follow.realised is None else format_saving(follow.realised, follow.currency)
    saved = f" Realised savings: {realised} a month." if realised else ""
    if follow.realised_unknown:
        saved += f" The savings of {follow.realised_unknown:,} that are done could not be measured."
    return f"{listed[0].upper()}{listed[1:]}.{saved}"


def format_more(actions: content.TopActions, shown: int | None = None) -> str:
    """Summarise what is not shown: further recommendations with their savings, and what is left to automation.

    `shown` is the number of workloads that are shown; by default all that are listed.
    """
    hidden = actions.top[len(actions.top) if shown is None else shown :]
    more = actions.more + sum(one.workloads for one in hidden)
    known = [one for one in (actions.more_savings, *(one.monthly_savings for one in hidden)) if one is not None]
    sentences = []
    if more:
        saving = format_saving(sum(known, Decimal(0)), actions.currency)
        sentences.append(f"{format_count(more, 'more recommendation')}{f', {saving} a month' if saving else ''}.")
    if actions.left_to_automation:
        sentences.append(f"{format_count(actions.left_to_automation, 'workload')} left to ScaleOps automation.")
    return " ".join(sentences)


def format_action_places(action: content.RecommendedAction, shown: int | None = None) -> list[str]:
    """Return a line for each of the first workloads of an action: where it is, and what to change."""
    places = action.places[:shown]
    lines = [f"{one.cluster} / {one.namespace}{': ' if one.sentence else ''}{one.sentence}" for one in places]
    more = action.workloads - len(places)
    return [*lines, f"and {more:,} more"] if more else lines


def format_patch_about(patch: content.ActionPatch) -> str:
    """Return where a change applies, and what to know about it."""
    remarks = " ".join(remark for remark in (patch.no_command_reason, patch.note) if remark)
    return f"{', '.join(patch.places)}{': ' if remarks else ''}{remarks}"


def format_no_actions(actions: content.TopActions) -> str:
    """Return the sentence in place of an empty list of recommendations."""
    if not actions.unknown:
        return "No recommendations that need a decision."
    return f"No recommendations that need a decision are known; those of {format_count(actions.unknown, 'workload')} could not be measured."


def format_alerts(alerts: content.AlertList) -> str:
    """Count the open alerts, and the costs that are usual now."""
    parts = [f"Open alerts: {len(alerts.open):,}."]
    if alerts.became_usual:
        costs = format_count(len(alerts.became_usual), "higher cost")
        verb = "is" if len(alerts.became_usual) == 1 else "are"
        names = format_names(alerts.became_usual, max_names=MAX_ALERT_NAMES)
        parts.append(f"{costs} lasted two weeks and {verb} the usual level now: {names}.")
    return " ".join(parts)


def format_network(network: content.Network) -> str:
    """Summarise the cost of cross-zone traffic and its coverage."""
    parts: list[str] = []
    if network.cross_az_cost is not None:
        parts.append(
            f"{format_money(network.cross_az_cost, network.currency)} of cross-zone traffic, from "
            f"{format_count(network.measured, 'workload')}."
        )
    if network.not_monitored:
        parts.append(f"Network monitoring is off for {format_count(network.not_monitored, 'workload')}.")
    if network.unknown:
        parts.append(f"Unknown for {format_count(network.unknown, 'workload')}.")
    return " ".join(parts) or _format_no_workloads(network.components_unknown)


def _format_no_workloads(components_unknown: int) -> str:
    if not components_unknown:
        return "There are no workloads."
    return f"Unknown: {format_count(components_unknown, 'component')} could not be measured."


def format_routing(routing: content.RoutingProblems) -> str:
    """Summarise routing if there are no problems; empty otherwise."""
    if routing.unrouted or routing.skipped:
        return ""
    if routing.teams == 0:
        return "No team owns a component yet, so no report was due."
    return "Every team has a channel of its own, and no report was skipped."


def format_unallocated(spend: content.UnallocatedSpend) -> str:
    """Summarise the cost that no component claims, and that of the shared namespaces."""
    cost, shared = spend.cost, spend.shared
    apart = (
        f" {format_amount(shared)} more is the cost of shared namespaces." if shared.amount is not None and shared.parts else ""
    )
    if cost.amount is None:
        workloads = f" of {format_count(cost.parts, 'workload')} that no component claims" if cost.parts else ""
        return f"The cost{workloads or ' that no component claims'} is unknown: {cost.unknown_reason}.{apart}"
    if not cost.parts:
        return (
            f"A component claims every workload of the inventory{' outside of shared namespaces' if shared.parts else ''}.{apart}"
        )
    count = len(spend.namespaces.top) + spend.namespaces.more
    is_complete = all(one.known == one.parts for one in (cost, shared, spend.allocated))
    share = "" if spend.share is None else f", {format_percent(spend.share)} of all {'' if is_complete else 'known '}cost,"
    coverage = f" ({format_coverage(cost)})" if format_coverage(cost) else ""
    return (
        f"{format_amount(cost)} for 7 days{coverage}{share} is unallocated: no component claims {format_count(cost.parts, 'workload')} in "
        f"{format_count(count, 'namespace')}.{apart}"
    )


def format_largest(spend: content.UnallocatedSpend) -> str:
    """List the first workloads of the highest unallocated cost; empty without any."""
    return ", ".join(
        f"{clip(one.workload.label, MAX_NAME_LENGTH)} ({clip(format_place(one.workload), MAX_NAME_LENGTH)}) {format_amount(one.cost)}"
        for one in spend.workloads[:MAX_LISTED]
    )


def format_shared(spend: content.UnallocatedSpend) -> str:
    """List the first shared namespaces; empty without any."""
    return ", ".join(
        f"{clip(one.namespace, MAX_NAME_LENGTH)} ({clip(one.cluster, MAX_NAME_LENGTH)}) {format_amount(one.cost)}"
        for one in spend.shared_namespaces.top[:MAX_LISTED]
    )


def format_not_in_sums(spend: content.UnallocatedSpend) -> str:
    """Return what the sums do not include; empty if nothing."""
    return f"Not in these sums: {'; '.join(spend.missing)}." if spend.missing else ""


def format_automation(automation: content.Automation) -> str:
    """Summarise automation and policies."""
    if not automation.workloads:
        return _format_no_workloads(automation.components_unknown)
    if not automation.known:
        return f"Automation is unknown for all {format_count(automation.workloads, 'workload')}."
    sentences = [f"{automation.automated:,} of {format_count(automation.known, 'workload')} automated."]
    if automation.known < automation.workloads:
        sentences.append(f"Unknown for {automation.workloads - automation.known:,}.")
    named = ", ".join(f"{clip(use.policy, 40)} {use.workloads:,}" for use in automation.policies[:MAX_POLICIES])
    if named:
        sentences.append(f"Policies: {named}.")
    if automation.without_policy:
        sentences.append(f"Without a policy: {automation.without_policy:,}.")
    return " ".join(sentences)


def format_names(names: Sequence[str], *, max_names: int) -> str:
    """List the first names, each clipped, and the number of others."""
    shown = ", ".join(clip(name, MAX_NAME_LENGTH) for name in names[:max_names])
    return shown if len(names) <= max_names else f"{shown} and {len(names) - max_names:,} more"
