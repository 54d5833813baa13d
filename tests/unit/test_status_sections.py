"""The status in sections: stages apart from queues, one line a reason, no internal names, and nothing named to who may not see it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.messages import Channel, DeliveryStatus, EventAction, Message
from domain.problems import Problem, Runbook, runbook_address
from domain.refs import PLATFORM, UNOWNED, EntityRef
from domain.sweeps import ClusterState, Sweep, UnmeasuredFigure
from store import Heartbeat, HeartbeatKind
from store.queries.outbox_rows import OutboxBacklog, OutboxRecord
from tasks.maintenance.service_errors import LastError
from tasks.maintenance.status import InstallationStatus, TeamStatus
from tasks.maintenance.status_json import status_as_json
from tasks.maintenance.status_sections import StatusSection, remedy_of, status_sections, status_tables
from tests.factories import NOW, PAYMENTS

HOUR = timedelta(hours=1)
REASON = "ScaleOps answered 500"


def record(status: DeliveryStatus, *, looked_up: bool = False) -> OutboxRecord:
    message = Message(
        key="alert:a b:1:slack", stream="s", number=1, channel=Channel.SLACK, target="C0PRIVATE", action=EventAction.POST, thread_of=None,
        about="component:default/checkout", reason="why", renderings=(), created_at=NOW - HOUR, expires_at=NOW,
    )  # fmt: skip
    at = NOW + HOUR if looked_up else None
    return OutboxRecord(
        message=message, status=status, attempts=1, not_before=at, lease_until=None, last_error="channel_not_found", sent_at=None
    )


def beat(stage: str, kind: HeartbeatKind, **details: str) -> Heartbeat:
    return Heartbeat(stage=stage, kind=kind, at=NOW - HOUR, details=details)


def team(ref: EntityRef) -> TeamStatus:
    return TeamStatus(
        team=ref, report="weekly", last_week="2026-W47", newest_due="2026-W47", last_outcome="sent", next_due=NOW, last_error=""
    )


STATUS = InstallationStatus(
    now=NOW,
    heartbeats=(
        beat("collect", HeartbeatKind.OK),
        beat("collect", HeartbeatKind.FAILED, reason="the catalog of checkout could not be listed"),
        beat("collect", HeartbeatKind.CANARY),
        beat("collect", HeartbeatKind.PROGRESS),
        beat("monitor", HeartbeatKind.PROGRESS),
    ),
    newest_closed=Sweep(
        as_of=NOW - HOUR, opened_at=NOW - HOUR, closed_at=NOW, evaluated_at=None, expected=43, measured=0, unknown=43, listing_complete=True
    ),
    collect_every=timedelta(hours=6),
    cadence=timedelta(hours=12),
    open_sweeps=(),
    next_slot=NOW + HOUR,
    watch_every=timedelta(minutes=15),
    watch=None,
    unmeasured={**{f"component:default/checkout-{number}": REASON for number in range(40)}, "component:default/odd": "a bad selector"},
    lost_clusters=(ClusterState(name="secret-east", last_seen=NOW, lost_since=NOW - HOUR, notified_at=None, removed_at=None),),
    unmeasured_figures=(UnmeasuredFigure(figure="cost", cluster="secret-east", workloads=3, reason=REASON),),
    uses_bulk=True,
    bulk=(),
    unallocated=None,
    open_alerts=2,
    backlog=(
        OutboxBacklog(status=DeliveryStatus.PENDING, messages=4, oldest=NOW - HOUR),
        OutboxBacklog(status=DeliveryStatus.SENT, messages=9, oldest=NOW - 9 * HOUR),
    ),
    oldest_pending=NOW - HOUR,
    undelivered=(record(DeliveryStatus.FAILED),),
    teams=(team(PAYMENTS), team(UNOWNED), team(PLATFORM)),
    problems=(Problem(runbook=Runbook.CLUSTER_LOST, sentence="the cluster secret-east has been missing"),),
)  # fmt: skip


ERRORS = [LastError(service="Slack", at=NOW - HOUR, reason="channel_not_found C0PRIVATE", is_over=True)]


def words(sections: tuple[StatusSection, ...]) -> str:
    lines = [f"{label} {text}" for section in sections for label, text in section.lines]
    cells = [str(cell) for table in status_tables(sections, STATUS) for row in table.rows for cell in row]
    return "\n".join([*lines, *cells])


def rows_of(name: str) -> dict[object, tuple[object, ...]]:
    tables = status_tables(status_sections(STATUS, ERRORS, "EUR"), STATUS)
    return {row[0]: row for table in tables if table.name == name for row in table.rows}


def test_components_with_one_reason_are_one_line() -> None:
    lines = [text for label, text in status_sections(STATUS, ERRORS, "EUR")[0].lines if label == "not measured"]
    assert lines[0].startswith("40 components (component:default/checkout-0, ")
    assert lines[0].endswith(f"and 35 more): {REASON}")
    assert lines[1] == "1 component (component:default/odd): a bad selector"


def test_sweeps_say_the_interval_that_is_planned_and_that_which_is_reached() -> None:
    text = dict(status_sections(STATUS, ERRORS, "EUR")[0].lines)["newest sweep"]
    assert "0 of 43 components measured" in text
    assert text.endswith("12 hours after the sweep before, planned every 6 hours")


def test_stages_and_queues_are_apart_and_internal_marks_are_not_shown() -> None:
    runs = rows_of("runs")
    assert list(runs) == ["stage collect", "queue collect"]
    assert runs["stage collect"][1:] == (NOW - HOUR, NOW - HOUR, "the catalog of checkout could not be listed")
    shown = words(status_sections(STATUS, ERRORS, "EUR"))
    assert not [word for word in ("canary", "progress", "monitor", "~platform", "group:default/unowned") if word in shown]


def test_the_age_is_that_of_messages_that_still_wait() -> None:
    backlog = rows_of("outbox")
    assert backlog["pending"] == ("pending", 4, NOW - HOUR)
    assert backlog["sent"] == ("sent", 9, None)


@pytest.mark.parametrize(
    ("found", "words_of_it"),
    [
        (record(DeliveryStatus.FAILED), "Correct the cause, then: scaleops-worker outbox retry 'alert:a b:1:slack'"),
        (record(DeliveryStatus.EXPIRED), "If it is still needed: scaleops-worker outbox retry 'alert:a b:1:slack'"),
        (record(DeliveryStatus.UNKNOWN), "Look for it at its destination; if it is missing: scaleops-worker outbox retry"),
        (record(DeliveryStatus.UNKNOWN, looked_up=True), "Nothing yet: it is looked up at"),
    ],
)
def test_each_undelivered_message_has_what_to_do(found: OutboxRecord, words_of_it: str) -> None:
    assert words_of_it in remedy_of(found)


def test_without_names_nothing_is_named() -> None:
    sections = status_sections(STATUS, ERRORS, "EUR", with_names=False)
    shown = words(sections) + str(status_as_json(STATUS, ERRORS, "EUR", with_names=False))
    assert "40" not in shown
    assert not [name for name in ("checkout", "secret-east", "C0PRIVATE", "payments", "alert:", REASON) if name in shown]
    assert "0 of 43 components measured" in shown


def test_an_installation_without_a_sweep_says_so() -> None:
    empty = replace(STATUS, newest_closed=None, cadence=None, unmeasured={}, lost_clusters=(), unmeasured_figures=())
    assert dict(status_sections(empty, ERRORS, "EUR")[0].lines)["newest sweep"] == "none yet"


def test_the_address_is_that_of_the_site_or_the_path_of_the_page() -> None:
    problem = Problem(runbook=Runbook.CLOCK, sentence="the clock is wrong")

    assert str(problem) == "the clock is wrong"
    assert runbook_address(problem.runbook, None) == "docs/runbooks/clock.md"
    assert (
        runbook_address(problem.runbook, "https://docs.example.com/worker") == "https://docs.example.com/worker/runbooks/clock/"
    )
