"""`standalone` is ready once a message has passed through every queue since its start, and the gateway accepts connections."""

import socket
from datetime import timedelta

import pytest

from cli.readiness import ReadinessNotice, queues_without_canary
from store import Heartbeat, HeartbeatKind, Store
from tests.factories import NOW
from wiring.environment import resolve_settings
from worker.schedule import QUEUES


def canary(queue: str, *, minutes: int = 1, kind: HeartbeatKind = HeartbeatKind.CANARY) -> Heartbeat:
    return Heartbeat(stage=queue, kind=kind, at=NOW + timedelta(minutes=minutes), details={})


def test_a_queue_is_served_once_a_canary_is_newer_than_the_start() -> None:
    beats = [
        canary("deliver"),
        canary("evaluate", minutes=-1),
        canary("watch", kind=HeartbeatKind.OK),
        canary("collect", minutes=0),
    ]
    assert queues_without_canary(beats, since=NOW) == ("evaluate", "watch")


@pytest.mark.parametrize(("is_open", "minutes", "lines"), [(True, 1, 1), (False, 1, 0), (True, -1, 0)])
def test_it_is_said_once_and_only_when_all_of_it_works(
    sqlite_store: Store, free_port: int, *, is_open: bool, minutes: int, lines: int
) -> None:
    with sqlite_store.transaction() as transaction:
        for queue in QUEUES:
            transaction.heartbeats.record(queue, HeartbeatKind.CANARY, at=NOW + timedelta(minutes=minutes))
    url = sqlite_store._engine.url.render_as_string(hide_password=False)
    settings = resolve_settings({"DATABASE_URL": url, "GATEWAY_PORT": str(free_port)}, None).settings
    said: list[str] = []
    notice = ReadinessNotice(settings, since=NOW, say=said.append)
    with socket.socket() as listener:
        if is_open:
            listener.bind(("127.0.0.1", free_port))
            listener.listen()
        notice()
        notice._next_at = 0
        notice()
    assert len(said) == lines
    assert all(f"the gateway is at http://127.0.0.1:{free_port}" in line for line in said)
