"""Prometheus metrics of the gateway: counts and durations by route and outcome. No label names a caller, an entity or a workload."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from clients.throttle.concurrency_limiter import LimiterStatus
from gateway.responses import GatewayResponse

_SECONDS = (0.001, 0.005, 0.02, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """The counters of one gateway, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "scaleops_worker_gateway_requests",
            "Requests by route, kind of caller and status",
            ["route", "caller", "status"],
            registry=self.registry,
        )
        self._latency = Histogram(
            "scaleops_worker_gateway_request_seconds",
            "Time to answer, by route",
            ["route"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._upstream = Counter(
            "scaleops_worker_gateway_upstream_calls",
            "Calls of the proxy to ScaleOps by route and outcome",
            ["route", "outcome"],
            registry=self.registry,
        )
        self._upstream_latency = Histogram(
            "scaleops_worker_gateway_upstream_seconds",
            "Time ScaleOps takes, by route",
            ["route"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._cache = Counter(
            "scaleops_worker_gateway_cache_answers",
            "Answers of the proxy by how the cache came by them",
            ["outcome"],
            registry=self.registry,
        )
        self._tokens = Counter("scaleops_worker_gateway_scaleops_tokens", "ScaleOps tokens fetched anew", registry=self.registry)
        self._tools = Counter(
            "scaleops_worker_gateway_tool_calls",
            "Questions by door, name and outcome",
            ["door", "tool", "outcome"],
            registry=self.registry,
        )
        self._tool_latency = Histogram(
            "scaleops_worker_gateway_tool_seconds",
            "Time a question takes",
            ["door", "tool"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._calls_limit = Gauge(
            "scaleops_worker_gateway_calls_limit",
            "Calls to ScaleOps that all processes asking it may have in flight together",
            registry=self.registry,
        )
        self._calls_share = Gauge(
            "scaleops_worker_gateway_calls_share", "Calls of that limit which are for this gateway", registry=self.registry
        )
        self._calls_cuts = Counter(
            "scaleops_worker_gateway_calls_limit_cuts",
            "Cuts of that limit that followed from what this gateway met",
            ["reason"],
            registry=self.registry,
        )
        self._children: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self._cached = {outcome: self._cache.labels(outcome) for outcome in ("hit", "miss", "collapsed", "bypass")}

    def count_request(self, route: str, caller_kind: str, status: int, seconds: float) -> None:
        """Count one answered request. `route` is a template, never a path."""
        key = route, caller_kind, status
        found = self._children.get(key)
        if found is None:  # looking a child up by its labels costs more than the count
            found = self._requests.labels(route, caller_kind, str(status)), self._latency.labels(route)
            self._children[key] = found
        found[0].inc()
        found[1].observe(seconds)

    def observe_upstream(self, route: str, outcome: str, seconds: float) -> None:
        """Count one call to ScaleOps."""
        self._upstream.labels(route, outcome).inc()
        self._upstream_latency.labels(route).observe(seconds)

    def count_cache(self, outcome: str) -> None:
        """Count how an answer came: hit, miss, collapsed or bypass."""
        self._cached[outcome].inc()

    def count_new_token(self) -> None:
        """Count a ScaleOps token fetched anew."""
        self._tokens.inc()

    def count_tool_call(self, door: str, tool: str, outcome: str, seconds: float) -> None:
        """Count one question through a door (`mcp`, `registry`); the outcome is `done` or the error's name."""
        self._tools.labels(door, tool, outcome).inc()
        self._tool_latency.labels(door, tool).observe(seconds)

    def set_limiter_status(self, status: LimiterStatus) -> None:
        """Set the limit on calls to ScaleOps; called once a second while there are any."""
        self._calls_limit.set(status.limit)
        self._calls_share.set(status.share)
        if status.backoff_reason is not None:
            self._calls_cuts.labels(status.backoff_reason.value).inc()

    def response(self) -> GatewayResponse:
        """Answer the page that Prometheus reads."""
        return GatewayResponse(
            status=200, headers=((b"content-type", CONTENT_TYPE_LATEST.encode()),), body=generate_latest(self.registry)
        )
