"""A ScaleOps with a capacity: sweeps are complete although calls are refused, and settle below it."""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from actions.catalogue import ACTIONS
from clients.http.errors import ServiceError
from clients.throttle.concurrency_limiter import LimiterStatus
from clients.throttle.limit_algorithm import BackoffReason, CallPriority
from domain.snapshots import Outcome
from simulator.serving import Simulator, addresses_at, settings_for
from simulator.state import Modes
from tasks.collect.chunks import Chunk, advance_sweep, measure_chunk
from tasks.context import StageContext
from tests.factories import NOW, SLOT
from tests.services.queues import QueueServer
from tests.stage_factories import ManualClock
from wiring.config_file import ConfigFile
from wiring.contexts import build_stage_context, request_context
from wiring.environment import resolve_settings
from wiring.loaded_config import LoadedConfig

CAPACITY = 8
LATENCY_S = 0.05
ACTION = "get_scaleops_data_for_entity"


@dataclass
class Installed:
    """The settings of an installation, and the limiter statuses of its processes."""

    settings: Mapping[str, str]
    opened: ExitStack
    statuses: list[LimiterStatus] = field(default_factory=list)

    def start(self, priority: CallPriority = CallPriority.BACKGROUND) -> StageContext:
        loaded = LoadedConfig(resolved=resolve_settings(dict(self.settings), None), config=ConfigFile())
        return self.opened.enter_context(
            build_stage_context(loaded, clock=ManualClock(NOW), priority=priority, on_limiter_status=self.statuses.append)
        )


@pytest.fixture
def installed(simulator: Simulator, tmp_path: Path) -> Iterator[Installed]:
    simulator.load("crowd:90")
    simulator.state.clock.set(NOW)
    addresses = addresses_at(int(simulator.url.rpartition(":")[2]))
    settings = settings_for(addresses, simulator.state.world()) | {"DATABASE_URL": f"sqlite:///{tmp_path / 'sweep.db'}"}
    with ExitStack() as opened:
        yield Installed(settings, opened)
    simulator.state.modes = Modes()


def limit_capacity(simulator: Simulator, **modes: object) -> None:
    simulator.state.latency_s = LATENCY_S
    simulator.state.modes = Modes.model_validate({"capacity": CAPACITY} | modes)


def measure(context: StageContext, chunks: list[Chunk]) -> threading.Thread:
    def work() -> None:
        while chunks:
            try:
                chunk = chunks.pop()
            except IndexError:
                return
            measure_chunk(context, chunk)

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def outcomes(context: StageContext) -> set[Outcome]:
    with context.store.reading() as rows:
        assert len(rows.snapshots.outcomes(SLOT)) == 90
        return set(rows.snapshots.outcomes(SLOT).values())


def refused(simulator: Simulator) -> int:
    return simulator.state.calls["capacity"]["refused"]


@pytest.mark.parametrize(
    "modes", [{}, {"over_capacity": "503", "capacity_retry_after_s": None}], ids=["429 with Retry-After", "503 without"]
)
def test_every_component_is_measured_although_calls_are_refused(
    installed: Installed, simulator: Simulator, modes: dict[str, object]
) -> None:
    context = installed.start()
    chunks = list(advance_sweep(context, size=30).chunks)
    limit_capacity(simulator, **modes)
    measure(context, chunks).join()
    assert outcomes(context) == {Outcome.MEASURED}
    assert refused(simulator) > 0
    assert BackoffReason.THROTTLED in {status.backoff_reason for status in installed.statuses}


def test_two_workers_settle_below_it_together_while_actions_are_served(
    installed: Installed, simulator: Simulator, queues: QueueServer
) -> None:
    installed.settings = {**installed.settings, "REDIS_URL": queues.url}
    workers = [installed.start() for _ in range(2)]
    caller = request_context(installed.start(CallPriority.INTERACTIVE))
    chunks = list(advance_sweep(workers[0], size=15).chunks)
    limit_capacity(simulator)
    working = [measure(context, chunks) for context in workers]
    outputs = 0
    while any(thread.is_alive() for thread in working):
        ACTIONS[ACTION].run({"entityRef": "component:default/service-00007"}, caller)
        outputs += 1
        time.sleep(LATENCY_S)
    assert outcomes(workers[0]) == {Outcome.MEASURED}
    assert outputs > 3
    assert min(status.limit for status in installed.statuses) <= CAPACITY
    calls = simulator.state.calls["capacity"]
    assert calls["refused"] < calls["served"] / 3


def test_a_service_that_refuses_everything_fails_after_the_usual_attempts(installed: Installed, simulator: Simulator) -> None:
    scaleops = installed.start().services.scaleops
    limit_capacity(simulator, capacity=0, capacity_retry_after_s=None)
    with pytest.raises(ServiceError, match="429"):
        scaleops.network_flags()
    assert refused(simulator) == 3
