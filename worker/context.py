"""What a worker process works with. Made in each child after the fork, when it is first needed, and again if that failed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from clients.heartbeat import HeartbeatClient
from clients.redis import RedisCache
from clients.redis.cache import CLAIM_TTL
from clients.redis.tokens import RedisTokenCache
from domain.clock import Clock
from tasks.collect.measuring import MeasurePool
from tasks.context import StageContext
from wiring.clock import utc_now
from wiring.contexts import LoadedConfig, build_stage_context
from wiring.secrets import derive_fernet
from wiring.services import required
from wiring.settings import Settings
from worker import metrics

_TOKEN_PURPOSE: Final = b"scaleops-worker shared tokens v1"


@dataclass(frozen=True, kw_only=True)
class WorkerContext:
    """The parts of the stages, and what only a process beside others needs."""

    context: StageContext
    memory: RedisCache
    heartbeat: HeartbeatClient | None = None
    """None without WORKER_HEARTBEAT_URL."""
    crew: MeasurePool | None = None
    """Threads kept for measuring; None: each chunk starts its own."""


Equip = Callable[[], AbstractContextManager[WorkerContext]]
"""Makes the equipment of one process, and puts it away afterwards."""


@contextmanager
def open_worker_context(
    installation: LoadedConfig, *, clock: Clock = utc_now, claim_ttl: timedelta = CLAIM_TTL
) -> Iterator[WorkerContext]:
    """Make the equipment that the settings name.

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
            build_stage_context(installation, clock=clock, shared_token=shared, on_pace=metrics.note_pace)
        )
        heartbeat = HeartbeatClient(settings.worker_heartbeat_url) if settings.worker_heartbeat_url else None
        if heartbeat is not None:
            opened.callback(heartbeat.close)
        crew = opened.enter_context(MeasurePool(context.policy.max_in_flight))
        yield WorkerContext(context=context, memory=memory, heartbeat=heartbeat, crew=crew)


def _shared_token(settings: Settings, memory: RedisCache) -> RedisTokenCache | None:
    """Share ScaleOps' token among all workers, if there is a key to seal it with."""
    secret = settings.worker_secret_key
    if secret is None:
        return None
    who = f"{settings.scaleops_base_url} {settings.auth} {settings.scaleops_user} {settings.scaleops_azure_client_id}"
    return RedisTokenCache(memory, fernet=derive_fernet(secret.get_secret_value(), _TOKEN_PURPOSE), login=who)


class ProcessContext:
    """Holds the equipment of this process."""

    def __init__(self, equip: Equip) -> None:
        self._equip = equip
        self._open = ExitStack()
        self._held: WorkerContext | None = None
        self._turn = threading.Lock()

    def equipment(self) -> WorkerContext:
        """Answer it, made now if it is not there. Raises what making it raises; the next call tries again."""
        with self._turn:
            if self._held is None:
                self._held = self._open.enter_context(self._equip())
            return self._held

    def close(self) -> None:
        """Put it away."""
        self._held = None
        self._open.close()
