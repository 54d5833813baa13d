"""Prometheus metrics of the shared limit on calls to ScaleOps, under the prefix of the process that serves them."""

from __future__ import annotations

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge

from clients.throttle.concurrency_limiter import LimiterStatus


class LimiterMetrics:
    """The limit, this process's share of it, and the decreases that its calls caused."""

    def __init__(self, prefix: str, registry: CollectorRegistry = REGISTRY) -> None:
        self._limit = Gauge(
            f"{prefix}_calls_limit",
            "Limit on ScaleOps calls in flight over all processes",
            registry=registry,
            multiprocess_mode="mostrecent",
        )
        self._share = Gauge(
            f"{prefix}_calls_share", "This program's share of that limit", registry=registry, multiprocess_mode="livesum"
        )
        self._cuts = Counter(
            f"{prefix}_calls_limit_cuts", "Decreases of that limit caused by this program's calls", ["reason"], registry=registry
        )

    def record(self, status: LimiterStatus) -> None:
        """Set the limit and the share; called once a second while there are calls."""
        self._limit.set(status.limit)
        self._share.set(status.share)
        if status.backoff_reason is not None:
            self._cuts.labels(status.backoff_reason.value).inc()
