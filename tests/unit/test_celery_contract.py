"""Undocumented members of Celery that `worker` uses. Celery is bounded below the next minor version; this names what to check then."""

import inspect
import os
import subprocess
import sys
from contextlib import nullcontext
from datetime import timedelta
from typing import cast

from celery.beat import Scheduler
from celery.schedules import schedule as every
from celery.worker import state
from celery.worker.consumer import Consumer
from kombu.asynchronous.timer import Timer

from tasks.celery_tasks import WorkerContext
from worker.app import build_app


def test_the_worker_counts_requests_by_these_members() -> None:
    assert state.total_count.total() == 0
    assert len(state.active_requests) == 0
    assert len(state.reserved_requests) == 0


def test_the_consumer_has_a_timer_that_repeats() -> None:
    assert "timer" in inspect.signature(Consumer.__init__).parameters
    assert list(inspect.signature(Timer.call_repeatedly).parameters)[:3] == ["self", "secs", "fun"]


def test_the_scheduler_can_be_overridden_where_we_do() -> None:
    assert {"entry", "producer", "advance"} <= set(inspect.signature(Scheduler.apply_async).parameters)
    assert callable(Scheduler.tick)
    assert list(inspect.signature(Scheduler._ensure_connected).parameters) == ["self"]
    assert every(timedelta(seconds=7)).seconds == 7


def test_messages_are_acknowledged_after_their_work() -> None:
    app = build_app("redis://127.0.0.1:1/0", instance="test", open_context=lambda: nullcontext(cast("WorkerContext", None)))
    try:
        assert app.conf.task_acks_late
        assert app.conf.task_reject_on_worker_lost
        assert all(task.acks_late for name, task in app.tasks.items() if not name.startswith("celery."))
    finally:
        app.close()


def test_sigterm_is_remapped_when_billiard_is_imported() -> None:
    code = "import signal; from billiard import common; print(common.TERM_SIGNAL == signal.SIGQUIT)"
    environment = {**os.environ, "REMAP_SIGTERM": "SIGQUIT"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"
