"""Addresses as text: credentials that are not percent-encoded, and host names that only a cluster resolves."""

from __future__ import annotations

import re
from typing import Final

ENCODE_CREDENTIALS: Final = (
    "contains a character in its user or password that has a meaning in a URL; "
    "percent-encode the password (@ is %40, / is %2F, # is %23, ? is %3F, : is %3A, % is %25)"
)
_UNENCODED: Final = re.compile(r"[@/?#\[\]\s\\]|%(?![0-9A-Fa-f]{2})")
_LABEL: Final = r"[a-z0-9]([a-z0-9_-]{0,61}[a-z0-9])?"
_CLUSTER_NAME: Final = re.compile(rf"(?=[^.]*[a-z]){_LABEL}|({_LABEL}\.)+svc(\.cluster\.local)?|({_LABEL}\.)+cluster\.local")


def has_unencoded_credentials(url: str) -> bool:
    """Return True if what precedes the last `@` cannot be a percent-encoded user and password.

    Such an address is parsed differently by each library, and its password becomes part of a host name or a database name.
    """
    userinfo, at, _ = url.partition("://")[2].rpartition("@")
    return bool(at and _UNENCODED.search(userinfo))


def is_cluster_internal_host(host: str | None) -> bool:
    """Return True for a name without a dot, or one that ends in `.svc` or `.cluster.local`: Kubernetes and compose resolve these."""
    return bool(_CLUSTER_NAME.fullmatch((host or "").lower().removesuffix(".")))
