"""Prometheus metrics of the gateway: counts and durations by route and outcome. No label names a caller, an entity or a workload."""

from __future__ import annotations

from functools import cache, partial

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from gateway.responses import GatewayResponse
from wiring.limiter_metrics import LimiterMetrics

_BUCKETS_S = (0.001, 0.005, 0.02, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_PREFIX = "scaleops_worker_gateway"


class Metrics:
    """The metrics of one gateway, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        counter = partial(Counter, registry=self.registry)
        histogram = partial(Histogram, buckets=_BUCKETS_S, registry=self.registry)
        # A child is looked up by its labels once: the look-up costs more than the count.
        self._requests = cache(
            counter(f"{_PREFIX}_requests", "Requests by route, kind of caller and status", ["route", "caller", "status"]).labels
        )
        self._latency = cache(
            histogram(f"{_PREFIX}_request_duration_seconds", "Duration of requests, by route", ["route"]).labels
        )
        self._upstream = cache(
            counter(
                f"{_PREFIX}_upstream_calls", "Calls of the proxy to ScaleOps by route and outcome", ["route", "outcome"]
            ).labels
        )
        self._upstream_latency = cache(
            histogram(f"{_PREFIX}_upstream_call_duration_seconds", "Duration of calls to ScaleOps, by route", ["route"]).labels
        )
        lookups = counter(f"{_PREFIX}_cache_responses", "Responses of the proxy by cache outcome", ["outcome"])
        self._tokens = counter(f"{_PREFIX}_scaleops_tokens", "ScaleOps tokens fetched")
        self._actions = counter(
            f"{_PREFIX}_tool_calls", "Actions by client (mcp, registry), name and outcome", ["client", "tool", "outcome"]
        )
        self._action_latency = histogram(f"{_PREFIX}_tool_call_duration_seconds", "Duration of actions", ["client", "tool"])
        self.set_limiter_status = LimiterMetrics(_PREFIX, self.registry).record
        self._cache_outcomes = {outcome: lookups.labels(outcome) for outcome in ("hit", "miss", "collapsed", "bypass")}

    def count_request(self, route: str, caller_kind: str, status: int, seconds: float) -> None:
        """Count one served request. `route` is a template, never a path."""
        self._requests(route, caller_kind, status).inc()
        self._latency(route).observe(seconds)

    def observe_upstream(self, route: str, outcome: str, seconds: float) -> None:
        """Count one call to ScaleOps."""
        self._upstream(route, outcome).inc()
        self._upstream_latency(route).observe(seconds)

    def count_cache(self, outcome: str) -> None:
        """Count one response by its cache outcome: hit, miss, collapsed or bypass."""
        self._cache_outcomes[outcome].inc()

    def count_new_token(self) -> None:
        """Count one fetched ScaleOps token."""
        self._tokens.inc()

    def count_tool_call(self, client: str, tool: str, outcome: str, seconds: float) -> None:
        """Count one action of a client (`mcp`, `registry`); the outcome is `done` or the error's name."""
        self._actions.labels(client, tool, outcome).inc()
        self._action_latency.labels(client, tool).observe(seconds)

    def response(self) -> GatewayResponse:
        """Return the metrics in the text format of Prometheus."""
        return GatewayResponse(
            status=200, headers=((b"content-type", CONTENT_TYPE_LATEST.encode()),), body=generate_latest(self.registry)
        )
