"""Alerts as a page shows them: with why each notice was sent, and the form with which they are answered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from actions.history.timeline import TimelineEntry, timeline_of
from actions.history.view import HistoryView
from alerts.states import EVENT_JSON, STATE_JSON, AlertState
from domain.refs import EntityRef
from gateway.auth.callers import Caller
from gateway.web.alert_forms import AlertForm, AlertForms
from reports.findings import RULE_TITLES
from reports.render.tables import PageTable

_RECENT: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertLine:
    """One alert with its timeline, and its form if it is open."""

    state: AlertState
    title: str
    form: AlertForm | None
    timeline: Sequence[TimelineEntry]


def read_alert_lines(
    view: HistoryView, about: EntityRef, forms: AlertForms, caller: Caller, *, now: datetime
) -> tuple[AlertLine, ...]:
    """Return the alerts about an entity that are open or ended in the last 30 days, the open ones first."""
    return tuple(_lines(view, about, forms, caller, now=now))


def _lines(view: HistoryView, about: EntityRef, forms: AlertForms, caller: Caller, *, now: datetime) -> Iterator[AlertLine]:
    states = [STATE_JSON.validate_python(row.state) for row in view.rows.alerts.states_of([about])]
    shown = [one for one in states if one.is_open or (one.resolved_as_of is not None and now - one.resolved_as_of <= _RECENT)]
    for state in sorted(shown, key=lambda one: (not one.is_open, one.alert)):
        name = str(state.alert)
        events = [(row.number, EVENT_JSON.validate_python(row.details)) for row in view.rows.alerts.events_of(name)]
        yield AlertLine(
            state=state,
            title=RULE_TITLES.get(state.alert.rule, state.alert.rule.value),
            form=forms.form_for(name, caller, now=now) if state.is_open else None,
            timeline=timeline_of(name, events, view.rows.outbox.of_alert(name)),
        )


def alert_table(alerts: Sequence[AlertLine], about: str, *, as_of: datetime) -> PageTable:
    """Return the timelines of alerts as one table."""
    return PageTable(
        name="alerts",
        title=f"Alerts about {about}",
        columns=("alert", "phase", "severity", "at", "what", "why", "sent"),
        rows=tuple(
            (str(alert.state.alert), alert.state.phase.value, alert.state.severity.value, one.at, one.what, one.why, "; ".join(one.sent))
            for alert in alerts
            for one in alert.timeline
        ),
        as_of=as_of,
    )  # fmt: skip
