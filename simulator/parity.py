"""A constant world from a folder with `upstream.json` and `catalog.yaml`. The arithmetic is that of the folder's README."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import yaml

from simulator.world import NetworkData, Record, Scenario, SimulatedWorkload, World

MONTH_HOURS: Final = 720


def load_scenario(folder: Path) -> Scenario:
    """Read a folder. Raises OSError or ValueError if its content is invalid."""
    upstream: Record = json.loads((folder / "upstream.json").read_text(encoding="utf-8"))
    text = (folder / "catalog.yaml").read_text(encoding="utf-8")
    entities = tuple(entity for entity in yaml.safe_load_all(text) if entity)
    world = World(
        clusters=tuple(upstream["clusters"]),
        workloads=tuple(_workload(entry) for entry in upstream["workloads"]),
        policies={cluster: tuple(policies) for cluster, policies in upstream["policies"].items()},
        network_enabled=upstream["networkCostEnabled"],
        entities=entities,
        scaleops_user=upstream["credentials"]["username"],
        scaleops_password=upstream["credentials"]["password"],
    )
    return Scenario(name=str(folder), world_at=lambda _: world)


def _workload(entry: Record) -> SimulatedWorkload:
    base: Record = entry["cost"]
    replicas = entry["dash"].get("replicas") or 0
    net: Record = entry.get("net") or {}
    return SimulatedWorkload(
        labels=entry["labels"],
        dash=entry["dash"],
        cost_of=lambda hours: cost_row(base, replicas=replicas, hours=hours),
        network=NetworkData(destinations=tuple(net.get("dests", ())), mode=net.get("mode", "object")),
    )


def cost_row(base: Record, *, replicas: int, hours: int) -> Record:
    """Return a cost row for the range from the cost of an hour (`hourlyCost`) and the savings of a month."""
    row = dict(base)
    if base.get("hourlyCost") is not None:
        row["totalCost"] = round(base["hourlyCost"] * hours, 4)
    if base.get("savingsAvailable") is not None:
        row["savingsAvailable"] = round(base["savingsAvailable"] * hours / MONTH_HOURS, 4)
    for share, name in (("spotPercent", "spotHours"), ("onDemandPercent", "onDemandHours")):
        if base.get(share) is not None:
            row[name] = round(replicas * hours * base[share] / 100, 4)
    return row
