"""A sweep by chunks: enqueued once, again only when it stalls, and closed by the worker that completes it."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal

import pytest

from actions.live.measure import MeasureResult
from domain.refs import EntityRef
from domain.snapshots import Outcome
from simulator.serving import Simulator
from store import Store
from store.retention import Retention
from tasks.collect.chunks import STALLED_AFTER, Chunk, advance_sweep, is_worth_retrying, measure_chunk
from tasks.collect.measuring import CollectFailed, MeasurePool
from tasks.collect.stage import collect
from tasks.maintenance.purging import purge_expired
from tests.factories import NEXT_SLOT, SLOT
from tests.stage_factories import CollectBench, open_collect_bench


@pytest.fixture
def bench(simulator: Simulator, store: Store) -> Iterator[CollectBench]:
    with open_collect_bench(simulator, store) as made:
        yield made


def measure_in_an_outage(bench: CollectBench) -> None:
    chunks = advance_sweep(bench.context, size=1).chunks  # so small that each has outcomes before the outage is detected
    bench.simulator.add_fault("scaleops", mode="drop")
    for chunk in chunks:
        with suppress(CollectFailed):
            measure_chunk(bench.context, chunk)


def test_every_component_is_in_exactly_one_chunk(bench: CollectBench) -> None:
    step = advance_sweep(bench.context, size=3)
    refs = [ref for chunk in step.chunks for ref in chunk.refs]
    assert step.opened is not None
    assert len(refs) == len(set(refs)) == step.opened.expected
    assert max(len(chunk.refs) for chunk in step.chunks) == 3


def test_the_last_chunk_closes_the_sweep(bench: CollectBench) -> None:
    chunks = advance_sweep(bench.context, size=3).chunks
    closed = [measure_chunk(bench.context, chunk) for chunk in chunks]
    assert closed[:-1] == [None] * (len(chunks) - 1)
    assert closed[-1] is not None
    assert closed[-1].closed_at is not None
    assert advance_sweep(bench.context).chunks == ()


def test_a_pool_measures_several_chunks_with_the_same_threads(bench: CollectBench) -> None:
    chunks = advance_sweep(bench.context, size=3).chunks
    with MeasurePool(2) as pool:
        closed, threads = [], []
        for chunk in chunks:
            closed.append(measure_chunk(bench.context, chunk, pool=pool))
            threads.append({one.ident for one in threading.enumerate() if one.name.startswith("component")})
    assert closed[-1] is not None
    assert closed[-1].unknown == 0
    assert threads[0] <= threads[1] <= threads[-1]
    assert len(threads[-1]) <= pool.size
    assert not [one for one in threading.enumerate() if one.name.startswith("component")]


def test_a_pool_survives_a_chunk_that_found_scaleops_down(bench: CollectBench, simulator: Simulator) -> None:
    chunk, *_ = advance_sweep(bench.context, size=9).chunks
    with MeasurePool(2) as pool:
        simulator.plan_fault("scaleops", status=401)
        with pytest.raises(CollectFailed):
            measure_chunk(bench.context, chunk, pool=pool)
        simulator.state.faults = []
        bench.clock.advance(timedelta(minutes=1))  # a refused login is not retried at once
        measure_chunk(bench.context, chunk, pool=pool)
    with bench.context.store.reading() as transaction:
        assert set(transaction.snapshots.outcomes_of(chunk.refs, chunk.as_of).values()) == {Outcome.MEASURED}


def test_a_scaleops_outage_of_minutes_does_not_cost_the_slot(bench: CollectBench) -> None:
    measure_in_an_outage(bench)
    step = advance_sweep(bench.context, size=1)
    assert (step.closed, step.chunks) == ((), ())
    bench.simulator.state.faults.clear()
    bench.clock.advance(STALLED_AFTER)
    closed = [measure_chunk(bench.context, chunk) for chunk in advance_sweep(bench.context, size=9).chunks]
    assert closed[:-1] == [None] * (len(closed) - 1)
    assert closed[-1] is not None
    assert closed[-1].unknown == 0


def test_components_that_stay_unknown_after_an_outage_delay_the_sweep_by_two_minutes(bench: CollectBench) -> None:
    measure_in_an_outage(bench)
    advance_sweep(bench.context)
    bench.clock.advance(STALLED_AFTER)
    last, *others = advance_sweep(bench.context, size=1).chunks
    bench.simulator.state.faults.clear()
    measure_chunk(bench.context, Chunk(as_of=last.as_of, refs=tuple(ref for chunk in others for ref in chunk.refs)))
    assert advance_sweep(bench.context).closed == ()
    bench.clock.advance(STALLED_AFTER)
    (closed,) = advance_sweep(bench.context).closed
    assert closed.unknown == len(last.refs)


def test_a_sweep_of_a_lasting_outage_is_closed_at_its_deadline(bench: CollectBench) -> None:
    measure_in_an_outage(bench)
    bench.clock.advance(timedelta(minutes=31))
    (closed,) = advance_sweep(bench.context).closed
    assert closed.unknown == closed.expected > 0


REFS = [EntityRef.parse(f"component:default/c{number}") for number in range(10)]
SHARE = Decimal("0.3")


@pytest.mark.parametrize(
    ("unknown", "before", "expected"),
    [(3, REFS, False), (4, REFS, True), (4, REFS[4:], False), (4, REFS[:5], True), (3, [], False), (4, [], True)],
)
def test_an_outage_is_when_too_many_of_those_measured_before_are_unknown(
    unknown: int, before: list[EntityRef], *, expected: bool
) -> None:
    outcomes = dict.fromkeys(REFS, Outcome.MEASURED) | dict.fromkeys(REFS[:unknown], Outcome.UNKNOWN)
    assert is_worth_retrying(outcomes, before=before, share=SHARE) is expected


def test_a_sweep_with_progress_is_not_enqueued_again(bench: CollectBench) -> None:
    chunks = advance_sweep(bench.context, size=3).chunks
    for chunk in chunks[:-1]:
        bench.clock.advance(STALLED_AFTER - timedelta(seconds=1))
        measure_chunk(bench.context, chunk)
        assert advance_sweep(bench.context, size=3).chunks == ()


def test_a_stalled_sweep_enqueues_what_is_outstanding(bench: CollectBench) -> None:
    first, *others = advance_sweep(bench.context, size=3).chunks
    measure_chunk(bench.context, first)
    assert advance_sweep(bench.context, size=3).chunks == ()
    bench.clock.advance(STALLED_AFTER)
    again = advance_sweep(bench.context, size=3).chunks
    assert {ref for chunk in again for ref in chunk.refs} >= {ref for chunk in others for ref in chunk.refs}
    assert advance_sweep(bench.context, size=3).chunks == ()


def test_a_repeated_chunk_makes_no_call(bench: CollectBench) -> None:
    chunks = advance_sweep(bench.context).chunks
    for chunk in chunks:
        measure_chunk(bench.context, chunk)
    bench.simulator.state.calls.clear()
    for chunk in chunks:
        assert measure_chunk(bench.context, chunk) is None
    assert measure_chunk(bench.context, Chunk(as_of=NEXT_SLOT, refs=chunks[0].refs)) is None
    assert bench.calls() == {}


def test_a_chunk_without_budget_starts_nothing_and_leaves_the_rest_open(bench: CollectBench) -> None:
    (chunk,) = advance_sweep(bench.context, size=1000).chunks
    assert measure_chunk(bench.context, chunk, may_begin=lambda: False) is None
    assert bench.measurements(SLOT) == {}


class OneThreadPool(MeasurePool):
    """Measures the first component; no thread begins the others."""

    begun = 0

    def submit(self, work: Callable[[], MeasureResult]) -> Future[MeasureResult]:
        self.begun += 1
        future: Future[MeasureResult] = Future()
        if self.begun == 1:
            future.set_result(work())
        return future


def test_components_that_no_thread_has_begun_when_the_budget_ends_are_left_open(bench: CollectBench) -> None:
    (chunk,) = advance_sweep(bench.context, size=1000).chunks
    may_begin = iter((True, False))
    with OneThreadPool(2) as pool:
        assert measure_chunk(bench.context, chunk, may_begin=lambda: next(may_begin, False), pool=pool) is None
    assert pool.begun > 1
    assert len(bench.measurements(SLOT)) == 1
    assert measure_chunk(bench.context, chunk) is not None


def test_chunks_measure_what_the_foreground_measures(bench: CollectBench) -> None:
    for chunk in advance_sweep(bench.context, size=2).chunks:
        measure_chunk(bench.context, chunk)
    bench.clock.now = NEXT_SLOT
    collect(bench.context)
    one, other = bench.measurements(SLOT), bench.measurements(NEXT_SLOT)
    assert one.keys() == other.keys()
    assert {ref: found.snapshot.cost_7d for ref, found in one.items()} == {
        ref: found.snapshot.cost_7d for ref, found in other.items()
    }


def test_sweeps_are_purged_one_at_a_time(simulator: Simulator, store: Store) -> None:
    short = Retention(points=timedelta(hours=1), daily=timedelta(hours=1), weekly=timedelta(hours=1))
    with open_collect_bench(simulator, store, retention=short) as bench:
        for slot in (0, 1, 2):
            bench.clock.now = SLOT + slot * timedelta(hours=6)
            collect(bench.context)
        may_begin = iter((True, False))
        assert purge_expired(bench.context, may_begin=lambda: next(may_begin, False)).sweeps == 1
        assert bench.sweep(SLOT) is None
        assert bench.sweep(NEXT_SLOT) is not None
        assert purge_expired(bench.context).sweeps == 1
        assert bench.sweep(SLOT + timedelta(hours=12)) is not None
