"""Gathers the alerts that opened in the weeks of a report, and which of them paged."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from alerts.observations import AlertId
from alerts.policy import Rule
from alerts.states import EVENT_JSON, NoticeKind, NotificationSent
from domain.refs import EntityRef
from reports.facts import OpenedAlert
from store import Transaction

_LOOK_BACK: Final = timedelta(days=14)
"""How much earlier an incident may have begun to page: a page is repeated every day."""
_OPENINGS: Final = frozenset({NoticeKind.OPENED, NoticeKind.REOPENED, NoticeKind.CHANGED})


def opened_alerts(
    transaction: Transaction, about: Iterable[EntityRef] | None, *, since: datetime, until: datetime
) -> tuple[OpenedAlert, ...]:
    """Return the alerts about some entities that opened, or began to page, after `since` and until `until`; None: about any.

    A notice about a change pages again only if its incident had not paged before.
    """
    alerts = None if about is None else [str(AlertId(rule=rule, about=one)) for one in about for rule in Rule]
    found: list[OpenedAlert] = []
    paging: set[AlertId] = set()
    for stored in transaction.alerts.notifications(since - _LOOK_BACK, until=until, alerts=alerts):
        event, alert = EVENT_JSON.validate_python(stored.details), AlertId.parse(stored.alert)
        if not isinstance(event, NotificationSent) or event.notice not in _OPENINGS or event.storm is not None:
            continue
        if event.notice is not NoticeKind.CHANGED:
            paging.discard(alert)
        is_page = event.page is not None and alert not in paging
        paging |= {alert} if event.page is not None else set()
        if since < event.as_of <= until and (is_page or event.notice is not NoticeKind.CHANGED):
            found.append(OpenedAlert(rule=alert.rule, about=alert.about, as_of=event.as_of, is_page=is_page))
    return tuple(found)
