"""The alerts of a team in its weekly report: what is open, and which higher costs are usual now."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from domain.refs import EntityRef
from reports import content
from reports.facts import ReportedAlert, TeamAlerts
from reports.findings import RULE_TITLES
from reports.formatting import clip, format_day

_MAX_REASON: Final = 200


def list_alerts(alerts: TeamAlerts, title_of: Callable[[EntityRef], str], *, zone: str) -> content.AlertList:
    """List a team's alerts."""
    return content.AlertList(
        open=tuple(
            content.OpenAlert(
                rule=one.rule.value,
                about=str(one.about),
                title=title_of(one.about),
                since=one.since,
                sentence=_sentence(one, title_of(one.about), zone),
            )
            for one in alerts.open
        ),
        became_usual=tuple(title_of(about) for about in alerts.became_usual),
    )


def _sentence(one: ReportedAlert, title: str, zone: str) -> str:
    dismissed = f"; dismissed: {clip(one.dismissed, _MAX_REASON)}" if one.dismissed else ""
    return f"{title}: {RULE_TITLES[one.rule]}, since {format_day(one.since, zone)}{dismissed}"
