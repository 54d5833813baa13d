"""Whether a request was meant for this server: its Host header, on every route, for loopback can be reached by DNS rebinding.

Accepted are the external address, this machine's own names while it listens on loopback only, and, on a wider address, names that
cannot be registered on the Internet: the very address the connection came in on (a probe of Kubernetes), and names inside the cluster.
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
_MOST_ACCEPTED: Final = 256
_INSIDE_A_CLUSTER: Final = (".svc", ".svc.cluster.local")


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowedHosts:
    """The names that this gateway goes by."""

    bound: str
    """GATEWAY_HOST."""
    public_url: str | None = None
    _accepted: set[tuple[bytes | None, str | None]] = field(default_factory=set, repr=False, compare=False)
    """What was found good: nearly every request sends the same."""

    def require_known(self, sent: bytes | None, reached_at: str | None) -> None:
        """Check a Host header; `reached_at` is the local address of the connection.

        Raises:
            Refused: 421, it is missing or names another server.
        """
        if (sent, reached_at) in self._accepted:
            return
        found = _HOST.fullmatch(sent or b"")
        if found is None or not self._is_known(found["name"].decode().lower(), found["port"], reached_at):
            message = "this server does not go by that Host name; GATEWAY_PUBLIC_URL names the one it is known by"
            raise HttpError(HTTPStatus.MISDIRECTED_REQUEST, "InputError", message)
        if len(self._accepted) < _MOST_ACCEPTED:
            self._accepted.add((sent, reached_at))

    def _is_known(self, name: str, port: bytes | None, reached_at: str | None) -> bool:
        if self.public_url is not None:
            public = urlsplit(self.public_url)
            if name == public.hostname and (port is None or public.port is None or int(port) == public.port):
                return True
        if name == self.bound.lower() or is_loopback_host(name):
            return True
        if is_loopback_host(self.bound):
            return False
        return _is_address(name, reached_at) or "." not in name or name.endswith(_INSIDE_A_CLUSTER)


def _is_address(name: str, address: str | None) -> bool:
    try:
        return address is not None and ipaddress.ip_address(name.strip("[]")) == ipaddress.ip_address(address)
    except ValueError:
        return False
