"""`--json`: the keys that programs rely on."""

from simulator.serving import Simulator
from tests.services.commands import Run
from tests.services.simulated import settings_of

STAGES = {
    "collect": "asOf attempted closedOverdue expected listingReason measured unknown wasClosedBefore",
    "watch": "asOf failure inDanger skippedBecause source",
    "evaluate": "messages notices recommendations sweeps undeliverable",
    "report": "made problems skipped waiting",
    "deliver": "nextDue problems",
}
TREND = "asOf change changePercent currency entityRef notShown warnings weeks"
WEEK = "asOf cost running savingsAvailablePerMonth savingsRealisedPerMonth week workloads workloadsWithCost"
ALERT = "about acknowledgedBy dismissed id notifiedAt openedAt owner paged phase rule severity snoozedUntil workloads"


def test_the_keys_of_json_output(run: Run, simulator: Simulator) -> None:
    simulator.load("demo")
    settings = settings_of(simulator)
    (once,) = run("run-once", "--json", **settings).lines
    alone = {stage: run(stage, "--json", **settings).lines[0][stage] for stage in ("collect", "evaluate", "deliver")}
    (trend,) = run("trend", "component:default/frontend", "--json", **settings).lines
    (why,) = run("trend", "component:default/frontend", "--why", "--json", **settings).lines
    alerts = run("alerts", "list", "--all", "--json", **settings).lines
    watched = run("status", "--json", **settings).lines[0]["watch"]
    assert watched is None, "the run did a full sweep, which is a watch sweep at least"
    assert once["watch"]["skippedBecause"] == "this run did a full sweep"
    assert once.keys() == {*STAGES, "purge"}
    for stage, keys in STAGES.items():
        assert once[stage].keys() >= set(keys.split()), stage
        assert alone.get(stage, once[stage]).keys() == once[stage].keys(), stage
    assert trend.keys() == set(TREND.split())
    assert why.keys() == {*trend.keys(), "why", "whyReason"}
    assert {key for week in trend["weeks"] for key in week} == set(WEEK.split())
    assert {key for alert in alerts for key in alert} == set(ALERT.split())
