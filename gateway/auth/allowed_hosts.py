"""The Host header, checked on every route: a server on loopback is reachable by DNS rebinding.

Accepted are the public URL, loopback names, and, if the server is bound to a wider address, names that cannot be registered on the
Internet: the address of the connection itself (a Kubernetes probe), and names inside the cluster. Which domain the cluster has, and which
namespace this is, the resolver's search list says.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from clients.http.loopback import is_loopback_host
from gateway.responses import HttpError

_HOST: Final = re.compile(rb"(?P<name>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(?P<port>\d{1,5}))?")
_MAX_CACHED: Final = 256
_RESOLVER: Final = Path("/etc/resolv.conf")
_SERVICES: Final = (".svc", ".svc.cluster.local")


def cluster_suffixes(resolver: Path = _RESOLVER) -> tuple[str, ...]:
    """Return the ends of names inside the cluster: `.svc`, `.svc.<cluster domain>` and `.<namespace>`, as far as they are known."""
    try:
        lines = resolver.read_text(encoding="utf-8", errors="replace").lower().splitlines()
    except OSError:
        return _SERVICES
    searched = next((line.split()[1:] for line in reversed(lines) if line.split()[:1] == ["search"]), [])
    found = [*_SERVICES]
    for domain in searched:  # in a pod: tools.svc.cluster.local svc.cluster.local cluster.local
        namespace, dot, services = domain.strip(".").partition(".svc.")
        if dot and "." not in namespace:
            found += [f".{namespace}", f".svc.{services}"]
    return tuple(dict.fromkeys(found))


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowedHosts:
    """The Host names of this gateway."""

    bound: str
    """GATEWAY_HOST."""
    public_url: str | None = None
    cluster_suffixes: tuple[str, ...] = _SERVICES
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
        # With a trailing dot it is the same name.
        name = "" if found is None else found["name"].decode().lower().removesuffix(".").strip("[]")
        if found is None or not name or not self._is_allowed(name, found["port"], server_address):
            message = "this Host is not allowed; GATEWAY_PUBLIC_URL sets the public one"
            raise HttpError(HTTPStatus.MISDIRECTED_REQUEST, "InputError", message)
        if len(self._accepted) < _MAX_CACHED:
            self._accepted.add((host, server_address))

    def _is_allowed(self, name: str, port: bytes | None, server_address: str | None) -> bool:
        if self.public_url is not None:
            public = urlsplit(self.public_url)
            if name == public.hostname and (port is None or public.port is None or int(port) == public.port):
                return True
        if name == self.bound.lower().strip("[]") or is_loopback_host(name):
            return True
        if is_loopback_host(self.bound):
            return False
        if ":" in name:
            return _is_address(name, server_address)
        return "." not in name or name.endswith(self.cluster_suffixes) or _is_address(name, server_address)


def _is_address(name: str, address: str | None) -> bool:
    try:
        return address is not None and _parse(name) == _parse(address)
    except ValueError:
        return False


def _parse(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """Parse an address; one that an IPv6 socket has for an IPv4 connection is the IPv4 address."""
    address = ipaddress.ip_address(text)
    return (address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None) or address
