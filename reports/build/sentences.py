"""Sentences that sum up a part of the content, the same in every rendering."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from domain.money import format_count, format_money
from reports import content
from reports.formatting import format_amount, clip, format_coverage, money_or_unknown, format_share

MOST_NAME: Final = 60
"""A name in a sentence is shortened to this many characters."""
MOST_POLICIES: Final = 15


def remarks(report: content.Report) -> Iterable[str]:
    """Say what is unusual about this report: late, made again, of a week that still runs."""
    if report.late_because:
        yield report.late_because
    if report.again:
        yield f"Made again by hand (number {report.again}); the week's own report was sent before."
    if report.running:
        yield "This week has not ended; the numbers are those of now."


def key_figures(headline: content.Headline) -> Iterator[tuple[str, str]]:
    """Answer the figures of the first screen, each with its label."""
    currency = headline.cost.currency
    yield "Cost, 7 days", _with_coverage(headline.cost)
    change = headline.change
    if change is not None and change.like_for_like.workloads:
        share = format_share(change.share)
        moved = format_money(change.like_for_like.amount, currency, signed=True)
        yield (
            "Like for like",
            f"{moved}{f' ({share})' if share else ''}\n{format_count(change.like_for_like.workloads, 'workload')}",
        )
    else:
        yield "Like for like", "nothing to compare with"
    yield "Could be saved, a month", _with_coverage(headline.savings_available)
    yield "Saved by ScaleOps, a month", _with_coverage(headline.savings_realised)
    if change is not None:
        for label, group in (("Added", change.added), ("Removed", change.removed), ("Not comparable", change.not_comparable)):
            if group.workloads:
                yield (
                    label,
                    f"{format_money(group.amount, currency, signed=True)}\n{format_count(group.workloads, 'workload')}",
                )
    if headline.month_to_date is not None:
        yield "Month to date", format_budget(headline.month_to_date)


def format_budget(budget: content.Budget) -> str:
    """Write the month so far, of its budget where there is one, and how many days are in it."""
    spent = money_or_unknown(budget.spent, budget.currency)
    of = "" if budget.monthly_budget is None else f" of {format_money(budget.monthly_budget, budget.currency)}"
    days = "" if budget.known_days == budget.days else f"\n{budget.known_days} of {format_count(budget.days, 'day')} measured"
    return f"{spent}{of}{days}"


def _with_coverage(amount: content.Amount) -> str:
    coverage = format_coverage(amount)
    return f"{format_amount(amount)}\n{coverage}" if coverage and amount.amount is not None else format_amount(amount)


def format_follow_up(follow: content.FollowUp) -> str:
    """Sum up what became of the recommendations, in one sentence."""
    counts = (
        (follow.done, "done"),
        (follow.no_longer_advised, "no longer advised"),
        (follow.gone, "gone with their workload"),
        (follow.still_open, "still open"),
    )
    said = ", ".join(f"{number:,} {word}" for number, word in counts if number)
    if not said:
        return "There were none."
    ignored = f" (of them {len(follow.ignored):,} ignored for four reports or more)" if follow.ignored else ""
    saved = f" What was done saves {format_money(follow.realised, follow.currency)} a month." if follow.realised > 0 else ""
    return f"{said[0].upper()}{said[1:]}{ignored}.{saved}"


def format_network(network: content.Network) -> str:
    """Sum up the cost of traffic between zones, and of how many workloads it is known."""
    parts: list[str] = []
    if network.cross_az_cost is not None:
        parts.append(
            f"{format_money(network.cross_az_cost, network.currency)} for traffic between zones, of "
            f"{format_count(network.measured, 'workload')}."
        )
    if network.not_watched:
        parts.append(f"ScaleOps does not watch the network of {format_count(network.not_watched, 'workload')}.")
    if network.unknown:
        parts.append(f"For {format_count(network.unknown, 'workload')} it is unknown.")
    return " ".join(parts) or "There are no workloads."


def format_automation(automation: content.Automation) -> str:
    """Sum up how much is automated, and under which policies."""
    if not automation.workloads:
        return "There are no workloads."
    said = [f"{automation.automated:,} of {format_count(automation.known, 'workload')} automated."]
    if automation.known < automation.workloads:
        said.append(f"For {automation.workloads - automation.known:,} it is unknown.")
    named = ", ".join(f"{clip(use.policy, 40)} {use.workloads:,}" for use in automation.policies[:MOST_POLICIES])
    if named:
        said.append(f"Policies: {named}.")
    if automation.without_policy:
        said.append(f"Without a policy: {automation.without_policy:,}.")
    return " ".join(said)


def format_names(names: Sequence[str], *, most: int) -> str:
    """List names, each shortened; of a long list the first ones and how many more."""
    shown = ", ".join(clip(name, MOST_NAME) for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most:,} more"
