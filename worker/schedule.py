"""Beat as a metronome: every minute it asks each stage whether something is due. What is due is computed from stored state.

So two beats, none for a while, or a tick that comes twice or late change nothing but when things happen.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from clients.redis.cache import LOCK_TTL
from tasks.collect.chunks import CHUNK

COLLECT: Final = "collect"
"""Sweeps and their chunks: as slow as ScaleOps is."""
EVALUATE: Final = "evaluate"
"""Judging sweeps, making reports, keeping house."""
DELIVER: Final = "deliver"
"""Sending. First of all wherever one worker serves several queues, so that a slow ScaleOps holds up no page."""
QUEUES: Final = (DELIVER, EVALUATE, COLLECT)
"""In the order in which a worker that serves all of them empties them."""


@dataclass(frozen=True, kw_only=True)
class Timings:
    """How often the metronome ticks, and how long work may take. In real time, whatever the clock of the stages says."""

    tick: timedelta = timedelta(minutes=1)
    watching: timedelta = timedelta(minutes=5)
    housekeeping: timedelta = timedelta(hours=1)
    tick_is_stale_after: timedelta = timedelta(minutes=10)
    """A tick nobody took by then is dropped: later ones ask the same."""
    chunk: int = CHUNK
    """Components a message names."""
    chunk_may_begin_for: timedelta = timedelta(seconds=60)
    """A chunk begins no further component after this; a tick rings out what is left."""
    soft_limit: timedelta = timedelta(minutes=5)
    hard_limit: timedelta = timedelta(minutes=6)
    long_soft_limit: timedelta = timedelta(minutes=10)
    """For judging and reporting."""
    long_hard_limit: timedelta = timedelta(minutes=11)
    visibility: timedelta = timedelta(minutes=30)
    """A message whose worker vanished comes back after this. Nobody waits for it: the next ticks ring what is outstanding."""
    soft_shutdown: timedelta = timedelta(seconds=20)
    """How long work under way may take after SIGTERM before it is handed back."""
    broker_looks_again: timedelta = timedelta(seconds=5)
    turn_lease: timedelta = LOCK_TTL
    """How long a stage waits for a worker that died in its turn."""
    sign: timedelta = timedelta(seconds=10)
    """How often a worker gives its sign of life."""
    deaf_after: timedelta = timedelta(minutes=2)
    """A worker that is idle so long while messages lie in its queues ends, to be started again."""
    scaleops_is_left_alone_for: timedelta = timedelta(seconds=60)
    """After one chunk found ScaleOps away, the others of the sweep do not ask for so long."""


def beat_schedule(pace: Timings) -> dict[str, dict[str, Any]]:
    """Answer what beat rings, and how often."""
    ticks = {
        "advance the sweep": ("sweep.advance", COLLECT, ()),
        "judge closed sweeps": ("evaluate", EVALUATE, ()),
        "make reports that are due": ("report", EVALUATE, ()),
        "send what is due": ("deliver", DELIVER, ()),
        **{f"canary through {queue}": ("canary", queue, (queue,)) for queue in QUEUES},
    }
    each_tick = {name: (*what, pace.tick) for name, what in ticks.items()}
    now_and_then = {
        "look whether all is well": ("watch", EVALUATE, (), pace.watching),
        "forget what is old": ("forget", EVALUATE, (), pace.housekeeping),
    }
    expires = pace.tick_is_stale_after.total_seconds()
    return {
        name: {
            "task": task,
            "schedule": how_often,
            "args": arguments,
            "options": {"queue": queue, "expires": expires},
        }
        for name, (task, queue, arguments, how_often) in (each_tick | now_and_then).items()
    }
