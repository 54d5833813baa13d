"""The calls to ScaleOps of a simulated day, by route: four full sweeps, and the watch sweeps between them.

`python -m benchmarks calls`, for the parity world and for 10,000 components. The reference is a sweep without bulk responses that
fetches every network: what each full sweep of a day took before. Of the 92 watch sweeps over 10,000 components 4 are done, and the
others are counted as one call each, which all are in the parity world.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.results import BenchmarkResult
from benchmarks.scale_deployment import control_upstream, open_listed, serving_upstream
from simulator.serving import Simulator
from tasks.collect.stage import collect
from tasks.context import StageContext
from tests.services.simulated import PARITY_FOLDER, settings_of
from tests.services.sweep_day import (
    FULL_EVERY,
    FULL_SWEEPS,
    WATCH_EVERY,
    WATCH_SWEEPS,
    allowed_calls,
    count_selectors,
    count_watched,
    sweep_day,
)
from tests.stage_factories import ManualClock
from wiring.config_file import ConfigFile
from wiring.contexts import build_stage_context
from wiring.environment import resolve_settings
from wiring.loaded_config import LoadedConfig

NAME: Final = "calls"
COMPONENTS: Final = 10_000
MAX_CALLS: Final = 2.0
"""Of a component in a full sweep, on average over a day with its watch sweeps."""
DAY: Final = datetime(2026, 11, 24, tzinfo=timezone.utc)
ONE_WATCH_IN: Final = 23
_INVENTORY: Final = "POST /api/v1/dashboard/byNamespace"
_LOGIN: Final = "POST /auth/callback"

TakeCalls = Callable[[], Mapping[str, int]]
"""Returns the calls by route since it was called last."""


def measure() -> Iterator[BenchmarkResult]:
    """Measure a day of both worlds."""
    with Simulator(str(PARITY_FOLDER)) as simulator:

        def take() -> Mapping[str, int]:
            calls = Counter(simulator.state.calls["scaleops"])
            simulator.state.calls.clear()
            return calls

        yield from measure_day("parity world", settings_of(simulator), take, clock=ManualClock(DAY, simulator))
    with serving_upstream(COMPONENTS) as upstream, tempfile.TemporaryDirectory() as folder:
        catalog = Path(folder) / "catalog.yaml"
        catalog.touch()
        settings = {
            "SCALEOPS_BASE_URL": upstream,
            "SCALEOPS_TOKEN": "a-token-of-the-benchmark",
            "BACKSTAGE_CATALOG_FILE": str(catalog),
        }
        yield from measure_day(
            f"{COMPONENTS:,} components",
            settings,
            partial(take_calls_of, upstream),
            clock=ManualClock(DAY),
            listed=COMPONENTS,
            max_calls=MAX_CALLS,
        )


def take_calls_of(upstream: str) -> Mapping[str, int]:
    """Return the calls to the static ScaleOps, and reset its counts."""
    routes: dict[str, int] = control_upstream(upstream, None)["routes"]
    control_upstream(upstream, {})
    return routes


def measure_day(
    world: str,
    settings: Mapping[str, str],
    take: TakeCalls,
    *,
    clock: ManualClock,
    listed: int = 0,
    max_calls: float | None = None,
) -> Iterator[BenchmarkResult]:
    """Do the reference sweep and then a day of sweeps. With `listed`, that many components count as listed in each full sweep."""
    with tempfile.TemporaryDirectory() as folder:
        database = {"DATABASE_URL": f"sqlite:///{folder}/bench.db"}

        def list_components(context: StageContext, _: datetime) -> None:
            if listed:
                open_listed(context.store, listed, now=clock(), every=FULL_EVERY)

        clock.advance(DAY - FULL_EVERY + timedelta(minutes=1) - clock.now)
        with opened({**settings, **database, "SCALEOPS_BULK": "off"}, clock) as context:
            list_components(context, clock())
            collect(context)
        before = take()
        with opened({**settings, **database}, clock) as context:
            one_watch_in = ONE_WATCH_IN if listed else 1
            sweep_day(context, clock, DAY, before_full=partial(list_components, context), one_watch_in=one_watch_in)
            calls = Counter(take())
            calls[_INVENTORY] += WATCH_SWEEPS - WATCH_SWEEPS // one_watch_in
            with context.store.reading() as transaction:
                components = tuple(transaction.components.all())
                seen = len(transaction.clusters.in_sweep(DAY))
            allowed = allowed_calls(
                full_sweeps=FULL_SWEEPS,
                watch_sweeps=WATCH_SWEEPS,
                clusters=seen,
                selectors=count_selectors(components),
                watched=count_watched(context.store, DAY),
            )
    sweeps = FULL_SWEEPS * len(components)
    for route in sorted(calls.keys() - {_LOGIN}):
        yield BenchmarkResult(
            what=f"{world}, a day: {route}",
            measured=f"{calls[route]:,} calls, {calls[route] / sweeps:.3f} a component and full sweep",
            reference=f"{FULL_SWEEPS * before[route]:,} calls, {before[route] / len(components):.3f}, in four sweeps without bulk responses",
            ratio=calls[route] / (FULL_SWEEPS * before[route]),
        )
    total = calls.total() - calls[_LOGIN]
    yield BenchmarkResult(
        what=f"{world}, a day: all calls but logins",
        measured=f"{total:,} calls, {total / sweeps:.2f} a component and full sweep",
        reference=f"{allowed:,} calls by the formula, without comparisons and repeats of single components",
        ratio=total / allowed,
    )
    if max_calls is not None:
        yield BenchmarkResult(
            what=f"{world}, a day: all calls but logins, a component and full sweep",
            measured=f"{total / sweeps:.2f}",
            reference=f"{max_calls:g} allowed",
            ratio=total / sweeps / max_calls,
            required=("at most", 1.0),
        )


@contextmanager
def opened(settings: Mapping[str, str], clock: ManualClock) -> Iterator[StageContext]:
    """Open the context of the stages."""
    resolved = resolve_settings(
        {
            **settings,
            "WORKER_COLLECT_EVERY": f"{FULL_EVERY // timedelta(hours=1)}h",
            "WORKER_WATCH_EVERY": f"{WATCH_EVERY // timedelta(minutes=1)}m",
        },
        None,
    )
    with build_stage_context(LoadedConfig(resolved=resolved, config=ConfigFile()), clock=clock) as context:
        yield context
