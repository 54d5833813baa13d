"""The Host header, checked on every route: a server on loopback is reachable by DNS rebinding.

Accepted are the public URL, loopback names, and, if the server is bound to a wider address, names that cannot be registered on the
Internet: the address of the connection itself (a Kubernetes probe), and names inside the cluster.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from clients.http.loopback import is_loopback_host
from gateway.responses import HttpError

_HOST: Final = re.compile(rb"(?P<name>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(?P<port>\d{1,5}))?")
_MAX_CACHED: Final = 256
_CLUSTER_SUFFIXES: Final = (".svc", ".svc.cluster.local")


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowedHosts:
    """The Host names of this gateway."""

    bound: str
    """GATEWAY_HOST."""
    public_url: str | None = None
    _accepted: set[tuple[bytes | None, str | None]] = field(default_factory=set, repr=False, compare=False)
    """Pairs that passed the check before: nearly every request sends the same."""

    def check(self, host: bytes | None, server_address: str | None) -> None:
        """Check a Host header; `server_address` is the local address of the connection.

        Raises:
            HttpError: 421, it is missing or names another server.
        """
        if (host, server_address) in self._accepted:
            return
        found = _HOST.fullmatch(host or b"")
        if found is None or not self._is_allowed(found["name"].decode().lower(), found["port"], server_address):
            message = "this Host is not allowed; GATEWAY_PUBLIC_URL sets the public one"
            raise HttpError(HTTPStatus.MISDIRECTED_REQUEST, "InputError", message)
        if len(self._accepted) < _MAX_CACHED:
            self._accepted.add((host, server_address))

    def _is_allowed(self, name: str, port: bytes | None, server_address: str | None) -> bool:
        if self.public_url is not None:
            public = urlsplit(self.public_url)
            if name == public.hostname and (port is None or public.port is None or int(port) == public.port):
                return True
        if name == self.bound.lower() or is_loopback_host(name):
            return True
        if is_loopback_host(self.bound):
            return False
        return _is_address(name, server_address) or "." not in name or name.endswith(_CLUSTER_SUFFIXES)


def _is_address(name: str, address: str | None) -> bool:
    try:
        return address is not None and ipaddress.ip_address(name.strip("[]")) == ipaddress.ip_address(address)
    except ValueError:
        return False
