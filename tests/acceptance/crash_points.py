"""Where a process can crash: before and after every commit and call of every task. `make chaos` fails at a step that is missing here."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class TaskStep(StrEnum):
    """A transaction or a call of a task. A transaction is named by the last two table methods called in it."""

    OPEN_SWEEP = "sweep.advance/sweeps.open"
    LIST_CATALOG = "sweep.advance/catalog.listing"
    SEAL_CONFIGURED_KEYS = "sweep.advance/sealed_keys.put"
    STORE_FIRST_PAGE = "sweep.advance/components.record_page+sealed_keys.put"
    STORE_PAGE = "sweep.advance/components.record_page"
    FINISH_LISTING = "sweep.advance/components.finish_listing+sweeps.record_listing"
    ENQUEUE_CHUNKS = "sweep.advance/snapshots.outcomes+components.refs"
    RECORD_PROGRESS = "sweep.advance/heartbeats.last+heartbeats.record"
    CHECK_PROGRESS = "sweep.advance/components.count+heartbeats.last"
    CHECK_OUTAGE = "sweep.advance/snapshots.outcomes+heartbeats.last"
    ENQUEUE_AGAIN = "sweep.advance/heartbeats.record+components.refs"
    RECORD_MISSING = "sweep.advance/components.by_refs+snapshots.put_all"
    CARRY_UNKNOWN_FORWARD = "sweep.advance/snapshots.of_components+snapshots.put_all"
    RECORD_EXPECTED = "sweep.advance/sweeps.record_listing"
    CLOSE_OVERDUE = "sweep.advance/heartbeats.record+sweeps.close"
    CATALOG_UNAVAILABLE = "sweep.advance/heartbeats.record"
    ALREADY_OPEN = "sweep.advance/sweeps.get"
    WITHDRAW_AT_CLOSING = "sweep.advance/snapshots.withdraw"
    WITHOUT_INVENTORY = "sweep.advance/bulk_checks.record+heartbeats.last"
    STORE_UNALLOCATED_LATE = "sweep.advance/bulk_checks.record+unallocated.put"

    CLEAR_INVENTORY = "sweep.inventory/inventory.clear"
    TAKE_INVENTORY = "sweep.inventory/scaleops.all_workloads"
    FETCH_INVENTORY_COSTS = "sweep.inventory/scaleops.all_costs"
    STORE_INVENTORY = "sweep.inventory/inventory.add"
    RECORD_INVENTORY = "sweep.inventory/bulk_checks.record"
    INVENTORY_UNAVAILABLE = "sweep.inventory/heartbeats.record"

    FETCH_WORKLOADS = "sweep.measure/scaleops.workloads"
    FETCH_FLAGS = "sweep.measure/scaleops.network_flags"
    FETCH_POLICIES = "sweep.measure/scaleops.policies"
    FETCH_COSTS = "sweep.measure/scaleops.costs"
    FETCH_BULK_COSTS = "sweep.measure/scaleops.all_costs"
    RECORD_BULK_CHECKS = "sweep.measure/bulk_checks.record"
    WITHDRAW = "sweep.measure/snapshots.withdraw"
    STORE_UNALLOCATED = "sweep.measure/bulk_checks.record+unallocated.put"
    FETCH_NETWORK = "sweep.measure/scaleops.network"
    STORE_MEASUREMENTS = "sweep.measure/snapshots.put_all"
    RECORD_COMPLETE = "sweep.measure/sweeps.record_listing"
    CLOSE_COMPLETE = "sweep.measure/heartbeats.record+sweeps.close"
    CARRY_FORWARD_MEASURING = "sweep.measure/snapshots.of_components+snapshots.put_all"
    CLOSE_WITHOUT_INVENTORY = "sweep.measure/bulk_checks.record+heartbeats.last"
    SCALEOPS_UNAVAILABLE = "sweep.measure/heartbeats.record"
    ALREADY_CLOSED = "sweep.measure/sweeps.get"

    CLAIM_WATCH = "watch/watch_sweeps.close_dead+watch_sweeps.claim"
    FETCH_INVENTORY = "watch/scaleops.all_workloads"
    CLOSE_WATCH = "watch/watch_sweeps.closed+watch_sweeps.get"
    TOUCH_WATCH = "watch/watch_sweeps.touch"

    TRACK_RECOMMENDATIONS = "evaluate/sweeps.get+recommendations.put"
    EVALUATE = "evaluate/alerts.put_states+outbox.put"
    EVALUATED = "evaluate/heartbeats.record"
    ALREADY_EVALUATED = "evaluate/sweeps.get"

    MAKE_REPORT = "report/reports.claim+outbox.put"
    REPORTED = "report/heartbeats.record"
    ALREADY_REPORTED = "report/reports.claim+reports.run"

    EXPIRE_MESSAGES = "deliver/outbox.resolve_unknown+outbox.cancel_superseded"
    CLAIM_MESSAGE = "deliver/outbox.claim_due"
    POST_TO_SLACK = "deliver/slack.post"
    UPDATE_IN_SLACK = "deliver/slack.update"
    SEND_TO_PAGERDUTY = "deliver/pagerduty.send"
    MARK_POSTED = "deliver/outbox.mark_sent+outbox.posts_since"
    MARK_SENT = "deliver/outbox.mark_sent"
    DELIVERED = "deliver/heartbeats.record"
    MARK_UNKNOWN = "deliver/outbox.mark_unknown"
    MARK_UNKNOWN_THROTTLED = "deliver/outbox.mark_unknown+outbox.postpone"
    LOOK_UP = "deliver/slack.find_by_metadata"
    RESCHEDULE = "deliver/outbox.reschedule"
    RESCHEDULE_TARGET = "deliver/outbox.reschedule+outbox.postpone"
    POSTPONE_SERVICE = "deliver/outbox.postpone"
    LIMIT_BURST = "deliver/outbox.posts_since+outbox.postpone"
    MARK_FAILED = "deliver/outbox.mark_failed+outbox.put"

    PURGE_SWEEP = "purge/purge.drop"
    PURGE_BULK_CHECKS = "purge/purge.drop_bulk_checks"
    PURGE_WATCH_SWEEP = "purge/purge.drop_watch_sweep"
    PURGE_MESSAGES = "purge/purge.ended_messages+purge.drop_messages"
    PURGE_ALERT_EVENTS = "purge/purge.drop_alert_events"
    PURGE_RECOMMENDATIONS = "purge/purge.drop_recommendations"
    PURGE_REPORTS = "purge/purge.clear_content"
    FIND_OLD_MESSAGES = "purge/purge.ended_messages"
    PURGED = "purge/heartbeats.record"

    CANARY = "canary/heartbeats.record"
    MONITOR = "monitor/heartbeats.last+heartbeats.record"
    MONITOR_AND_NOTIFY = "monitor/heartbeats.record+outbox.put"

    @property
    def task(self) -> str:
        return self.partition("/")[0]


class CrashMoment(StrEnum):
    BEFORE = "before"
    AFTER = "after"


@dataclass(frozen=True)
class CrashPoint:
    step: TaskStep
    moment: CrashMoment

    def __str__(self) -> str:
        return f"{self.step}:{self.moment}"


def _steps_of(task: str, *without: TaskStep) -> tuple[TaskStep, ...]:
    return tuple(step for step in TaskStep if step.task == task and step not in without)


OPENING: Final = (
    TaskStep.OPEN_SWEEP,
    TaskStep.LIST_CATALOG,
    TaskStep.SEAL_CONFIGURED_KEYS,
    TaskStep.STORE_FIRST_PAGE,
    TaskStep.STORE_PAGE,
    TaskStep.FINISH_LISTING,
    TaskStep.ENQUEUE_CHUNKS,
)
PROGRESS: Final = (TaskStep.RECORD_PROGRESS, TaskStep.CHECK_PROGRESS)
OUTAGE: Final = (TaskStep.CHECK_OUTAGE, TaskStep.ENQUEUE_AGAIN)
CLOSING: Final = (TaskStep.RECORD_MISSING, TaskStep.CARRY_UNKNOWN_FORWARD, TaskStep.RECORD_EXPECTED, TaskStep.CLOSE_OVERDUE)
INVENTORY: Final = _steps_of("sweep.inventory", TaskStep.INVENTORY_UNAVAILABLE)
WITHDRAWING: Final = (TaskStep.WITHDRAW,)
MEASURING: Final = _steps_of(
    "sweep.measure",
    TaskStep.SCALEOPS_UNAVAILABLE,
    TaskStep.ALREADY_CLOSED,
    TaskStep.CARRY_FORWARD_MEASURING,
    TaskStep.CLOSE_WITHOUT_INVENTORY,
    *WITHDRAWING,
)
WATCHING: Final = _steps_of("watch", TaskStep.TOUCH_WATCH)
EVALUATING: Final = _steps_of("evaluate", TaskStep.ALREADY_EVALUATED)
REPORTING: Final = (TaskStep.MAKE_REPORT, TaskStep.REPORTED)
DELIVERING: Final = (
    TaskStep.EXPIRE_MESSAGES,
    TaskStep.CLAIM_MESSAGE,
    TaskStep.POST_TO_SLACK,
    TaskStep.SEND_TO_PAGERDUTY,
    TaskStep.MARK_POSTED,
    TaskStep.MARK_SENT,
    TaskStep.DELIVERED,
)
UPDATING: Final = (TaskStep.UPDATE_IN_SLACK,)
UNKNOWN_OUTCOME: Final = (TaskStep.MARK_UNKNOWN, TaskStep.MARK_UNKNOWN_THROTTLED, TaskStep.LOOK_UP)
RESCHEDULING: Final = (TaskStep.RESCHEDULE, TaskStep.RESCHEDULE_TARGET, TaskStep.POSTPONE_SERVICE, TaskStep.LIMIT_BURST)
REJECTED: Final = (TaskStep.MARK_FAILED,)
UNAVAILABLE: Final = (TaskStep.CATALOG_UNAVAILABLE, TaskStep.INVENTORY_UNAVAILABLE, TaskStep.SCALEOPS_UNAVAILABLE)
PURGING: Final = _steps_of("purge", TaskStep.FIND_OLD_MESSAGES, TaskStep.PURGED)
MAINTENANCE: Final = (TaskStep.CANARY, TaskStep.MONITOR, TaskStep.MONITOR_AND_NOTIFY, TaskStep.FIND_OLD_MESSAGES, TaskStep.PURGED)
"""Not in the matrix: heartbeats, and checks that find nothing to do."""
HARMLESS: Final = (TaskStep.ALREADY_OPEN, TaskStep.ALREADY_CLOSED, TaskStep.ALREADY_EVALUATED, TaskStep.ALREADY_REPORTED)
"""Not in the matrix: after losing a race to another process nothing is written."""
BY_CHANCE: Final = (
    TaskStep.WITHDRAW_AT_CLOSING,
    TaskStep.WITHOUT_INVENTORY,
    TaskStep.STORE_UNALLOCATED_LATE,
    TaskStep.CARRY_FORWARD_MEASURING,
    TaskStep.CLOSE_WITHOUT_INVENTORY,
    TaskStep.TOUCH_WATCH,
)
"""Not in the matrix: which task closes a sweep, whether its inventory has arrived by then, and whether a watch sweep takes long,
depends on the speed of the machine."""
IN_MATRIX: Final = tuple(step for step in TaskStep if step not in {*MAINTENANCE, *HARMLESS, *BY_CHANCE})


def crash_points(*steps: TaskStep) -> tuple[CrashPoint, ...]:
    return tuple(CrashPoint(step, moment) for step in steps for moment in CrashMoment)


def crash_states(*steps: TaskStep) -> tuple[CrashPoint, ...]:
    """Return a crash point for each durable state between steps: before the first, then after each.

    What a crash leaves before a step is what one leaves after the step before it; `make chaos` tries both.
    """
    return (CrashPoint(steps[0], CrashMoment.BEFORE), *(CrashPoint(step, CrashMoment.AFTER) for step in steps))
