"""Whether an address is this machine: the one check behind plain http, disabled proxies and open gateways."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit


def is_loopback_host(host: str | None) -> bool:
    """Return True if a host name or address can only be this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(plain_address((host or "").strip("[]"))).is_loopback
    except ValueError:
        return False


def plain_address(address: str) -> str:
    """Return the IPv4 address that an IPv6 socket shows as `::ffff:10.1.2.3`; any other text unchanged."""
    tail = address.removeprefix("::ffff:")
    return tail if "." in tail else address


def bracket_ipv6(host: str) -> str:
    """Return a host as a URL has it: an IPv6 address in brackets."""
    return f"[{host.strip('[]')}]" if ":" in host else host


def is_loopback_url(url: str) -> bool:
    """Return True if the host of a URL can only be this machine."""
    return is_loopback_host(urlsplit(url).hostname)
