"""Our outputs contain the predecessor's recorded ones; where it is wrong by a listed difference, the right one is computed here."""

import json
import math
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from actions.catalogue import ACTIONS
from actions.context import RequestContext
from simulator.serving import Simulator
from tests.services.clients import live_caller

HERE = Path(__file__).parent
UPSTREAM = json.loads((HERE / "upstream.json").read_text(encoding="utf-8"))
HOURS = {"7d": 168, "30d": 720, "90d": 2160}
RECORDED = sorted(path.stem for path in (HERE / "expected").glob("get_*.json"))

Json = Any
"""Recorded JSON: what its shape is, is what these tests are about."""


def recording(stem: str) -> Json:
    return json.loads((HERE / "expected" / f"{stem}.json").read_text(encoding="utf-8"))


def upstream_of(reference: str) -> list[Json]:
    return [workload for workload in UPSTREAM["workloads"] if workload["component"] == reference]


def contains(ours: Json, theirs: Json, where: str = "") -> Iterator[str]:
    """Name every place where our answer does not hold what theirs holds. Numbers compare as floats do."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        for key, value in theirs.items():
            yield from contains(ours[key], value, f"{where}.{key}") if key in ours else [f"{where}.{key} is missing"]
    elif isinstance(theirs, list) and isinstance(ours, list) and len(ours) == len(theirs):
        for number, (our, their) in enumerate(zip(ours, theirs, strict=True)):
            yield from contains(our, their, f"{where}[{number}]")
    elif not is_same(ours, theirs):
        yield f"{where}: {ours!r} is not {theirs!r}"


def is_same(ours: Json, theirs: Json) -> bool:
    if type(theirs) in (int, float) and type(ours) in (int, float):
        return math.isclose(ours, theirs, rel_tol=1e-9, abs_tol=1e-9)
    return type(ours) is type(theirs) and bool(ours == theirs)


def expected_of(stem: str, reference: str, recorded: Json) -> Json:
    """Return what our output must contain: the predecessor's, corrected by the listed differences."""
    name, _, variant = stem.partition(".")
    correct: dict[str, Callable[[str, str, Json], Json]] = {
        "get_scaleops_data_for_entity": right_data,
        "get_scaleops_cost_analysis_for_entity": right_cost,
        "get_scaleops_recommendations_for_entity": right_recommendations,
        "get_scaleops_network_usage_for_entity": right_network,
        "get_scaleops_policy_definitions_for_entity": lambda _v, _r, result: result["output"],
    }
    return correct[name](variant, reference, recorded)


def known_sum(values: Iterable[float | None]) -> float | None:
    """Difference 3: a sum skips what is unknown; theirs is 0 where nothing is known."""
    found = list(values)
    known = [value for value in found if value is not None]
    return None if found and not known else sum(known)


def right_data(_: str, reference: str, result: Json) -> Json:
    """Difference 3: where a missing field made theirs fail, the field is null and the rest stands."""
    if result["status"] == 200:
        return result["output"]
    fields = (
        "clusterName",
        "namespace",
        "workloadName",
        "type",
        "policyName",
        "auto",
        "cpuRequests",
        "memRequests",
        "cpuRecommended",
        "memRecommended",
        "isUnderProvisioned",
        "isOverProvisioned",
        "savingsAvailable",
        "activeSavings",
    )
    rows = [workload["dash"] for workload in upstream_of(reference)]
    kind, _, rest = reference.partition(":")
    namespace, _, name = rest.partition("/")
    return {
        "entity": {"kind": kind.capitalize(), "namespace": namespace, "name": name},
        "workloads": [{**{field: row.get(field) for field in fields}, "dashboardUrl": None} for row in rows],
        "summary": {
            "totalWorkloads": len(rows),
            "totalSavingsAvailable": known_sum(row.get("savingsAvailable") for row in rows),
            "totalActiveSavings": known_sum(row.get("activeSavings") for row in rows),
            "automatedWorkloads": sum(1 for row in rows if row["auto"]),
            "overProvisionedCount": sum(1 for row in rows if row["isOverProvisioned"]),
            "underProvisionedCount": sum(1 for row in rows if row["isUnderProvisioned"]),
        },
    }


def right_cost(variant: str, reference: str, result: Json) -> Json:
    """Differences 1 and 3: all workloads of the component, each with its own place and name; nulls for what is left out.

    Where the cost report leaves a name out, theirs shows the raw id; ours takes the name of the workload list.
    """
    hours = HOURS[variant.removeprefix("range-") or "7d"]
    workloads = upstream_of(reference)
    places = {(w["dash"]["clusterName"], w["dash"]["namespace"], w["dash"]["type"]) for w in workloads}
    left_out = any(w["cost"].get(field) is None for w in workloads for field in ("savingsAvailable", "spotPercent"))
    if len(places) == 1 and not left_out:
        names = {w["cost"]["id"]: w["dash"]["workloadName"] for w in workloads}
        named = [
            {**row, "workloadName": names.get(row["workloadName"], row["workloadName"])}
            for row in result["output"]["costAnalysis"]
        ]
        return {**result["output"], "costAnalysis": named}
    rows = []
    clusters = dict.fromkeys(w["dash"]["clusterName"] for w in workloads)
    for workload in (w for cluster in clusters for w in workloads if w["dash"]["clusterName"] == cluster):
        cost, dash = workload["cost"], workload["dash"]
        savings = cost.get("savingsAvailable")
        rows.append(
            {
                "workloadName": cost.get("workloadName", dash["workloadName"]),
                "clusterName": dash["clusterName"],
                "namespace": dash["namespace"],
                "totalCost": round(cost["hourlyCost"] * hours, 4),
                "hourlyCost": cost["hourlyCost"],
                "spotPercent": cost.get("spotPercent"),
                "onDemandPercent": cost.get("onDemandPercent"),
                "savingsAvailable": None if savings is None else round(savings * hours / 720, 4),
                "dashboardUrl": None,
            }
        )
    return {
        "entity": result["output"]["entity"],
        "costAnalysis": rows,
        "summary": {
            "totalCost": sum(row["totalCost"] for row in rows),
            "averageHourlyCost": sum(row["hourlyCost"] for row in rows) / len(rows),
            "totalSavingsAvailable": known_sum(row["savingsAvailable"] for row in rows),
        },
    }


def right_recommendations(variant: str, reference: str, result: Json) -> Json:
    """Differences 2 and 3: the minimum never hides what is under-provisioned; theirs turned a missing number into 0."""
    right = json.loads(json.dumps(result["output"]))
    if variant == "min-10":
        everything = recording("get_scaleops_recommendations_for_entity")["results"][reference]["output"]["recommendations"]
        rows = [row for row in everything if row["savingsAvailable"] >= 10 or row["issue"] == "under-provisioned"]
        right["recommendations"] = rows
        right["summary"] = {
            "totalRecommendations": len(rows),
            "highPriority": sum(1 for row in rows if row["priority"] == "high"),
            "totalPotentialSavings": sum(row["savingsAvailable"] for row in rows),
        }
    sources = {
        (w["dash"]["clusterName"], w["dash"]["namespace"], w["dash"]["type"], w["dash"]["workloadName"]): w["dash"]
        for w in upstream_of(reference)
    }
    for row in right["recommendations"]:
        source = sources[row["clusterName"], row["namespace"], row["type"], row["workloadName"]]
        row["recommendedCPU"] = source.get("cpuRecommended")
        row["recommendedMemory"] = source.get("memRecommended")
        row["savingsAvailable"] = source.get("savingsAvailable")
    return right


def right_network(_: str, reference: str, result: Json) -> Json:
    """Difference 3: a failed call is reported with its reason; the predecessor reported the network as not monitored."""
    right = json.loads(json.dumps(result["output"]))
    failing = {
        (w["dash"]["clusterName"], w["dash"]["namespace"], w["dash"]["workloadName"])
        for w in upstream_of(reference)
        if w["net"]["mode"] == "error500"
    }
    for row in right["workloadNetworkData"]:
        if (row["clusterName"], row["namespace"], row["workloadName"]) in failing:
            row["networkCostEnabled"] = UPSTREAM["networkCostEnabled"][row["clusterName"]]
            row["error"] = "ScaleOps answered GET /api/v1/workload-network with 500: an internal error"
            row["totalNetworkCost"] = row["totalTraffic"] = None
    return right


LIVE_ACTIONS = {name: action for name, action in ACTIONS.items() if action.is_live}


@pytest.fixture
def caller(simulator: Simulator) -> Iterator[RequestContext]:
    with live_caller(simulator) as over_simulator:
        yield over_simulator


@pytest.mark.parametrize("stem", RECORDED)
def test_the_output_contains_that_of_the_predecessor(stem: str, caller: RequestContext) -> None:
    recorded = recording(stem)
    action = ACTIONS[recorded["action"]]
    differences = []
    for reference, result in recorded["results"].items():
        output = action.run({"entityRef": reference, **recorded["extraInput"]}, caller)
        ours = output.model_dump(mode="json", by_alias=True)
        expected = expected_of(stem, reference, result)
        differences += [f"{reference}{difference}" for difference in contains(ours, expected)]
    assert differences == []
    assert len(recorded["results"]) == 40


def test_the_recording_holds_every_live_action() -> None:
    assert {stem.partition(".")[0] for stem in RECORDED} == set(LIVE_ACTIONS)


def test_every_missing_number_is_named_in_a_warning(caller: RequestContext) -> None:
    data, cost = LIVE_ACTIONS["get_scaleops_data_for_entity"], LIVE_ACTIONS["get_scaleops_cost_analysis_for_entity"]
    numbers = ("cpuRequests", "memRequests", "cpuRecommended", "memRecommended", "savingsAvailable", "activeSavings")
    for reference in {workload["component"] for workload in UPSTREAM["workloads"]}:
        workloads = upstream_of(reference)
        said = data.run({"entityRef": reference}, caller).warnings
        lacking = [w for w in workloads if any(w["dash"].get(field) is None for field in (*numbers, "policyName"))]
        assert len(said) == len(lacking)
        said = cost.run({"entityRef": reference}, caller).warnings
        lacking = [w for w in workloads if any(w["cost"].get(field) is None for field in ("savingsAvailable", "spotPercent"))]
        assert len(said) == len(lacking)
