"""Per-process resources of a worker, opened lazily after the fork and closed on shutdown."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import timedelta
from typing import Final

from clients.heartbeat import HeartbeatClient
from clients.redis.cache import CLAIM_TTL, RedisCache
from clients.redis.tokens import RedisTokenCache
from domain.clock import Clock
from tasks.celery_tasks import WorkerContext
from tasks.collect.measuring import MeasurePool
from wiring.contexts import build_stage_context
from wiring.loaded_config import LoadedConfig
from wiring.secrets import derive_fernet
from wiring.settings import Settings, required
from worker import metrics

_TOKEN_PURPOSE: Final = b"scaleops-worker shared tokens v1"

ContextFactory = Callable[[], AbstractContextManager[WorkerContext]]
"""Opens the context of one process, and closes it at the end of the block."""


@contextmanager
def open_worker_context(
    installation: LoadedConfig, *, clock: Clock | None = None, claim_ttl: timedelta = CLAIM_TTL
) -> Iterator[WorkerContext]:
    """Open the resources that the settings name. `clock`: of a simulation; None: the database's.

    Raises:
        SettingsError: REDIS_URL is not set.
        StoreUnavailable: the database cannot be used.
    """
    settings = installation.settings
    url = required(settings.redis_url, "REDIS_URL", "a worker")
    with ExitStack() as opened:
        memory = RedisCache(url.get_secret_value(), instance=settings.instance, claim_ttl=claim_ttl)
        opened.callback(memory.close)
        shared = _shared_token(settings, memory)
        context = opened.enter_context(
            build_stage_context(installation, clock=clock, token_cache=shared, on_limiter_status=metrics.record_limit)
        )
        heartbeat = HeartbeatClient(settings.worker_heartbeat_url) if settings.worker_heartbeat_url else None
        if heartbeat is not None:
            opened.callback(heartbeat.close)
        pool = opened.enter_context(MeasurePool(context.policy.max_in_flight))
        yield WorkerContext(context=context, memory=memory, heartbeat=heartbeat, pool=pool)


def _shared_token(settings: Settings, memory: RedisCache) -> RedisTokenCache | None:
    """Return a cache that shares the ScaleOps token among all workers, if there is a key to seal it with."""
    secret = settings.worker_secret_key
    if secret is None:
        return None
    who = f"{settings.scaleops_base_url} {settings.auth} {settings.scaleops_user} {settings.scaleops_azure_client_id}"
    return RedisTokenCache(memory, fernet=derive_fernet(secret.get_secret_value(), _TOKEN_PURPOSE), login=who)


class ProcessContext:
    """The worker context of this process."""

    def __init__(self, factory: ContextFactory) -> None:
        self._factory = factory
        self._resources = ExitStack()
        self._context: WorkerContext | None = None
        self._lock = threading.Lock()

    def get(self) -> WorkerContext:
        """Return the context, opened by the first call. An error of the factory is raised; the next call tries again."""
        with self._lock:
            if self._context is None:
                self._context = self._resources.enter_context(self._factory())
            return self._context

    def close(self) -> None:
        """Close all resources."""
        self._context = None
        self._resources.close()
