"""How every service is reached: the proxies and certificates that the environment names. One rule, whatever library sends the request.

HTTPS_PROXY, HTTP_PROXY and ALL_PROXY name HTTP proxies, NO_PROXY what is reached without one, SSL_CERT_FILE or SSL_CERT_DIR the trusted
certificates in place of the public authorities. Loopback is never reached through a proxy.
"""

from __future__ import annotations

import ipaddress
import os
import re
import ssl
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, urlsplit

import certifi

from clients.http.loopback import is_loopback_host
from domain.urls import ENCODE_CREDENTIALS, has_unencoded_credentials

_CERTIFICATES: Final = ("SSL_CERT_FILE", "SSL_CERT_DIR")
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


class InvalidNetworkVariable(ValueError):
    """A variable of the environment cannot be used. The message names it and says what to do; it repeats no credentials."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyAddress:
    """An HTTP proxy, and the variable that names it. `url` may hold credentials, so it is not shown."""

    url: str
    variable: str

    def __str__(self) -> str:
        host = urlsplit(self.url).netloc.rpartition("@")[2]
        return f"the proxy {host} of {self.variable}"

    __repr__ = __str__


def find_proxy(url: str, environment: Mapping[str, str]) -> ProxyAddress | None:
    """Return the proxy for a URL; None if it is reached directly. Raises InvalidNetworkVariable."""
    target = urlsplit(url)
    variable, value = _first_set(f"{target.scheme}_proxy", "all_proxy", environment=environment)
    if not value or is_loopback_host(target.hostname) or _is_excepted(target, _first_set("no_proxy", environment=environment)[1]):
        return None
    address = value if "://" in value else f"http://{value}"
    if address.lower().startswith("socks"):
        message = f"{variable} names a SOCKS proxy, which is not supported; name an HTTP proxy, or except the host by NO_PROXY"
        raise InvalidNetworkVariable(message)
    if has_unencoded_credentials(address):
        message = f"{variable} {ENCODE_CREDENTIALS}"
        raise InvalidNetworkVariable(message)
    try:
        parts = urlsplit(address)
        is_valid = parts.scheme in _DEFAULT_PORTS and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_valid = False
    if not is_valid:
        message = f"{variable} is not the address of an HTTP proxy; write http://host:port"
        raise InvalidNetworkVariable(message)
    return ProxyAddress(url=f"{parts.scheme}://{parts.netloc}", variable=variable)


def proxy_for(url: str) -> ProxyAddress | None:
    """Return the proxy of this process for a URL. Raises InvalidNetworkVariable."""
    return find_proxy(url, os.environ)


def trusted_certificates(environment: Mapping[str, str]) -> Path:
    """Return the file or folder of the trusted certificates. Raises InvalidNetworkVariable."""
    for variable in _CERTIFICATES:
        value = environment.get(variable, "").strip()
        if not value:
            continue
        path = Path(value)
        if path.is_dir() != (variable == "SSL_CERT_DIR") or not os.access(path, os.R_OK):
            kind = "folder" if variable == "SSL_CERT_DIR" else "file"
            message = f"{variable} names {value}, which is not a {kind} that can be read; name the {kind} with the certificates"
            raise InvalidNetworkVariable(message)
        return path
    return Path(certifi.where())


def tls_context() -> ssl.SSLContext:
    """Return a context that verifies certificates and names. Raises InvalidNetworkVariable."""
    path = trusted_certificates(os.environ)
    try:
        if path.is_dir():
            return ssl.create_default_context(capath=path)
        return ssl.create_default_context(cafile=path)
    except (ssl.SSLError, OSError):
        message = f"SSL_CERT_FILE names {path}, which holds no certificate; name a file in PEM format"
        raise InvalidNetworkVariable(message) from None


def network_problems(urls: Iterable[str], environment: Mapping[str, str]) -> Iterator[str]:
    """Yield a sentence for each variable that the requests to these URLs cannot use, once."""
    checks: list[Callable[[], object]] = [partial(find_proxy, url, environment) for url in urls]
    checks.append(partial(trusted_certificates, environment))
    found = []
    for check in checks:
        try:
            check()
        except InvalidNetworkVariable as error:
            found.append(str(error))
    yield from dict.fromkeys(found)


def certificate_advice(error: BaseException | None) -> str:
    """Return what to do, if the cause of an error is a certificate that is not trusted."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return "; SSL_CERT_FILE names the certificate of a private authority, for every service"
        error = error.__cause__ or error.__context__
    return ""


def _first_set(*names: str, environment: Mapping[str, str]) -> tuple[str, str]:
    """Return the first variable that is set, and its value. As for curl lower case takes precedence; empty means none."""
    for name in names:
        for variable in (name, name.upper()):
            if variable in environment:
                return variable, environment[variable].strip()
    return "", ""


def _is_excepted(target: SplitResult, no_proxy: str) -> bool:
    host = (target.hostname or "").rstrip(".").lower()
    port = target.port or _DEFAULT_PORTS.get(target.scheme)
    return any(_matches(host, port, entry) for entry in re.split(r"[,\s]+", no_proxy.lower()) if entry)


def _matches(host: str, port: int | None, entry: str) -> bool:
    """Compare with `*`, a domain with everything below it, an address or a network (CIDR); each may have a port."""
    if entry == "*":
        return True
    bracketed = re.fullmatch(r"\[(?P<name>[^\]]+)\](:(?P<port>\d+))?", entry)
    named = bracketed or re.fullmatch(r"(?P<name>[^:]+)(:(?P<port>\d+))?", entry)
    name, only_port = (named["name"], named["port"]) if named else (entry, None)
    if only_port is not None and int(only_port) != port:
        return False
    try:
        network = ipaddress.ip_network(name, strict=False)
    except ValueError:
        domain = name.removeprefix("*").strip(".")
        return bool(domain) and (host == domain or host.endswith(f".{domain}"))
    try:
        return ipaddress.ip_address(host) in network
    except ValueError:
        return False
