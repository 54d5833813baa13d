"""What an alert is about, as one line: component, workload, place, evidence and what is needed, of the worst of its findings.

Pages, and messages about several alerts, show this line. Names are clipped, so that what was found is always in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from alerts.observations import AlertId, Finding, MemberFigures, RequestFigures, worst_first
from alerts.policy import Rule
from domain.money import format_count, format_money
from domain.refs import EntityRef
from domain.workload import WorkloadKey
from reports.findings import headline
from reports.formatting import clip
from reports.request_sizes import resource_sizes

_MAX_NAME: Final = 80


def alert_title(alert: AlertId, findings: Sequence[Finding], title: str, currency: str, *, others: int | None = None) -> str:
    """Return the line of an alert. `title` is that of what it is about, `others` how many workloads it has besides the worst."""
    match worst_first(findings):
        case [Finding(workload=WorkloadKey() as workload, figures=RequestFigures() as figures), *rest]:
            subject = format_subject(workload, alert.about, title)
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


def format_subject(workload: WorkloadKey, about: EntityRef, title: str) -> str:
    """Return a workload with its component, as `Checkout: api (east/shop)`; without that of the same name."""
    where = name_and_place(workload)
    is_namesake = clip(workload.name, _MAX_NAME).casefold() in {about.name.casefold(), title.casefold()}
    return where if is_namesake else f"{clip(title, _MAX_NAME)}: {where}"


def name_and_place(workload: WorkloadKey) -> str:
    """Return a workload and where it is, as `api (east/shop)`."""
    name, cluster, namespace = (clip(part, _MAX_NAME) for part in (workload.name, workload.cluster, workload.namespace))
    return f"{name} ({cluster}/{namespace})"


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
    for one in resource_sizes(figures):
        if one.is_change and (one.is_rise or rule is Rule.OVER_PROVISIONED):
            parts.append(f"{one.label} {one.format(one.now)}, needs {one.format(one.recommended)}")
        elif one.label == "memory" and figures.oom_kills_24h:
            advice = "recommendation unknown" if None in (one.now, one.recommended) else "ScaleOps recommends no more"
            parts.append(f"memory {one.format(one.now)}, {advice}")
    return "; ".join(parts)
