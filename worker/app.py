"""The Celery app: how messages travel, and what happens to them when a worker dies.

JSON only, no results. A message is acknowledged when its work is done and goes back, once, when its child is killed; each child
holds one at a time. Nothing is ever delayed in the broker (no ETA, no countdown): what has to wait is a row with a time.
"""

from __future__ import annotations

import logging
import time
from datetime import timedelta
from typing import Any, Final

from celery import Celery, signals
from celery.schedules import schedule as every
from celery.worker import state

from clients.redis import celery_url
from worker import celery_tasks
from worker.context import Equip, ProcessContext
from worker.liveness import BEAT, LivenessFile, LivenessLoop
from worker.schedule import COLLECT, DELIVER, EVALUATE, QUEUES, Timings, beat_schedule
from worker.scheduler import QuietScheduler
from worker.stall_watchdog import StallWatchdog

_GRACE: Final = timedelta(minutes=2)
_CHATTY: Final = ("celery.worker.strategy", "celery.app.trace", "celery.beat")


def build_app(redis_url: str, *, instance: str, equip: Equip, pace: Timings | None = None) -> Celery:
    """Make the app of a worker or of a beat. Connects to nothing yet; what `equip` opens is opened after the fork.

    Raises:
        InvalidRedisUrl: REDIS_URL is none.
    """
    pace = pace or Timings()
    app = Celery("scaleops-worker", broker=celery_url(redis_url), set_as_current=True)
    app.conf.update(_settings(pace, instance=instance))
    shed = ProcessContext(equip)
    celery_tasks.attach(app, shed, pace)
    signals.setup_logging.connect(_keep_our_logs, weak=False)

    def begin(sender: Any, **_: object) -> None:  # noqa: ANN401 - Celery's consumer has no types
        served = sender.app.amqp.queues.consume_from
        sign = LivenessFile(instance=instance, serves=served)
        loop = LivenessLoop(sign, under_way=_work_under_way, hangs_after=pace.long_hard_limit + _GRACE)
        loop.turn(time.monotonic())
        # The timer of the main loop, which outlives a connection: where that loop hangs, no sign is given.
        sender.timer.call_repeatedly(pace.sign.total_seconds(), lambda: loop.turn(time.monotonic()))
        prefix = app.conf.broker_transport_options["global_keyprefix"]
        StallWatchdog(redis_url, keys=[f"{prefix}{queue}" for queue in served], deaf_after=pace.deaf_after).start()
        celery_tasks.ring_everything(app, served)

    def begin_beat(sender: Any, **_: object) -> None:  # noqa: ANN401 - Celery's service has no types
        sender.scheduler.on_tick = LivenessFile(instance=instance, serves=BEAT).give

    signals.worker_ready.connect(begin, weak=False)
    signals.beat_init.connect(begin_beat, weak=False)
    signals.worker_process_shutdown.connect(lambda **_: shed.close(), weak=False)
    return app


def _work_under_way() -> set[str]:
    return {request.id for request in tuple(state.active_requests)}


def _keep_our_logs(**_: object) -> None:
    """Being connected keeps Celery from setting up logs of its own. Its lines about every message are for debugging."""
    for name in _CHATTY:
        logger = logging.getLogger(name)
        if logger.getEffectiveLevel() > logging.DEBUG:
            logger.setLevel(logging.WARNING)


def _settings(pace: Timings, *, instance: str) -> dict[str, Any]:
    entries = beat_schedule(pace)
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
        "task_retry_on_worker_lost": True,  # so that work that always kills its child does not go round for ever
        "worker_prefetch_multiplier": 1,
        "task_create_missing_queues": False,
        "task_queues": {name: {} for name in QUEUES},
        "task_default_queue": EVALUATE,
        "task_routes": {
            "sweep.*": {"queue": COLLECT},
            "evaluate": {"queue": EVALUATE},
            "report": {"queue": EVALUATE},
            "watch": {"queue": EVALUATE},
            "forget": {"queue": EVALUATE},
            "deliver": {"queue": DELIVER},
        },
        "task_soft_time_limit": pace.soft_limit.total_seconds(),
        "task_time_limit": pace.hard_limit.total_seconds(),
        "broker_transport_options": {
            "visibility_timeout": pace.visibility.total_seconds(),
            "unacked_restore_interval": pace.broker_looks_again.total_seconds(),
            "unacked_restore_throttle": 1,
            "queue_order_strategy": "priority",
            "socket_timeout": 30,
            "socket_connect_timeout": 5,
            "socket_keepalive": True,
            # Several installations may share one Redis.
            "global_keyprefix": f"scaleops-worker:{instance}:queue:",
        },
        "visibility_timeout": pace.visibility.total_seconds(),
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "worker_soft_shutdown_timeout": pace.soft_shutdown.total_seconds(),
        "worker_enable_remote_control": False,
        "worker_send_task_events": False,
        "worker_hijack_root_logger": False,
        "worker_redirect_stdouts": False,
        "timezone": "UTC",
        "enable_utc": True,
        "beat_scheduler": QuietScheduler,
        "beat_max_loop_interval": min(5.0, pace.tick.total_seconds()),
        "beat_schedule": entries,
    }
