"""What an alert is about, as one line: component, workload, place, evidence and what is needed, of the worst of its findings.

Pages, and messages about several alerts, show this line. Names are clipped, so that what was found is always in it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from alerts.observations import AlertId, Finding, MemberFigures, RequestFigures, worst_first
from alerts.policy import Rule
from domain.money import format_cores, format_count, format_memory, format_money
from domain.workload import WorkloadKey
from reports.findings import headline
from reports.formatting import UNKNOWN, clip

_MAX_NAME: Final = 80
Size = Callable[[float], str]


def alert_title(alert: AlertId, findings: Sequence[Finding], title: str, currency: str, *, others: int | None = None) -> str:
    """Return the line of an alert. `title` is that of what it is about, `others` how many workloads it has besides the worst."""
    match worst_first(findings):
        case [Finding(workload=WorkloadKey() as workload, figures=RequestFigures() as figures), *rest]:
            name = clip(workload.name, _MAX_NAME)
            is_namesake = name.casefold() in {alert.about.name.casefold(), title.casefold()}
            where = f"{name} ({workload_place(workload)})"
            subject = where if is_namesake else f"{clip(title, _MAX_NAME)}: {where}"
            needs = _needs(alert.rule, figures)
            more = len(rest) if others is None else others
            counted = f"; {format_count(more, 'more workload')}" if more > 0 else ""
            return f"{subject} {_evidence(alert.rule, figures, currency)}{f': {needs}' if needs else ''}{counted}"
        case _:
            return headline(alert, findings, title, currency)


def member_title(figures: MemberFigures, title: str, currency: str) -> str:
    """Return the line of a storm's member; one that was stored without its worst finding has its rule and the number of findings."""
    if figures.worst is None:
        return f"{headline(figures.alert, (), title, currency)} ({format_count(figures.workloads, 'finding')})"
    return alert_title(figures.alert, (figures.worst,), title, currency, others=figures.workloads - 1)


def resource_sizes(figures: RequestFigures) -> Sequence[tuple[str, float | None, float | None, Size]]:
    """Return (resource, request, recommended request, how to format it), memory first."""
    return (
        ("memory", figures.memory_request_bytes, figures.memory_recommended_bytes, format_memory),
        ("CPU", figures.cpu_request_millicores, figures.cpu_recommended_millicores, format_cores),
    )


def format_size(value: float | None, size: Size) -> str:
    """Format a request, or `unknown`."""
    return UNKNOWN if value is None else size(value)


def workload_place(workload: WorkloadKey) -> str:
    """Return where a workload is, as `east/shop`."""
    return f"{clip(workload.cluster, _MAX_NAME)}/{clip(workload.namespace, _MAX_NAME)}"


def _evidence(rule: Rule, figures: RequestFigures, currency: str) -> str:
    if rule is Rule.OVER_PROVISIONED:
        savings = figures.savings_available_per_month
        return "over-provisioned" if savings is None else f"over-provisioned by {format_money(savings, currency)} a month"
    if figures.oom_kills_24h:
        return f"OOM-killed {figures.oom_kills_24h:,}x in 24 h"
    return "under-provisioned"


def _needs(rule: Rule, figures: RequestFigures) -> str:
    """Return what is needed, memory first after OOM kills; of a danger only what must rise."""
    parts = []
    for label, now, recommended, size in resource_sizes(figures):
        rises = now is not None and recommended is not None and recommended > now
        if now is not None and recommended is not None and now != recommended and (rises or rule is Rule.OVER_PROVISIONED):
            parts.append(f"{label} {size(now)}, needs {size(recommended)}")
        elif label == "memory" and figures.oom_kills_24h and not rises:
            advice = "recommendation unknown" if now is None or recommended is None else "ScaleOps recommends no more"
            parts.append(f"memory {format_size(now, size)}, {advice}")
    return "; ".join(parts)
