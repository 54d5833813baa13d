"""The metrics of a worker: the limit on ScaleOps calls, watch sweeps and pages."""

from datetime import timedelta

from prometheus_client import REGISTRY

from clients.throttle.concurrency_limiter import LimiterStatus
from clients.throttle.limit_algorithm import BackoffReason
from domain.sweeps import WatchSource, WatchSweep
from tests.factories import NOW
from worker.metrics import record_limit, record_page, record_watch

CUTS = "scaleops_worker_calls_limit_cuts_total"


def test_the_call_limit_is_exported() -> None:
    cuts = REGISTRY.get_sample_value(CUTS, {"reason": "timeout"}) or 0.0
    record_limit(LimiterStatus(limit=40, share=10, backoff_reason=BackoffReason.TIMEOUT))
    record_limit(LimiterStatus(limit=41, share=11))
    assert REGISTRY.get_sample_value("scaleops_worker_calls_limit") == 41
    assert REGISTRY.get_sample_value("scaleops_worker_calls_share") == 11
    assert REGISTRY.get_sample_value(CUTS, {"reason": "timeout"}) == cuts + 1


def test_watch_sweeps_are_counted_by_outcome_with_their_duration_and_pages_with_their_age() -> None:
    def value(name: str, **labels: str) -> float:
        return REGISTRY.get_sample_value(f"scaleops_worker_{name}", labels) or 0.0

    names = ("watch_sweep_duration_seconds_sum", "watch_sweep_duration_seconds_count")
    before = [value(name, source="inventory") for name in names], value("page_evidence_age_seconds_sum")
    for failure in ("", "it took longer than 25 minutes"):
        record_watch(
            WatchSweep(
                as_of=NOW,
                opened_at=NOW,
                alive_at=NOW,
                closed_at=NOW + timedelta(seconds=7),
                evaluated_at=None,
                source=WatchSource.INVENTORY,
                failure=failure,
            )
        )
    record_page(timedelta(seconds=90))
    assert [value(name, source="inventory") for name in names] == [before[0][0] + 14, before[0][1] + 2]
    assert value("watch_sweeps_total", source="inventory", outcome="failed") >= 1
    assert value("watch_sweeps_total", source="inventory", outcome="succeeded") >= 1
    assert value("page_evidence_age_seconds_sum") == before[1] + 90
