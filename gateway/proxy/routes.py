"""The allowed routes of the proxy: exact (method, path) pairs, with their query parameters and the repair of the response.

A path is decoded once and compared whole, and upstream gets the path of the list, not the caller's. A path with a second encoding, an
encoded slash, `//`, `..`, a backslash, `#`, `@` or a control character is rejected before the comparison.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final, Literal
from urllib.parse import parse_qsl, unquote_to_bytes, urlencode

from domain.messages import Json
from gateway.proxy.json_filter import Empty
from gateway.request import GatewayRequest
from gateway.responses import HttpError, bad_request, method_not_allowed, not_found
from wiring.settings import SettingsError

PREFIX: Final = b"/api/scaleops/api"
CLUSTER: Final = b"x-scaleops-cluster"

Check = Callable[[str], bool]
Kind = Literal["workloads", "costs", "flags", "network", "extra"]

_PLAIN_PATH: Final = re.compile(rb"/[A-Za-z0-9/_.~-]*")
_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_MAX_VALUE_LENGTH: Final = 512
_MAX_PARAMETERS: Final = 32
_MAX_CACHED: Final = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """An allowed query parameter. `fixed` is sent upstream even if the caller leaves it out."""

    accepts: Check
    allowed: str
    """The allowed values, for the error message."""
    schema: Mapping[str, Json]
    """The same values, as a JSON schema."""
    required: bool = False
    fixed: str | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class ProxyRoute:
    """An allowed method and path. Compared by identity, so that queries can be cached by route."""

    method: Literal["GET", "POST"]
    path: str
    kind: Kind
    parameters: Mapping[str, Parameter]
    repaired: str | None = None
    """The member of the response that the frontend crashes without."""
    empty: Empty = list
    """The type of that member, to make it empty when it is null or missing."""
    takes_cluster: bool = False

    @cached_property
    def name(self) -> str:
        """Return the name of the route in the audit log and in metrics."""
        return f"{self.method} {self.path}"


def _one_of(*values: str) -> Parameter:
    return Parameter(accepts=values.__contains__, allowed=" or ".join(values), schema={"enum": list(values)})


def _always(value: str) -> Parameter:
    return Parameter(accepts=value.__eq__, allowed=value, schema={"enum": [value]}, fixed=value)


def _is_plain(value: str) -> bool:
    return 0 < len(value) <= _MAX_VALUE_LENGTH and value.isprintable()


def _is_milliseconds(value: str) -> bool:
    return value.isascii() and value.isdecimal() and len(value) <= len("9999999999999")


_PLAIN_VALUE: Final[Mapping[str, Json]] = {"type": "string", "minLength": 1, "maxLength": _MAX_VALUE_LENGTH}
_REQUIRED_NAME: Final = Parameter(accepts=_is_plain, allowed="a name", schema=_PLAIN_VALUE, required=True)
_INSTANT: Final = Parameter(
    accepts=_is_milliseconds,
    allowed="milliseconds since 1970",
    schema={"type": "string", "pattern": "^[0-9]{1,13}$"},
    required=True,
)

ROUTES: Final = (
    ProxyRoute(
        method="POST",
        path="/api/v1/dashboard/byNamespace",
        kind="workloads",
        # OR would also return workloads with only one of the labels, which belong to other components.
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
        parameters={
            "name": _REQUIRED_NAME,
            "namespace": _REQUIRED_NAME,
            "workloadType": _REQUIRED_NAME,
            "from": _INSTANT,
            "to": _INSTANT,
        },
        repaired="destinations",
        takes_cluster=True,
    ),
)
"""The four requests of the ScaleOps frontend plugin. All are read-only."""


def read_extra_route(entry: str) -> ProxyRoute:
    """Parse an entry of GATEWAY_EXTRA_ROUTES: `GET /api/v1/policies`, or `GET /path?one&other` with allowed query parameters.

    Raises:
        SettingsError: it is not valid, or its method is not GET.
    """
    method, _, target = entry.partition(" ")
    path, _, names = target.strip().partition("?")
    if method != "GET":
        message = f"GATEWAY_EXTRA_ROUTES: {entry!r} must begin with GET: the proxy is read-only"
        raise SettingsError(message)
    try:
        is_valid = read_path(path.encode()) == path and not path.endswith("/")
    except (HttpError, UnicodeEncodeError):
        is_valid = False
    parameters = [name for name in names.split("&") if name]
    if not is_valid or not all(_NAME.fullmatch(name) for name in parameters):
        message = f"GATEWAY_EXTRA_ROUTES: {entry!r} is not a valid route; write for example GET /api/v1/policies?multiCluster"
        raise SettingsError(message)
    value = Parameter(accepts=_is_plain, allowed="a plain value", schema=_PLAIN_VALUE)
    return ProxyRoute(method="GET", path=path, kind="extra", parameters=dict.fromkeys(parameters, value), takes_cluster=True)


class RouteTable:
    """The allowed routes by path."""

    def __init__(self, extra: Sequence[ProxyRoute] = ()) -> None:
        self._by_path: dict[str, dict[str, ProxyRoute]] = {}
        self.routes = (*ROUTES, *extra)
        for route in self.routes:
            self._by_path.setdefault(route.path, {})[route.method] = route
        self.find = lru_cache(_MAX_CACHED)(self._find)

    def _find(self, target: bytes, method: str) -> ProxyRoute:
        """Return the route of a request target, as it was sent.

        Raises:
            HttpError: 400 for an ambiguous path, 404 for a path that is not listed, 405 for another method.
        """
        path = read_path(target[len(PREFIX) :])
        routes = self._by_path.get(path)
        if routes is None:
            message = f"{path} is not a route of the proxy; GATEWAY_EXTRA_ROUTES can add routes"
            raise not_found(message)
        if method not in routes:
            raise method_not_allowed(routes)
        return routes[method]


def read_path(sent: bytes) -> str:
    """Decode a path once and return it.

    Raises:
        HttpError: 400, it is not a plain path.
    """
    decoded = unquote_to_bytes(sent)
    encoded_separator = b"%2f" in sent.lower()
    if (
        encoded_separator
        or not _PLAIN_PATH.fullmatch(decoded)
        or any(part in {b"", b".", b".."} for part in decoded.split(b"/")[1:])
    ):
        message = "the path contains encoded slashes, dot segments or reserved characters; write it without them"
        raise bad_request(message)
    return decoded.decode("ascii")


@lru_cache(_MAX_CACHED)
def read_query(route: ProxyRoute, query: bytes) -> str:
    """Return the query to send upstream, in the order of the route: allowed parameters, each once, and the fixed ones.

    Raises:
        HttpError: 400, a parameter is not allowed, repeated, missing or has a value that is not allowed.
    """
    try:
        sent = parse_qsl(query.decode("ascii"), keep_blank_values=True, max_num_fields=_MAX_PARAMETERS, errors="strict")
    except ValueError:
        message = "the query cannot be parsed; percent-encode it as UTF-8"
        raise bad_request(message) from None
    found: dict[str, str] = {}
    for name, value in sent:
        parameter = route.parameters.get(name)
        if parameter is None:
            allowed = ", ".join(route.parameters) or "none"
            message = f"the query parameter {name[:64]!r} is not allowed for this path; allowed: {allowed}"
            raise bad_request(message)
        if name in found:
            message = f"the query parameter {name!r} was sent twice"
            raise bad_request(message)
        if not parameter.accepts(value):
            message = f"the query parameter {name!r} must be {parameter.allowed}"
            raise bad_request(message)
        found[name] = value
    values: list[tuple[str, str]] = []
    for name, parameter in route.parameters.items():
        final = found.get(name, parameter.fixed)
        if final is not None:
            values.append((name, final))
        elif parameter.required:
            message = f"the query parameter {name!r} is missing"
            raise bad_request(message)
    return urlencode(values)


def read_cluster(route: ProxyRoute, request: GatewayRequest) -> str | None:
    """Return the cluster of the header X-Scaleops-Cluster, if the route takes it.

    Raises:
        HttpError: 400, it is not a valid name.
    """
    cluster = request.header(CLUSTER)
    if cluster is None or not route.takes_cluster:
        return None
    if not _is_plain(cluster) or not cluster.isascii() or cluster != cluster.strip():
        message = "the header X-Scaleops-Cluster must be the plain name of a cluster"
        raise bad_request(message)
    return cluster
