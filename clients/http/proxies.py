"""Which proxy of the environment a URL is reached through: HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY, for every service."""

from __future__ import annotations

from requests.utils import get_environ_proxies, prepend_scheme_if_needed, select_proxy

from clients.http.loopback import is_loopback_url


def proxy_for(url: str) -> str | None:
    """Return the URL of the proxy for a request, or None. Proxies are for the network, never for loopback."""
    if is_loopback_url(url):
        return None
    proxy = select_proxy(url, get_environ_proxies(url))
    return prepend_scheme_if_needed(proxy, "http") if proxy else None
