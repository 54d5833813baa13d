"""The limit on ScaleOps calls in the metrics of a worker."""

from prometheus_client import REGISTRY

from clients.throttle.concurrency_limiter import LimiterStatus
from clients.throttle.limit_algorithm import BackoffReason
from worker.metrics import record_limit

CUTS = "scaleops_worker_calls_limit_cuts_total"


def test_the_call_limit_is_exported() -> None:
    cuts = REGISTRY.get_sample_value(CUTS, {"reason": "timeout"}) or 0.0
    record_limit(LimiterStatus(limit=40, share=10, backoff_reason=BackoffReason.TIMEOUT))
    record_limit(LimiterStatus(limit=41, share=11))
    assert REGISTRY.get_sample_value("scaleops_worker_calls_limit") == 41
    assert REGISTRY.get_sample_value("scaleops_worker_calls_share") == 11
    assert REGISTRY.get_sample_value(CUTS, {"reason": "timeout"}) == cuts + 1
