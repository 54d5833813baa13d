"""Queues, timings and the beat schedule. Beat only checks what is due, once a minute; what is due is computed from stored state.

So two beats, an outage of beat, and a late or repeated tick change when things happen, and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from tasks.timings import TaskTimings

COLLECT: Final = "collect"
"""Full sweeps and their chunks: as slow as ScaleOps is."""
WATCH: Final = "watch"
"""Watch sweeps. Before COLLECT, so that one waits for a running chunk at most, whatever number is queued."""
EVALUATE: Final = "evaluate"
"""Evaluation, reports and maintenance."""
DELIVER: Final = "deliver"
"""Sending. First wherever one worker serves several queues, so that a slow ScaleOps delays no page."""
QUEUES: Final = (DELIVER, EVALUATE, WATCH, COLLECT)
"""In the order in which a worker that serves all of them empties them."""


@dataclass(frozen=True, kw_only=True)
class Timings:
    """Intervals and time-outs of the processes, in real time whatever the clock of the stages says."""

    tasks: TaskTimings = field(default_factory=TaskTimings)
    tick: timedelta = timedelta(minutes=1)
    monitor_interval: timedelta = timedelta(minutes=5)
    purge_interval: timedelta = timedelta(hours=1)
    tick_expires: timedelta = timedelta(days=1)
    """An older tick is dropped: later ones do the same. Longer than clocks differ: beat's clock sets it, a worker's clock compares."""
    visibility: timedelta = timedelta(minutes=30)
    """A message whose worker vanished is redelivered after this. Nothing waits for it: the next ticks enqueue what is outstanding."""
    soft_shutdown: timedelta = timedelta(seconds=20)
    """How long running tasks may take after SIGTERM before they are handed back."""
    restore_interval: timedelta = timedelta(seconds=5)
    """How often the broker looks for unacknowledged messages."""
    liveness_interval: timedelta = timedelta(seconds=10)
    """How often a worker touches its liveness file."""
    stalled_after: timedelta = timedelta(minutes=2)
    """A worker that is idle for this long while messages are queued exits, to be restarted."""


def beat_schedule(timings: Timings) -> dict[str, dict[str, Any]]:
    """Return the entries of beat: tasks, queues and intervals."""
    tick = timings.tick
    entries = {
        "advance sweep": ("sweep.advance", COLLECT, (), tick),
        "watch": ("watch", WATCH, (), tick),
        "evaluate sweeps": ("evaluate", EVALUATE, (), tick),
        "make due reports": ("report", EVALUATE, (), tick),
        "send due messages": ("deliver", DELIVER, (), tick),
        **{f"canary {queue}": ("canary", queue, (queue,), tick) for queue in QUEUES},
        "monitor": ("monitor", EVALUATE, (), timings.monitor_interval),
        "purge": ("purge", EVALUATE, (), timings.purge_interval),
    }
    expires = timings.tick_expires.total_seconds()
    return {
        name: {"task": task, "schedule": interval, "args": arguments, "options": {"queue": queue, "expires": expires}}
        for name, (task, queue, arguments, interval) in entries.items()
    }
