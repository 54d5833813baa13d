"""The Celery app: configuration, signals, and what happens to a message when its worker dies.

JSON only, no results. A message is acknowledged after its work and redelivered once when its child is killed; each child
prefetches one. No ETA and no countdown: what has to wait is a row with a time.
"""

from __future__ import annotations

import gc
import logging
import time
from datetime import timedelta
from typing import Any, Final

from celery import Celery, signals
from celery.schedules import schedule as every
from celery.worker import state

from clients.redis.urls import celery_url
from tasks.celery_tasks import enqueue_due, register_tasks
from wiring.settings import SettingsError
from wiring.tracing import start_tracing, stop_tracing
from worker import metrics
from worker.context import ContextFactory, ProcessContext
from worker.liveness import BEAT, LivenessFile, LivenessLoop
from worker.repeated_errors import RepeatedErrors
from worker.schedule import COLLECT, DELIVER, EVALUATE, QUEUES, WATCH, Timings, beat_schedule
from worker.scheduler import QuietScheduler
from worker.stall_watchdog import StallWatchdog

_GRACE: Final = timedelta(minutes=2)
_VERBOSE_LOGGERS: Final = ("celery.worker.strategy", "celery.app.trace", "celery.beat")


def build_app(redis_url: str, *, instance: str, open_context: ContextFactory, timings: Timings | None = None) -> Celery:
    """Build the app of a worker or of a beat, without connecting. `open_context` is called in each child after the fork.

    Raises:
        InvalidRedisUrl: REDIS_URL is not a valid URL.
    """
    timings = timings or Timings()
    app = Celery("scaleops-worker", broker=celery_url(redis_url), set_as_current=True)
    app.conf.update(_configuration(timings, instance=instance))
    process = ProcessContext(open_context)
    register_tasks(app, process.get, timings.tasks, metrics=metrics, expected_errors=(SettingsError,))

    def on_worker_ready(sender: Any, **_: object) -> None:  # noqa: ANN401 - Celery's consumer has no types
        queues = sender.app.amqp.queues.consume_from
        liveness = LivenessFile(instance=instance, serves=queues)
        loop = LivenessLoop(liveness, active=_active_requests, hung_after=timings.tasks.long_hard_limit + _GRACE)
        loop.tick(time.monotonic())
        errors = RepeatedErrors()
        errors.install()
        sender.timer.call_repeatedly(timings.liveness_interval.total_seconds(), errors.check)
        # The main loop's timer outlives a connection; when that loop hangs, the file is no longer touched.
        sender.timer.call_repeatedly(timings.liveness_interval.total_seconds(), lambda: loop.tick(time.monotonic()))
        prefix = app.conf.broker_transport_options["global_keyprefix"]
        StallWatchdog(redis_url, keys=[f"{prefix}{queue}" for queue in queues], stalled_after=timings.stalled_after).start()
        enqueue_due(app, queues)

    def on_beat_init(sender: Any, **_: object) -> None:  # noqa: ANN401 - Celery's service has no types
        sender.scheduler.on_tick = LivenessFile(instance=instance, serves=BEAT).touch

    def on_process_init(**_: object) -> None:
        # What was loaded before the fork stays, so it is not walked for garbage in each full collection.
        gc.freeze()
        start_tracing(instance)  # in each child, after the fork: the exporter's connections must not be shared

    def on_process_shutdown(**_: object) -> None:
        process.close()
        stop_tracing()

    signals.setup_logging.connect(_keep_logging_config, weak=False)
    signals.worker_ready.connect(on_worker_ready, weak=False)
    signals.beat_init.connect(on_beat_init, weak=False)
    signals.worker_process_init.connect(on_process_init, weak=False)
    signals.worker_process_shutdown.connect(on_process_shutdown, weak=False)
    return app


def _active_requests() -> set[str]:
    return {request.id for request in tuple(state.active_requests)}


def _keep_logging_config(**_: object) -> None:
    """Keep Celery from configuring logging, which it does unless this signal has a receiver; silence its per-message lines."""
    for name in _VERBOSE_LOGGERS:
        logger = logging.getLogger(name)
        if logger.getEffectiveLevel() > logging.DEBUG:
            logger.setLevel(logging.WARNING)


def _configuration(timings: Timings, *, instance: str) -> dict[str, Any]:
    entries = beat_schedule(timings)
    for entry in entries.values():
        entry["schedule"] = every(entry["schedule"])
    return {
        "accept_content": ["json"],
        "task_serializer": "json",
        "result_backend": None,
        "task_ignore_result": True,
        "task_store_errors_even_if_ignored": False,
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "task_retry_on_worker_lost": True,  # bounds the redelivery of a message that always kills its child
        "worker_prefetch_multiplier": 1,
        "task_create_missing_queues": False,
        "task_queues": {name: {} for name in QUEUES},
        "task_default_queue": EVALUATE,
        "task_routes": {
            "sweep.*": {"queue": COLLECT},
            "watch": {"queue": WATCH},
            "evaluate": {"queue": EVALUATE},
            "report": {"queue": EVALUATE},
            "monitor": {"queue": EVALUATE},
            "purge": {"queue": EVALUATE},
            "deliver": {"queue": DELIVER},
        },
        "task_soft_time_limit": timings.tasks.soft_limit.total_seconds(),
        "task_time_limit": timings.tasks.hard_limit.total_seconds(),
        "broker_transport_options": {
            "visibility_timeout": timings.visibility.total_seconds(),
            "unacked_restore_interval": timings.restore_interval.total_seconds(),
            "unacked_restore_throttle": 1,
            "queue_order_strategy": "priority",
            "socket_timeout": 30,
            "socket_connect_timeout": 5,
            "socket_keepalive": True,
            # Several installations may share one Redis.
            "global_keyprefix": f"scaleops-worker:{instance}:queue:",
        },
        "visibility_timeout": timings.visibility.total_seconds(),
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "worker_soft_shutdown_timeout": timings.soft_shutdown.total_seconds(),
        "worker_enable_remote_control": False,
        "worker_send_task_events": False,
        "worker_hijack_root_logger": False,
        "worker_redirect_stdouts": False,
        "timezone": "UTC",
        "enable_utc": True,
        "beat_scheduler": QuietScheduler,
        "beat_max_loop_interval": min(5.0, timings.tick.total_seconds()),
        "beat_schedule": entries,
    }
