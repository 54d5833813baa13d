"""The first page of the demo: what happened in the twelve weeks, one message of each kind as its reader saw it, and each incident."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Final

from markupsafe import Markup

from cli.demo_pagerduty import IncidentPreview, ReceivedEvent, incidents_of
from cli.demo_run import is_report, kind_of, message_key, message_kinds, posted_at
from cli.demo_slack import LinkTarget, SlackPreview
from domain.weeks import IsoWeek
from reports.builders.month_sentences import format_month_name
from reports.formatting import format_instant, format_week
from reports.render.templating import environment

_CAPTIONS: Final = {
    "weekly report of a team": "Every team, on Monday at 9 in its own time zone. The details are in the thread.",
    "weekly report of all teams": "The platform team: the teams side by side, and what no team pays for.",
    "quiet week of a team": "A team that asked for it (quiet: true), in a week in which nothing is unusual and nothing is new.",
    "monthly roll-up": "Leadership, on the first working day of the month, in a channel of its own.",
    "alert: under-provisioned": "The owner of a component whose pods ask for too little CPU or memory. With OOM kills in production it also pages.",
    "alert: over-provisioned": "The owner of a component that could cost clearly less.",
    "alert: cost-increase": "The owner of a component that suddenly costs more than in the weeks before.",
    "alert: budget": "A team whose month is heading over its budget.",
    "alert: storm": "A team with so many alerts at once that one page stands for all of them.",
    "summary: many": "Alerts of one check that are not urgent, in one message; each edits the message of its own, if it has one.",
    "summary: first-sweep": "What the first measurement of a team shows, in one message.",
    "undeliverable, sent to the platform channel": "A message whose own channel was archived: it is not lost, and it says so.",
    "cluster: lost": "The platform team: a cluster sends no data, so its numbers are unknown, not zero.",
    "cluster: returned": "The end of that outage.",
}
_FIRST: Final = tuple(_CAPTIONS)


@dataclass(frozen=True, kw_only=True)
class DrawnMessage:
    """A message in a channel, drawn."""

    at: str
    body: Markup


@dataclass(frozen=True, kw_only=True)
class MessageExample:
    """One message of a kind, with its thread."""

    kind: str
    caption: str
    count: int
    channel: str
    message: DrawnMessage
    """As it was posted."""
    edits: int
    latest: DrawnMessage | None
    """As it reads now; None: it was never edited."""
    replies: Sequence[DrawnMessage]


@dataclass(frozen=True, kw_only=True)
class StoryWeek:
    """A week, what began or ended in it, and where the report of all teams is."""

    week: str
    title: str
    events: Sequence[str]
    href: str


@dataclass(frozen=True, kw_only=True)
class TimelineMoment:
    """An instant of an incident and what happened."""

    at: datetime
    what: str
    detail: str


@dataclass(frozen=True, kw_only=True)
class IncidentStory:
    """An incident, drawn, and its timeline."""

    preview: IncidentPreview
    timeline: Sequence[TimelineMoment]


def render_story(
    *,
    story: Mapping[str, Any],
    messages: Sequence[Mapping[str, Any]],
    forms: Sequence[Mapping[str, Any]],
    received: Sequence[Mapping[str, Any]],
    zones: Mapping[str, str],
    weeks: int,
    target: LinkTarget,
) -> str:
    """Render the page.

    `forms` are the messages as they read after each post and edit, `zones` is the time zone of each team that has another than UTC,
    and `target` is applied to links.
    """
    events = [ReceivedEvent(at=datetime.fromisoformat(one["received_at"]), event=one["event"]) for one in received]
    return (
        environment("html")
        .get_template("demo/index.html")
        .render(
            weeks=_weeks(story, weeks=weeks, target=target),
            examples=_examples(messages, forms, eventful=story["eventful_week"], target=target),
            incidents=[_incident(one, story, zones, target) for one in incidents_of(events)],
            kinds=message_kinds(messages),
            messages=len(messages),
            months=[(format_month_name(month), target(f"/reports/~platform/{month}")) for month in _months(messages)],
            reports_href=target("/reports"),
            status_href=target("/status"),
        )
    )


def _months(messages: Iterable[Mapping[str, Any]]) -> Sequence[str]:
    """Return the months that have a roll-up, as in its key."""
    keys = (message_key(message).split(":") for message in messages if kind_of(message) == "monthly roll-up")
    return sorted({key[3] for key in keys})


def _weeks(story: Mapping[str, Any], *, weeks: int, target: LinkTarget) -> Sequence[StoryWeek]:
    happened: dict[str, list[tuple[datetime, str]]] = defaultdict(list)
    for event in story["events"].values():
        for end, text in (("from", event["what"]), ("until", event["ending"])):
            if event[end]:
                at = datetime.fromisoformat(event[end])
                happened[str(IsoWeek.of(at.date()))].append((at, f"{at:%a %d %b, %H:%M} UTC: {text}"))
    return [
        StoryWeek(
            week=week,
            title=format_week(IsoWeek.parse(week)),
            events=[text for _, text in sorted(happened[week])],
            href=target(f"/reports/~platform/{week}"),
        )
        for week in story["weeks"][-weeks:]
    ]


def _examples(
    messages: Sequence[Mapping[str, Any]], forms: Iterable[Mapping[str, Any]], *, eventful: str, target: LinkTarget
) -> Sequence[MessageExample]:
    """Return one message of each kind with its thread: of the eventful week, else the one with the longest thread."""
    threads: dict[tuple[str, str], list[Mapping[str, Any]]] = defaultdict(list)
    roots: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for message in messages:
        root = message.get("thread_ts")
        if root in {None, message["ts"]}:
            roots[kind_of(message)].append(message)
        else:
            threads[message["channel"], str(root)].append(message)
    channels = _channel_names(messages)
    preview = SlackPreview(target)
    edits: dict[tuple[str, str], list[Mapping[str, Any]]] = defaultdict(list)
    for form in forms:
        edits[form["channel"], form["ts"]].append(form)

    def rank(message: Mapping[str, Any]) -> tuple[bool, int]:
        is_eventful = eventful in {*message_key(message).split(":"), str(IsoWeek.of(posted_at(message).date()))}
        return is_eventful, len(threads[message["channel"], message["ts"]])

    examples = []
    for kind in sorted(roots, key=lambda kind: (_FIRST.index(kind) if kind in _FIRST else len(_FIRST), kind)):
        chosen = max(roots[kind], key=rank)
        first, *later = edits[chosen["channel"], chosen["ts"]]
        examples.append(
            MessageExample(
                kind=kind,
                caption=_CAPTIONS.get(kind, ""),
                count=len(roots[kind]),
                channel=channels.get(chosen["channel"], chosen["channel"]),
                message=_posted(first, preview),
                edits=len(later),
                latest=_posted(later[-1], preview) if later else None,
                replies=[_posted(reply, preview) for reply in threads[chosen["channel"], chosen["ts"]]],
            )
        )
    return examples


def _posted(message: Mapping[str, Any], preview: SlackPreview) -> DrawnMessage:
    at = datetime.fromtimestamp(float(message["edited"]["ts"]), timezone.utc) if "edited" in message else posted_at(message)
    return DrawnMessage(at=format_instant(at, "UTC"), body=preview.message(message))


def _channel_names(messages: Iterable[Mapping[str, Any]]) -> Mapping[str, str]:
    """Return a name for each channel, from the teams whose reports are posted there; the simulated workspace has only ids."""
    teams: dict[str, set[str]] = defaultdict(set)
    for message in messages:
        parts = message_key(message).split(":")
        if is_report(message):
            teams[message["channel"]].add(parts[3].rpartition("/")[2] if parts[2] == "group" else "all-teams")
        elif kind_of(message) == "monthly roll-up":
            teams[message["channel"]].add("leadership")
    return {channel: "-and-".join(sorted(names - {"unowned"}) or names) for channel, names in teams.items()}


def _incident(
    events: Sequence[ReceivedEvent], story: Mapping[str, Any], zones: Mapping[str, str], target: LinkTarget
) -> IncidentStory:
    payload = events[0].payload
    preview = IncidentPreview(events=events, zone=zones.get(str(payload.get("group")), "UTC"), target=target)
    moments = [
        TimelineMoment(at=datetime.fromisoformat(at), what="Killed", detail="")
        for about, kills in story["kills"].items()
        if about in {payload.get("component"), payload.get("group")}
        for at in kills
        if datetime.fromisoformat(at) <= events[-1].at
    ]
    for event in events:
        measured = event.payload.get("timestamp")
        if measured:
            moments.append(TimelineMoment(at=datetime.fromisoformat(str(measured)), what="Measured", detail=""))
        moments.append(TimelineMoment(at=event.at, what=event.what, detail=str(event.payload.get("summary", ""))))
    return IncidentStory(preview=preview, timeline=sorted(moments, key=lambda one: one.at))
