"""What a worker tells Prometheus of its pace."""

from __future__ import annotations

from prometheus_client import REGISTRY

from clients.throttle.concurrency_limiter import LimiterStatus
from clients.throttle.limit_algorithm import BackoffReason
from worker.metrics import note_pace

CUTS = "scaleops_worker_calls_limit_cuts_total"


def test_the_pace_is_told() -> None:
    cuts = REGISTRY.get_sample_value(CUTS, {"reason": "slow"}) or 0.0
    note_pace(LimiterStatus(total=40, share=10, cut=BackoffReason.SLOW))
    note_pace(LimiterStatus(total=41, share=11))
    assert REGISTRY.get_sample_value("scaleops_worker_calls_limit") == 41
    assert REGISTRY.get_sample_value("scaleops_worker_calls_share") == 11
    assert REGISTRY.get_sample_value(CUTS, {"reason": "slow"}) == cuts + 1
