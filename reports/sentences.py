"""Sentences that sum up a part of the content, the same in every rendering."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from domain.money import count_in_words, money_in_words
from reports import content
from reports.words import amount_in_words, clip, coverage_in_words, money_or_unknown, share_in_words

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
        share = share_in_words(change.share)
        moved = money_in_words(change.like_for_like.amount, currency, signed=True)
        yield (
            "Like for like",
            f"{moved}{f' ({share})' if share else ''}\n{count_in_words(change.like_for_like.workloads, 'workload')}",
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
                    f"{money_in_words(group.amount, currency, signed=True)}\n{count_in_words(group.workloads, 'workload')}",
                )
    if headline.month_to_date is not None:
        yield "Month to date", budget_in_words(headline.month_to_date)


def budget_in_words(budget: content.Budget) -> str:
    """Write the month so far, of its budget where there is one, and how many days are in it."""
    spent = money_or_unknown(budget.spent, budget.currency)
    of = "" if budget.monthly_budget is None else f" of {money_in_words(budget.monthly_budget, budget.currency)}"
    days = "" if budget.known_days == budget.days else f"\n{budget.known_days} of {count_in_words(budget.days, 'day')} measured"
    return f"{spent}{of}{days}"


def _with_coverage(amount: content.Amount) -> str:
    coverage = coverage_in_words(amount)
    return f"{amount_in_words(amount)}\n{coverage}" if coverage and amount.amount is not None else amount_in_words(amount)


def follow_up_in_words(follow: content.FollowUp) -> str:
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
    saved = f" What was done saves {money_in_words(follow.realised, follow.currency)} a month." if follow.realised > 0 else ""
    return f"{said[0].upper()}{said[1:]}{ignored}.{saved}"


def network_in_words(network: content.Network) -> str:
    """Sum up the cost of traffic between zones, and of how many workloads it is known."""
    parts: list[str] = []
    if network.cross_az_cost is not None:
        parts.append(
            f"{money_in_words(network.cross_az_cost, network.currency)} for traffic between zones, of "
            f"{count_in_words(network.measured, 'workload')}."
        )
    if network.not_watched:
        parts.append(f"ScaleOps does not watch the network of {count_in_words(network.not_watched, 'workload')}.")
    if network.unknown:
        parts.append(f"For {count_in_words(network.unknown, 'workload')} it is unknown.")
    return " ".join(parts) or "There are no workloads."


def automation_in_words(automation: content.Automation) -> str:
    """Sum up how much is automated, and under which policies."""
    if not automation.workloads:
        return "There are no workloads."
    said = [f"{automation.automated:,} of {count_in_words(automation.known, 'workload')} automated."]
    if automation.known < automation.workloads:
        said.append(f"For {automation.workloads - automation.known:,} it is unknown.")
    named = ", ".join(f"{clip(use.policy, 40)} {use.workloads:,}" for use in automation.policies[:MOST_POLICIES])
    if named:
        said.append(f"Policies: {named}.")
    if automation.without_policy:
        said.append(f"Without a policy: {automation.without_policy:,}.")
    return " ".join(said)


def names_in_words(names: Sequence[str], *, most: int) -> str:
    """List names, each shortened; of a long list the first ones and how many more."""
    shown = ", ".join(clip(name, MOST_NAME) for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most:,} more"
