"""An alert's findings as text: the headline, one line per finding, what to do. Money has its currency, sizes readable units."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields
from decimal import Decimal
from typing import assert_never

from alerts.lifecycle import Notice
from alerts.observations import (
    AlertId,
    BudgetFigures,
    CatalogFigures,
    CostFigures,
    Figures,
    Finding,
    MemberFigures,
    OutageFigures,
    RequestFigures,
    UnmeasuredFigures,
)
from alerts.policy import Rule
from domain.figures import FigureKind
from domain.messages import Json
from domain.money import change_share, format_count, format_money
from domain.workload import WorkloadKey
from reports.builders.names import ambiguous_names, label_of
from reports.formatting import bracketed_share, clip, shell_word
from reports.request_sizes import resource_sizes

_MAX_NAME = 80
_MAX_NAMES = 3
RULE_TITLES = {
    Rule.UNDER_PROVISIONED: "too little CPU or memory",
    Rule.OVER_PROVISIONED: "more CPU or memory than needed",
    Rule.COST_INCREASE: "cost rose",
    Rule.BUDGET: "above its budget",
    Rule.UNMEASURED: "not measured",
    Rule.STORM: "many alerts at once",
    Rule.OUTAGE: "ScaleOps outage",
    Rule.CATALOG: "the catalog is not listed as expected",
}


def headline(alert: AlertId, findings: Sequence[Finding], title: str, currency: str) -> str:
    """Return one line about what was found; without findings, about the rule."""
    name = clip(title, _MAX_NAME)
    match [finding.figures for finding in findings]:
        case []:
            return f"{name}: {RULE_TITLES[alert.rule]}"
        case [CostFigures() as cost]:
            rise = format_money(cost.cost_7d - cost.usual_cost_7d, currency)
            return f"{name}: 7-day cost up {rise}{_percent_of(cost)} vs {cost.weeks}-week average"
        case [BudgetFigures() as budget]:
            forecast = f"{_at_least(budget)}{format_money(budget.forecast, currency)}"
            return f"{name}: this month is heading for {forecast}, budget {format_money(budget.monthly_budget, currency)}"
        case [OutageFigures() as outage, *_]:
            share = f"{outage.unknown:,} of {format_count(outage.components, 'component')}"
            what = "" if outage.what is FigureKind.WORKLOADS else f"the {outage.what} of "
            return f"ScaleOps outage: {what}{share} could not be measured"
        case [UnmeasuredFigures() as unmeasured]:
            return f"{name}: {_what_of(unmeasured)}not measured"
        case _:
            return f"{name}: {_rule_headline(alert.rule, findings, currency)}"


def _percent_of(cost: CostFigures) -> str:
    return bracketed_share(change_share(cost.cost_7d - cost.usual_cost_7d, base=cost.usual_cost_7d))


def _rule_headline(rule: Rule, findings: Sequence[Finding], currency: str) -> str:
    count = len(findings)
    one = findings[0].workload
    subject = clip(one.name, _MAX_NAME) if count == 1 and one is not None else format_count(count, "workload")
    match rule:
        case Rule.UNDER_PROVISIONED:
            kills = sum(finding.figures.oom_kills_24h or 0 for finding in findings if isinstance(finding.figures, RequestFigures))
            if kills:
                return f"{subject} OOM-killed {kills:,}x in the last 24 h"
            return f"{subject} with too little CPU or memory"
        case Rule.OVER_PROVISIONED:
            return (
                f"{format_money(sum((one.amount for one in findings), Decimal(0)), currency)} a month could be saved on {subject}"
            )
        case Rule.STORM:
            return f"{format_count(count, 'alert')} at once"
        case _:
            return RULE_TITLES[rule]


def format_finding(finding: Finding, currency: str) -> str:
    """Return one finding as a line with its numbers."""
    figures = finding.figures
    match figures:
        case RequestFigures():
            where = finding.subject if finding.workload is None else format_workload(finding.workload)
            paged_by = "" if finding.paged_by is None else f"; {finding.paged_by} pages for it, because several components own it"
            return f"{where}: {_format_requests(figures, currency)}{paged_by}"
        case CostFigures():
            usual = f"{format_money(figures.usual_cost_7d, currency)} on average over {format_count(figures.weeks, 'week')}"
            return f"{format_money(figures.cost_7d, currency)} in 7 days, after {usual}"
        case BudgetFigures():
            spent = format_money(figures.month_to_date, currency)
            coverage = "" if figures.known_days == figures.days else f" ({figures.known_days} of {figures.days} days measured)"
            lower = _at_least(figures)
            forecast = format_money(figures.forecast, currency)
            return f"{lower}{spent} so far this month{coverage}, {lower}{forecast} by its end at today's rate"
        case UnmeasuredFigures():
            return f"{_what_of(figures)}{figures.reason}"
        case CatalogFigures():
            return figures.reason
        case OutageFigures():
            share = f"{figures.unknown:,} of {figures.components:,} components"
            held = "nothing that depends on it resolves, and no alert about money opens; measured dangers still page"
            return f"{figures.what} of {share} unknown; until that ends {held}"
        case MemberFigures():
            return f"{figures.alert} ({format_count(figures.workloads, 'finding')})"
        case _:
            assert_never(figures)


def _at_least(figures: BudgetFigures) -> str:
    return "" if figures.is_complete else "at least "


def _what_of(figures: UnmeasuredFigures) -> str:
    return "" if figures.cluster is None else f"{figures.what} in cluster {clip(figures.cluster, _MAX_NAME)} "


def format_workload(workload: WorkloadKey) -> str:
    """Return a workload as `api (Deployment) in shop on east`."""
    name, kind, namespace = clip(workload.name, _MAX_NAME), clip(workload.type, _MAX_NAME), clip(workload.namespace, _MAX_NAME)
    return f"{name} ({kind}) in {namespace} on {clip(workload.cluster, _MAX_NAME)}"


def _format_requests(figures: RequestFigures, currency: str) -> str:
    parts = [f"{one.label} {one.step}" for one in resource_sizes(figures) if one.is_change]
    if figures.oom_kills_24h:
        parts.append(f"{format_count(figures.oom_kills_24h, 'OOM kill')} in the last 24 h")
    if figures.keeps_memory:
        why = " and its OOM kills are not known" if figures.oom_kills_24h is None else ""
        parts.append(f"keeps its memory although ScaleOps recommends less{why}")
    if figures.savings_available_per_month is not None and figures.savings_available_per_month > 0:
        parts.append(f"saves {format_money(figures.savings_available_per_month, currency)} a month")
    return ", ".join(parts) or "no numbers are known"


def remedy(notice: Notice) -> str:
    """Return one imperative sentence: what to do."""
    about = notice.alert.about
    labels = _labels(notice.findings)
    names, more = ", ".join(labels[:_MAX_NAMES]), " and the others" if len(labels) > _MAX_NAMES else ""
    match notice.alert.rule:
        case Rule.UNDER_PROVISIONED:
            if any(isinstance(one.figures, RequestFigures) and one.figures.keeps_memory for one in notice.findings):
                return f"Raise the requests of {names}{more} as recommended, but keep their memory, although ScaleOps recommends less."
            return f"Raise the requests of {names}{more} as recommended, or let ScaleOps automate them."
        case Rule.OVER_PROVISIONED:
            return f"Lower the requests of {names}{more} as recommended, or let ScaleOps automate them."
        case Rule.COST_INCREASE:
            return f"What grew is not known. See since when: scaleops-worker trend {shell_word(about)}"
        case Rule.BUDGET:
            return f"Lower the cost, or agree on another monthly_budget for {about}."
        case Rule.UNMEASURED:
            return f"Find out why it cannot be measured: scaleops-worker action get_scaleops_data_for_entity {shell_word(about)} --json"
        case Rule.STORM:
            return "Look for a common cause first, such as a release or a node; then raise the requests of each, the worst first."
        case Rule.CATALOG:
            return "Check the catalog and what its token may read: scaleops-worker check-config --live"
        case Rule.OUTAGE:
            return "Check whether ScaleOps and the catalog respond: scaleops-worker check-config --live"
        case rule:
            assert_never(rule)


def _labels(findings: Iterable[Finding]) -> list[str]:
    """Return the names of workloads, each once, with the kind where another kind has the same name."""
    keys = [finding.workload for finding in findings if finding.workload is not None]
    ambiguous = ambiguous_names(keys)
    return list(dict.fromkeys(clip(label_of(key, ambiguous), _MAX_NAME) for key in keys))


def figures_as_json(figures: Figures) -> dict[str, Json]:
    """Return the numbers of a finding as JSON: money as numbers, unknown values as null."""
    return {name.name: _as_json(getattr(figures, name.name)) for name in fields(figures) if name.name != "of"}


def _as_json(value: object) -> Json:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, Finding):
        return {"name": value.subject, **figures_as_json(value.figures)}
    return value if isinstance(value, int | float | str) or value is None else str(value)
