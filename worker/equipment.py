"""What a worker process works with. Made in each child after the fork, when it is first needed, and again if that failed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta

from clients.heartbeat import Heartbeat
from clients.redis import SharedMemory
from clients.redis.memory import ASKING_LEASE
from clients.redis.tokens import SharedToken
from domain.clock import Clock
from tasks.measuring import Crew
from tasks.parts import Parts
from wiring.building import Installation, build_parts
from wiring.clocks import present
from wiring.services import required
from wiring.settings import Settings
from worker import metrics


@dataclass(frozen=True, kw_only=True)
class Equipment:
    """The parts of the stages, and what only a process beside others needs."""

    parts: Parts
    memory: SharedMemory
    heartbeat: Heartbeat | None = None
    """None without WORKER_HEARTBEAT_URL."""
    crew: Crew | None = None
    """Threads kept for measuring; None: each chunk starts its own."""


Equip = Callable[[], AbstractContextManager[Equipment]]
"""Makes the equipment of one process, and puts it away afterwards."""


@contextmanager
def equip_from(
    installation: Installation, *, clock: Clock = present, asking_lease: timedelta = ASKING_LEASE
) -> Iterator[Equipment]:
    """Make the equipment that the settings name.

    Raises:
        SettingsError: REDIS_URL is not set.
        StoreUnavailable: the database cannot be used.
    """
    settings = installation.settings
    url = required(settings.redis_url, "REDIS_URL", "a worker")
    with ExitStack() as opened:
        memory = SharedMemory(url.get_secret_value(), instance=settings.instance, asking_lease=asking_lease)
        opened.callback(memory.close)
        shared = _shared_token(settings, memory)
        parts = opened.enter_context(build_parts(installation, clock=clock, shared_token=shared, on_pace=metrics.note_pace))
        heartbeat = Heartbeat(settings.worker_heartbeat_url) if settings.worker_heartbeat_url else None
        if heartbeat is not None:
            opened.callback(heartbeat.close)
        crew = opened.enter_context(Crew(parts.policy.max_in_flight))
        yield Equipment(parts=parts, memory=memory, heartbeat=heartbeat, crew=crew)


def _shared_token(settings: Settings, memory: SharedMemory) -> SharedToken | None:
    """Share ScaleOps' token among all workers, if there is a key to seal it with."""
    secret = settings.worker_secret_key
    if secret is None:
        return None
    who = f"{settings.scaleops_base_url} {settings.auth} {settings.scaleops_user} {settings.scaleops_azure_client_id}"
    return SharedToken(memory, secret_key=secret.get_secret_value(), who=who)


class Shed:
    """Holds the equipment of this process."""

    def __init__(self, equip: Equip) -> None:
        self._equip = equip
        self._open = ExitStack()
        self._held: Equipment | None = None
        self._turn = threading.Lock()

    def equipment(self) -> Equipment:
        """Answer it, made now if it is not there. Raises what making it raises; the next call tries again."""
        with self._turn:
            if self._held is None:
                self._held = self._open.enter_context(self._equip())
            return self._held

    def close(self) -> None:
        """Put it away."""
        self._held = None
        self._open.close()
