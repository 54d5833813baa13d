"""Draws a PagerDuty incident as on-call sees it: HTML of the events of one dedup key. A field that it does not know is shown as it is."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from markupsafe import Markup, escape

from reports.formatting import format_instant

_ACTIONS: Final = {"trigger": "Paged", "acknowledge": "Acknowledged", "resolve": "Resolved"}
_RAW: Final = "raw"


@dataclass(frozen=True, kw_only=True)
class ReceivedEvent:
    """An event of the Events API, and when PagerDuty accepted it."""

    at: datetime
    event: Mapping[str, Any]

    @property
    def what(self) -> str:
        """What the event did to its incident."""
        action = str(self.event["event_action"])
        return _ACTIONS.get(action, action)

    @property
    def payload(self) -> Mapping[str, Any]:
        """What it says; empty for one that only acknowledges or resolves."""
        found = self.event.get("payload")
        return found if isinstance(found, Mapping) else {}


@dataclass(frozen=True, kw_only=True)
class IncidentPreview:
    """The events of one incident, oldest first; the first one triggered it."""

    events: Sequence[ReceivedEvent]
    zone: str
    """Of the people on call, an IANA name."""
    target: Callable[[str], str]
    """Where a link leads on the page that shows it."""

    @property
    def summary(self) -> str:
        """The title: what a phone shows, as of the last event that says it."""
        return str(self._last.payload.get("summary", ""))

    @property
    def severity(self) -> str:
        """The severity of the last event that has one."""
        return str(self._last.payload.get("severity", ""))

    @property
    def status(self) -> str:
        """What became of it."""
        return {"Paged": "Triggered"}.get(self.events[-1].what, self.events[-1].what)

    @property
    def details(self) -> Markup:
        """The custom details, in the order of the event."""
        return _values(self._last.payload.get("custom_details") or {})

    @property
    def fields(self) -> Sequence[tuple[str, str]]:
        """The other fields of the payload, and the dedup key."""
        known = {"summary", "severity", "custom_details", "timestamp"}
        rest = [(name, str(value)) for name, value in self._last.payload.items() if name not in known]
        return [*rest, ("dedup key", str(self._last.event["dedup_key"]))]

    @property
    def links(self) -> Sequence[tuple[str, str]]:
        """(label, address) of its links."""
        event = self._last.event
        links = [(str(one.get("text") or one["href"]), self.target(str(one["href"]))) for one in event.get("links") or []]
        address = str(event.get("client_url") or "")
        if address and self.target(address) not in {target for _, target in links}:
            links.insert(0, (f"View in {event.get('client', 'the client')}", self.target(address)))
        return links

    @property
    def _last(self) -> ReceivedEvent:
        return [event for event in self.events if event.payload][-1]

    def format(self, at: datetime) -> str:
        """Return an instant as the people on call read it."""
        return format_instant(at, self.zone)


def incidents_of(received: Sequence[ReceivedEvent]) -> Sequence[Sequence[ReceivedEvent]]:
    """Return the events of each incident. A trigger after a resolve begins a new one with the same dedup key."""
    incidents: list[list[ReceivedEvent]] = []
    open_now: dict[tuple[str, str], list[ReceivedEvent]] = {}
    for one in received:
        key = (str(one.event["routing_key"]), str(one.event["dedup_key"]))
        if key not in open_now:
            if one.event["event_action"] != "trigger":
                continue
            open_now[key] = []
            incidents.append(open_now[key])
        open_now[key].append(one)
        if one.event["event_action"] == "resolve":
            del open_now[key]
    return incidents


def _values(value: object) -> Markup:
    if isinstance(value, Mapping):
        rows = (_row(str(name), one) for name, one in value.items())
        return Markup("<dl>{}</dl>").format(Markup().join(rows))
    if isinstance(value, list):
        return Markup("<ul>{}</ul>").format(Markup().join(Markup("<li>{}</li>").format(_values(one)) for one in value))
    if value is None:
        return escape("none")
    return Markup("<br>").join(str(value).split("\n"))


def _row(name: str, value: object) -> Markup:
    if name == _RAW:
        shown = json.dumps(value, ensure_ascii=False, indent=1)
        return Markup("<dt>{}</dt><dd><details><summary>the numbers</summary><pre>{}</pre></details></dd>").format(name, shown)
    return Markup("<dt>{}</dt><dd>{}</dd>").format(name, _values(value))
