"""Bounds on the Celery tasks. Imports nothing of the stages, so that beat's schedule and a liveness probe start fast."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

CHUNK_SIZE: Final = 400
"""Components per message of a sweep. With bulk responses they take some 800 calls. Between two chunks the threads wait for the last call and for the last write."""


@dataclass(frozen=True, kw_only=True)
class TaskTimings:
    """Bounds on the Celery tasks, in real time whatever the clock of the stages says."""

    chunk_size: int = CHUNK_SIZE
    chunk_budget: timedelta = timedelta(seconds=60)
    """A chunk starts no further component after this; a tick enqueues the rest."""
    soft_limit: timedelta = timedelta(minutes=5)
    hard_limit: timedelta = timedelta(minutes=6)
    long_soft_limit: timedelta = timedelta(minutes=10)
    """For evaluating and reporting."""
    long_hard_limit: timedelta = timedelta(minutes=11)
    watch_soft_limit: timedelta = timedelta(minutes=27)
    """For a watch sweep, which gives up before."""
    watch_hard_limit: timedelta = timedelta(minutes=28)
    lock_ttl: timedelta = timedelta(seconds=30)
    """How long the lock of a worker that died is held."""
    scaleops_cooldown: timedelta = timedelta(seconds=60)
    """After a chunk found ScaleOps unavailable, the other chunks of its sweep are skipped for this long."""
