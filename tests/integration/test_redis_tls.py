"""A Redis over TLS: the broker and the cache verify its certificate, and send no password before that."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from celery import Celery

from clients.redis.cache import RedisCache
from clients.redis.urls import celery_url
from tests.services.queues import QueueServer
from worker.liveness import is_redis_up

SPELLINGS = ["", "?ssl_cert_reqs=CERT_REQUIRED", "?ssl_cert_reqs=required", "?ssl_check_hostname=true"]


class TlsFront:
    """Decrypts what it receives and passes it to a Valkey."""

    def __init__(self, certificate: tuple[Path, Path], behind: Path) -> None:
        self.received = b""
        self._behind = behind
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(*certificate)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"rediss://localhost:{self._listener.getsockname()[1]}/0"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                raw, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(raw,), daemon=True).start()

    def _serve(self, raw: socket.socket) -> None:
        with socket.socket(socket.AF_UNIX) as behind:
            behind.connect(str(self._behind))
            try:
                with self._tls.wrap_socket(raw, server_side=True) as front:
                    while request := front.recv(65536):
                        self.received += request
                        behind.sendall(request)
                        front.sendall(behind.recv(65536))
            except OSError:
                return


@pytest.fixture
def front(queues: QueueServer, certificate: tuple[Path, Path]) -> Iterator[TlsFront]:
    with closing(TlsFront(certificate, queues.folder / "valkey.sock")) as front:
        yield front


def connect_broker(url: str) -> None:
    app = Celery(broker=celery_url(url), set_as_current=False)
    app.conf.broker_transport_options = {"socket_connect_timeout": 5, "socket_timeout": 5, "max_retries": 1}
    with app.connection_for_write() as connection:
        connection.default_channel.client.ping()


@pytest.mark.parametrize("query", SPELLINGS)
def test_nothing_is_sent_to_a_redis_whose_certificate_is_not_trusted(front: TlsFront, query: str) -> None:
    url = front.url.replace("//", "//:hunter2@") + query
    with pytest.raises(Exception, match="CERTIFICATE_VERIFY_FAILED"):
        connect_broker(url)
    with closing(RedisCache(url, instance="test")) as cache:
        cache.put("name", b"value", ttl=timedelta(minutes=1))
    assert is_redis_up(url), "a certificate is no outage that a process may wait for"
    assert front.received == b""


@pytest.mark.parametrize("query", SPELLINGS)
def test_broker_and_cache_use_a_redis_with_a_certificate_of_ssl_cert_file(
    front: TlsFront, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    connect_broker(front.url + query)
    with closing(RedisCache(front.url + query, instance="test")) as cache:
        cache.put("name", b"value", ttl=timedelta(minutes=1))
        assert cache.get("name") == b"value"
