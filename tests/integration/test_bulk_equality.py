"""Every figure, report, alert and message is the same with bulk responses and without them, to the cent."""

import random
import re
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from alerts.policy import AlertPolicy
from domain.routes import RoutePolicy
from simulator.company import SCENARIO
from simulator.company.story import COST_JUMP_FROM, OOM_FROM, OOM_UNTIL, STAGING
from simulator.parity import cost_row
from simulator.serving import Simulator
from simulator.world import NetworkData, Record, Scenario, SimulatedWorkload, World
from store import Store, migrate, schema
from tasks.pipeline import run_once
from tests.services.clients import backstage_of, scaleops_of
from tests.services.simulated import PARITY_FOLDER
from tests.stage_factories import IN_FLIGHT, ManualClock, make_delivery_services, make_stage_context

Stored = dict[str, list[tuple[str, ...]]]

WAYS = (schema.bulk_checks, schema.inventory, schema.namespace_costs, schema.unallocated_workloads)
"""What only a sweep with bulk responses stores."""
ROLL_UP = "report:weekly:platform:"
BY_ORDER = {"id", "snapshot_id", "point_id", "source", "lease_owner"}
"""Numbered as threads write, or the way itself."""


def lived(
    scenario: Scenario | str, simulator: Simulator, url: str, instants: Sequence[datetime], *, bulk: bool, **modes: Any
) -> Stored:
    """Run every stage at these instants; return all that was stored, table by table."""
    simulator.load(scenario)
    simulator.set_modes(**modes)
    clock = ManualClock(instants[0], simulator)
    migrate(url)
    with closing(Store.open(url)) as store, scaleops_of(simulator, clock=clock) as scaleops, backstage_of(simulator) as catalog:
        services = make_delivery_services(slack_url=simulator.slack_url, pagerduty_url=simulator.pagerduty_url)
        services.scaleops, services.catalog = scaleops, catalog
        context = make_stage_context(
            store,
            clock,
            services,
            uses_bulk=bulk,
            max_in_flight=IN_FLIGHT,
            watch_every=timedelta(minutes=15),
            routes=RoutePolicy(platform_channel="C0PLATFORM"),
            alerts=AlertPolicy(instance="test", non_production_clusters=frozenset({STAGING})),
        )
        for instant in instants:
            clock.advance(instant - clock.now)
            assert not run_once(context).collect_failure
        return dumped(store)


def dumped(store: Store) -> Stored:
    found: Stored = {}
    with store._engine.connect() as connection:
        for table in schema.metadata.sorted_tables:
            if table in WAYS or table is schema.snapshot_points:
                continue
            columns = [column for column in table.columns if column.name not in BY_ORDER]
            read = connection.execute(select(*columns)).mappings()
            rows = [without_unallocated(row) for row in read if not is_of_roll_up(row)]
            found[table.name] = sorted(tuple(f"{name}={spelled(value)}" for name, value in row.items()) for row in rows)
        points, snapshots = schema.workload_points.c, schema.snapshots.c
        linked = select(
            snapshots.entity_ref, snapshots.as_of, points.cluster, points.namespace, points.type, points.name
        ).select_from(schema.snapshots.join(schema.snapshot_points).join(schema.workload_points))
        found["snapshot_points"] = sorted(tuple(map(str, row)) for row in connection.execute(linked))
    return found


def is_of_roll_up(row: Mapping[Any, Any]) -> bool:
    return str(row.get("key", row.get("message_key", ""))).startswith(ROLL_UP)


def without_unallocated(row: Mapping[Any, Any]) -> dict[str, Any]:
    """Leave out what only bulk responses tell: the unallocated cost of the roll-up."""
    values = {str(name): value for name, value in row.items() if name != "bulk_clusters"}
    if values.get("content"):
        body = values["content"]
        values["content"] = {
            **body,
            "sections": [one for one in body["sections"] if (one["body"] or {}).get("kind") != "unallocated"],
        }
    return values


def spelled(value: object) -> str:
    return str(sorted(map(str, value))) if isinstance(value, list) else str(value)


def require_equal(
    scenario: Scenario | str, simulator: Simulator, folder: Path, instants: Sequence[datetime], **modes: Any
) -> Stored:
    """Require the same with and without bulk responses, and that they were used."""
    off = lived(scenario, simulator, f"sqlite:///{folder}/off.db", instants, bulk=False, **modes)
    assert not simulator.state.calls["bulk"]
    auto = lived(scenario, simulator, f"sqlite:///{folder}/auto.db", instants, bulk=True, **modes)
    assert simulator.state.calls["bulk"]["byNamespace"]
    assert simulator.state.calls["bulk"]["getWorkloads"]
    for table, rows in off.items():
        assert auto[table] == rows, table
    return auto


def test_the_parity_world(simulator: Simulator, tmp_path: Path) -> None:
    monday = datetime(2026, 11, 23, 0, 5, tzinfo=timezone.utc)
    stored = require_equal(str(PARITY_FOLDER), simulator, tmp_path, [monday, monday + timedelta(hours=9)])
    assert stored["snapshots"]


def test_the_world_of_the_demo(simulator: Simulator, tmp_path: Path) -> None:
    """A report, a cost increase, a page for OOM kills found by a watch sweep and its resolve, and a lost cluster."""
    weeks = [datetime(2026, 10, 19, 0, 5, tzinfo=timezone.utc) + timedelta(days=7 * number) for number in range(4)]
    every = [COST_JUMP_FROM + timedelta(hours=6 * number, minutes=5) for number in range(1, 14)]
    watched = [at + timedelta(minutes=20 + 15 * number) for at in (OOM_FROM, OOM_UNTIL) for number in range(2)]
    reports = [weeks[-1] + timedelta(hours=9)]
    stored = require_equal(SCENARIO, simulator, tmp_path, sorted([*weeks, *every, *watched, *reports]))
    rules = {value for row in stored["alert_states"] for value in row if value.startswith("rule=")}
    assert {"rule=under-provisioned", "rule=cost-increase"} <= rules
    assert stored["report_runs"]
    between_full_sweeps = re.compile(r"under-provisioned.*'as_of': '\S+T(?!(?:00|06|12|18):00)")
    assert any(between_full_sweeps.search(str(row)) for row in stored["alert_events"]), "found by a watch sweep"


ODD_FIGURES: tuple[object, ...] = (None, "12.5", "abc", -3, 0, 1e300, True, {}, [])
NAMES = ("api", "web", "worker")


class MisnamedWorkload(SimulatedWorkload):
    """Its row names a cluster that ScaleOps does not know."""

    cluster = "east"


def random_world(seed: int) -> Scenario:
    draw = random.Random(seed)  # noqa: S311 - a test's world, not a secret
    clusters = ("east", "admin@west & co", "north")

    def odd(value: object, share: float = 0.08) -> object:
        return draw.choice(ODD_FIGURES) if draw.random() < share else value

    def workload(cluster: str, namespace: str, kind: str, name: str) -> SimulatedWorkload:
        identity = f"{namespace}-{kind}-{name}"
        dash: Record = {
            "id": odd(identity, 0.05),
            "clusterName": cluster,
            "namespace": namespace,
            "workloadName": name,
            "type": odd(kind, 0.03),
            "policyName": odd("cost"),
            "auto": odd(draw.random() < 0.5),
            "isUnderProvisioned": odd(draw.random() < 0.3),
            "isOverProvisioned": odd(draw.random() < 0.5),
            "replicas": odd(draw.randint(0, 9)),
            "cpuRequests": odd(500),
            "memRequests": odd(2**30),
            "cpuRecommended": odd(100),
            "memRecommended": odd(2**31),
            "savingsAvailable": odd(draw.randint(0, 400)),
            "activeSavings": odd(draw.randint(0, 9)),
            "oomCountLast24h": odd(draw.choice((0, 0, 2))),
        }
        base: Record = {
            "id": odd(draw.choice((identity, identity.upper(), identity.swapcase())), 0.1),
            "workloadName": odd(name),
            "hourlyCost": round(draw.random(), 3),
            "spotPercent": draw.choice((0, 40, None)),
            "onDemandPercent": draw.choice((100, 60, None)),
            "savingsAvailable": draw.randint(0, 40),
        }
        row = {**cost_row(base, replicas=draw.randint(1, 4), hours=168)}
        row |= {key: odd(value) for key, value in row.items() if key != "id"}
        labels = {"app": name, "team": draw.choice(("shop", "core")), "backstage.io/kubernetes-id": name}
        kind_of = MisnamedWorkload if cluster not in clusters else SimulatedWorkload
        return kind_of(labels=labels, dash=dash, cost_of=lambda _: dict(row), network=NetworkData())

    keys = [
        (cluster, ns, kind, name)
        for cluster in (*clusters, "nowhere")
        for ns in ("shop", "core")
        for kind in ("Deployment", "StatefulSet")
        for name in NAMES
    ]
    chosen = draw.sample(keys, draw.randint(8, 32))
    limits: tuple[dict[str, str], ...] = (
        {},
        {},
        {"namespace": "shop"},
        {"cluster": "east"},
        {"cluster": "north", "namespace": "core"},
    )
    rules: list[Record] = [{"label-selector": f"app={name}"} for name in NAMES]
    rules += [{"label-selector": "team=shop"}, {"label-selector": "app in (api, web)"}, {"label-selector": "app=web,team=core"}]
    rules += [{"id": "worker"}, {"label-selector": "app=nobody"}, {"label-selector": "!gpu"}]
    entities = tuple(
        {
            "kind": draw.choice(("Component", "Resource")),
            "metadata": {
                "name": f"entity-{number}",
                "annotations": {
                    f"backstage.io/kubernetes-{key}": value for key, value in {**rule, **draw.choice(limits)}.items()
                },
            },
            "spec": {"owner": draw.choice(("shop", "core")), "lifecycle": "production"},
        }
        for number, rule in enumerate(rules * 2)
    )
    world = World(
        clusters=clusters,
        workloads=tuple(workload(*key) for key in chosen),
        policies={cluster: ({"metadata": {"name": "cost"}, "spec": {}},) for cluster in clusters},
        network_enabled={cluster: draw.random() < 0.7 for cluster in clusters},
        entities=entities,
    )
    fewer = replace(
        world,
        workloads=world.workloads[draw.randint(0, 3) :],
        silent_clusters=frozenset(draw.sample(clusters, draw.randint(0, 1))),
    )
    return Scenario(name=f"random {seed}", world_at=lambda now: world if now < MONDAY + timedelta(hours=6) else fewer)


MONDAY = datetime(2026, 11, 23, 0, 5, tzinfo=timezone.utc)


@pytest.mark.parametrize("seed", range(12))
def test_random_worlds(simulator: Simulator, tmp_path: Path, seed: int) -> None:
    modes = {"cost_labels": ("or", "and")[seed % 2], "costs_when_empty": ("list", "null", "missing")[seed % 3]}
    instants = [MONDAY, MONDAY + timedelta(hours=6), MONDAY + timedelta(hours=6, minutes=16), MONDAY + timedelta(hours=12)]
    stored = require_equal(random_world(seed), simulator, tmp_path, instants, **modes)
    assert stored["workload_points"]
