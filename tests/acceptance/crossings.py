"""Every step boundary of every stage: where a step crosses from our code into the store or a service, and back.

`run.py` gives them their names; `make chaos` fails when a stage crosses somewhere that stands in no list here.
"""

from __future__ import annotations

from typing import Final


def _around(stage: str, *transactions: str) -> tuple[str, ...]:
    return tuple(f"{stage}/{done}:{moment}" for done in transactions for moment in ("before commit", "committed"))


def _calls(stage: str, *calls: str) -> tuple[str, ...]:
    return tuple(f"{stage}/{call}:{moment}" for call in calls for moment in ("before", "after"))


ADVANCE: Final = (
    *_around("sweep.advance", "sweeps.open"),
    *_calls("sweep.advance", "catalog.listing"),
    *_around(
        "sweep.advance",
        "components.record_page+sealed_keys.put",
        "components.record_page",
        "components.finish_listing+sweeps.record_listing",
        "snapshots.outcomes+components.all",
    ),
)
"""Opening a sweep, listing the catalog, ringing out the chunks."""
WATCHING: Final = _around("sweep.advance", "heartbeats.last+heartbeats.record", "components.count+heartbeats.last")
"""Looking how far a sweep is."""
OUTAGE: Final = _around("sweep.advance", "snapshots.outcomes+heartbeats.last", "heartbeats.record+components.all")
"""Looking at a sweep in which too much is unknown, and ringing it out again."""
CLOSING: Final = _around("sweep.advance", "snapshots.put_all", "sweeps.record_listing", "heartbeats.record+sweeps.close")
"""Closing a sweep whose time was up."""
MEASURE: Final = (
    *_calls(
        "sweep.measure",
        "scaleops.workloads",
        "scaleops.network_flags",
        "scaleops.policies",
        "scaleops.costs",
        "scaleops.network",
    ),
    *_around("sweep.measure", "snapshots.put_all", "sweeps.record_listing", "heartbeats.record+sweeps.close"),
)
JUDGE: Final = _around("evaluate", "alerts.put_states+outbox.put", "heartbeats.record")
REPORT: Final = _around("report", "reports.claim+outbox.put", "heartbeats.record")
DELIVER: Final = (
    *_around("deliver", "outbox.resolve_unknown+outbox.cancel_superseded", "outbox.claim_due"),
    *_calls("deliver", "slack.post", "pagerduty.send"),
    *_around("deliver", "outbox.mark_sent+outbox.posts_since", "outbox.mark_sent", "heartbeats.record"),
)
DOUBTFUL: Final = (*_around("deliver", "outbox.mark_unknown"), *_calls("deliver", "slack.find_by_metadata"))
"""Sending what Slack took without saying so."""
PUT_OFF: Final = _around(
    "deliver", "outbox.reschedule", "outbox.reschedule+outbox.postpone", "outbox.postpone", "outbox.posts_since+outbox.postpone"
)
"""Sending to a service that fails, that says when to come again, that fails again and again, that is told too much at once."""
REFUSED: Final = _around("deliver", "outbox.mark_failed+outbox.put")
"""Sending to a channel that is archived."""
AWAY: Final = (*_around("sweep.advance", "heartbeats.record"), *_around("sweep.measure", "heartbeats.record"))
"""Saying that the catalog or ScaleOps is away."""
FORGET: Final = _around(
    "purge",
    "purge.drop",
    "purge.ended_messages+purge.drop_messages",
    "purge.drop_alert_events",
    "purge.drop_recommendations",
    "purge.clear_content",
)
"""Dropping what is old: a sweep after two weeks, a message after three months."""
KEEPING_HOUSE: Final = (
    *_around("canary", "heartbeats.record"),
    *_around("monitor", "heartbeats.last+heartbeats.record", "heartbeats.record+outbox.put"),
    *_around("purge", "purge.ended_messages", "heartbeats.record"),
)
"""Signs of life, and looks at what is old and finding nothing."""

STAGES: Final = (
    *ADVANCE,
    *WATCHING,
    *OUTAGE,
    *CLOSING,
    *MEASURE,
    *JUDGE,
    *REPORT,
    *DELIVER,
    *DOUBTFUL,
    *PUT_OFF,
    *REFUSED,
    *AWAY,
    *FORGET,
)
"""All that the matrix dies at."""
HARMLESS: Final = (
    *_around("sweep.advance", "sweeps.get"),
    *_around("sweep.measure", "sweeps.get"),
    *_around("report", "reports.claim+reports.run"),
)
"""Where a process finds that another one was faster, and writes nothing. It takes a race to come there."""
