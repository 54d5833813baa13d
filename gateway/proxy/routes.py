"""What the proxy passes: an exact list of (method, path) pairs, and for each the query parameters, the body and the answer's repair.

A path is decoded once and compared whole; the path that goes upstream is the list's own, never the caller's. What a path of the list
could not hold (a second encoding, an encoded slash, `//`, `..`, a backslash, `#`, `@`, a control character) is refused before anything is compared.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, Literal
from urllib.parse import parse_qsl, unquote_to_bytes, urlencode

from gateway.proxy.json_filter import Empty
from gateway.request import GatewayRequest
from gateway.responses import HttpError, bad_request, not_found
from wiring.settings import SettingsError

PREFIX: Final = b"/api/scaleops/api"
CLUSTER: Final = b"x-scaleops-cluster"

Check = Callable[[str], bool]
Kind = Literal["workloads", "costs", "flags", "network", "extra"]

_PLAIN_PATH: Final = re.compile(rb"/[A-Za-z0-9/_.~-]*")
_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_LONGEST_VALUE: Final = 512
_MOST_PARAMETERS: Final = 32
_MOST_REMEMBERED: Final = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A query parameter that may pass. `fixed` is sent whether or not the caller sends it."""

    accepts: Check
    means: str
    """What it may be, for the refusal."""
    required: bool = False
    fixed: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyRoute:
    """One pair, with all that may come with it."""

    method: Literal["GET", "POST"]
    path: str
    kind: Kind
    parameters: Mapping[str, Parameter]
    repaired: str | None = None
    """The member of the answer that the frontend crashes without."""
    empty: Empty = list
    """The type of that member, to make it empty when it is null or missing."""
    takes_cluster: bool = False

    @property
    def name(self) -> str:
        """Name the route in the audit and in metrics."""
        return f"{self.method} {self.path}"


def _one_of(*values: str) -> Parameter:
    return Parameter(accepts=values.__contains__, means=" or ".join(values))


def _always(value: str) -> Parameter:
    return Parameter(accepts=value.__eq__, means=value, fixed=value)


def _is_plain(value: str) -> bool:
    return 0 < len(value) <= _LONGEST_VALUE and value.isprintable()


def _is_milliseconds(value: str) -> bool:
    return value.isascii() and value.isdecimal() and len(value) <= len("9999999999999")


_WORD: Final = Parameter(accepts=_is_plain, means="a name", required=True)
_INSTANT: Final = Parameter(accepts=_is_milliseconds, means="milliseconds since 1970", required=True)

ROUTES: Final = (
    ProxyRoute(
        method="POST",
        path="/api/v1/dashboard/byNamespace",
        kind="workloads",
        # OR would answer with workloads that carry only one of the labels: other people's.
        parameters={"multiCluster": _always("true"), "logicalLabel": _always("AND")},
        repaired="workloads",
    ),
    ProxyRoute(
        method="POST",
        path="/detailedCostReport/getWorkloads",
        kind="costs",
        parameters={"multiCluster": _always("true"), "range": _one_of("7d", "30d", "90d")},
        repaired="aggregatedWorkloads",
        takes_cluster=True,
    ),
    ProxyRoute(
        method="GET",
        path="/api/v1/networkCost/networkCostEnabled",
        kind="flags",
        parameters={"multiCluster": _always("true")},
        repaired="networkCostEnabled",
        empty=dict,
    ),
    ProxyRoute(
        method="GET",
        path="/api/v1/workload-network",
        kind="network",
        parameters={"name": _WORD, "namespace": _WORD, "workloadType": _WORD, "from": _INSTANT, "to": _INSTANT},
        repaired="destinations",
        takes_cluster=True,
    ),
)
"""The four calls of the ScaleOps frontend plugin. All of them only read."""


def read_extra_routes(entries: Sequence[str]) -> tuple[ProxyRoute, ...]:
    """Read GATEWAY_EXTRA_ROUTES: `GET /api/v1/policies`, and with query parameters that may pass `GET /path?one&other`.

    Raises:
        SettingsError: an entry is no such pair, or a method that writes.
    """
    return tuple(_read_extra_route(entry) for entry in entries)


def _read_extra_route(entry: str) -> ProxyRoute:
    method, _, target = entry.partition(" ")
    path, _, names = target.strip().partition("?")
    if method != "GET":
        message = f"GATEWAY_EXTRA_ROUTES: {entry!r} must begin with GET; the proxy passes no other method, for it only reads"
        raise SettingsError(message)
    try:
        is_good = read_path(path.encode()) == path and not path.endswith("/")
    except (HttpError, UnicodeEncodeError):
        is_good = False
    parameters = [name for name in names.split("&") if name]
    if not is_good or not all(_NAME.fullmatch(name) for name in parameters):
        message = f"GATEWAY_EXTRA_ROUTES: {entry!r} is no route; write for example GET /api/v1/policies?multiCluster"
        raise SettingsError(message)
    word = Parameter(accepts=_is_plain, means="a plain value")
    return ProxyRoute(method="GET", path=path, kind="extra", parameters=dict.fromkeys(parameters, word), takes_cluster=True)


class RouteTable:
    """The list, by path."""

    def __init__(self, extra: Sequence[ProxyRoute] = ()) -> None:
        self._by_path: dict[str, dict[str, ProxyRoute]] = {}
        self._plain: dict[tuple[bytes, str], ProxyRoute] = {}
        self._queries: dict[tuple[str, bytes], str] = {}
        for route in (*ROUTES, *extra):
            self._by_path.setdefault(route.path, {})[route.method] = route
            self._plain[PREFIX + route.path.encode(), route.method] = route

    def find(self, target: bytes, method: str) -> ProxyRoute:
        """Answer the route of a request's path as it was sent.

        Raises:
            Refused: 400 for a path that is up to something, 404 for one that is not listed, 405 for another method.
        """
        plain = self._plain.get((target, method))
        if plain is not None:
            return plain
        path = read_path(target[len(PREFIX) :])
        routes = self._by_path.get(path)
        if routes is None:
            message = f"the proxy passes no {path}; GATEWAY_EXTRA_ROUTES can list further paths"
            raise not_found(message)
        if method not in routes:
            allowed = ", ".join(routes)
            message = f"the proxy passes {path} with {allowed} only"
            raise HttpError(HTTPStatus.METHOD_NOT_ALLOWED, "InputError", message, headers=((b"allow", allowed.encode()),))
        return routes[method]

    def read_query(self, route: ProxyRoute, query: bytes) -> str:
        """Answer what the function of that name does, and remember it: most callers send one of a few queries."""
        known = self._queries.get((route.name, query))
        if known is None:
            known = read_query(route, query)
            if len(self._queries) >= _MOST_REMEMBERED:
                self._queries.clear()
            self._queries[route.name, query] = known
        return known


def read_path(sent: bytes) -> str:
    """Decode a path once, and answer it if it is nothing but a path.

    Raises:
        Refused: 400, it holds what no path of ours holds.
    """
    decoded = unquote_to_bytes(sent)
    encoded_separator = b"%2f" in sent.lower()
    if (
        encoded_separator
        or not _PLAIN_PATH.fullmatch(decoded)
        or any(part in {b"", b".", b".."} for part in decoded.split(b"/")[1:])
    ):
        message = "this is no path that the proxy could pass: write it plainly, without encoded slashes, dots or other signs"
        raise bad_request(message)
    return decoded.decode("ascii")


def read_query(route: ProxyRoute, query: bytes) -> str:
    """Answer the query to send upstream, always in the same order: allowed parameters, each once, and the fixed ones.

    Raises:
        Refused: 400, a parameter is not allowed, is there twice, is missing, or has a value it cannot have.
    """
    try:
        sent = parse_qsl(query.decode("ascii"), keep_blank_values=True, max_num_fields=_MOST_PARAMETERS, errors="strict")
    except ValueError:
        message = "the query cannot be read; percent-encode it as UTF-8"
        raise bad_request(message) from None
    found: dict[str, str] = {}
    for name, value in sent:
        parameter = route.parameters.get(name)
        if parameter is None:
            allowed = ", ".join(route.parameters) or "none"
            message = f"the query parameter {name[:64]!r} may not pass here; allowed are: {allowed}"
            raise bad_request(message)
        if name in found:
            message = f"the query parameter {name!r} was sent twice"
            raise bad_request(message)
        if not parameter.accepts(value):
            message = f"the query parameter {name!r} must be {parameter.means}"
            raise bad_request(message)
        found[name] = value
    values: list[tuple[str, str]] = []
    for name, parameter in route.parameters.items():
        wanted = found.get(name, parameter.fixed)
        if wanted is not None:
            values.append((name, wanted))
        elif parameter.required:
            message = f"the query parameter {name!r} is missing"
            raise bad_request(message)
    return urlencode(values)


def read_cluster(route: ProxyRoute, exchange: GatewayRequest) -> str | None:
    """Answer the cluster that the caller routes the call to.

    Raises:
        Refused: 400, it is no name.
    """
    cluster = exchange.header(CLUSTER)
    if cluster is None or not route.takes_cluster:
        return None
    if not _is_plain(cluster) or not cluster.isascii() or cluster != cluster.strip():
        message = "the header X-Scaleops-Cluster must be the plain name of a cluster"
        raise bad_request(message)
    return cluster
