"""When `standalone` is ready: a message has passed from beat through each queue to the database, and the gateway accepts connections."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from datetime import datetime
from typing import Final

from clients.http.loopback import bracket_ipv6
from store import Heartbeat, HeartbeatKind, StoreUnavailable
from wiring.contexts import open_store
from wiring.settings import Settings
from worker.schedule import QUEUES

_INTERVAL_S: Final = 1.0
_CONNECT_TIMEOUT_S: Final = 0.2
_EVERY_ADDRESS: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared with, never bound


def queues_without_canary(heartbeats: Iterable[Heartbeat], *, since: datetime) -> tuple[str, ...]:
    """Return the queues through which no message has passed since an instant."""
    served = {one.stage for one in heartbeats if one.kind is HeartbeatKind.CANARY and one.at >= since}
    return tuple(queue for queue in QUEUES if queue not in served)


class ReadinessNotice:
    """Prints a line with `say` once everything works. To be called often."""

    def __init__(self, settings: Settings, *, since: datetime, say: Callable[[str], object]) -> None:
        self._settings = settings
        self._since = since
        self._say = say
        self._is_said = False
        self._next_at = 0.0

    def __call__(self) -> None:
        """Look whether everything works, at most once a second, until it was said."""
        if self._is_said or time.monotonic() < self._next_at:
            return
        self._next_at = time.monotonic() + _INTERVAL_S
        if self._is_every_queue_served() and self._is_gateway_open():
            self._is_said = True
            self._say(f"ready: every queue is served; the gateway is at {self._address()}. Ctrl-C stops everything.")

    def _is_every_queue_served(self) -> bool:
        try:
            with closing(open_store(self._settings)) as store, store.reading() as transaction:
                return not queues_without_canary(transaction.heartbeats.all(), since=self._since)
        except StoreUnavailable:
            return False

    def _is_gateway_open(self) -> bool:
        host, port = self._settings.gateway_host, self._settings.gateway_port
        if port == 0:  # any free one, which only the gateway itself knows
            return True
        try:
            socket.create_connection((_EVERY_ADDRESS.get(host, host), port), timeout=_CONNECT_TIMEOUT_S).close()
        except OSError:
            return False
        return True

    def _address(self) -> str:
        settings = self._settings
        port = settings.gateway_port
        return f"http://{bracket_ipv6(settings.gateway_host)}:{port}" if port else "the address that it printed"
