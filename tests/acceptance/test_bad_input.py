"""Invalid input: one line that says what is wrong and what to do, the right exit status, and nothing lost or duplicated."""

from pathlib import Path

import pytest

from simulator.serving import Simulator
from tests.services.commands import Ran, Run
from tests.services.simulated import settings_of

DATA = "get_scaleops_data_for_entity"
ORDERS = "component:default/orders-000"
BROKEN = "postgresql://somebody:MARKED-PASSWORD@127.0.0.1:1/nothing"


@pytest.fixture
def simulator(simulator: Simulator) -> Simulator:
    simulator.load("demo")
    return simulator


def fails_with_one_line(ran: Ran, *, status: int, words: tuple[str, ...]) -> None:
    assert ran.status == status, ran.out + ran.err
    (line,) = ran.err.splitlines()
    assert "Traceback" not in ran.out + ran.err
    assert "defect" not in line
    for word in words:
        assert word in line


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["action", "get_something", ORDERS], ("get_something", "get_scaleops_data_for_entity")),
        (["action", DATA], ("REF", "--all")),
        (["action", DATA, ORDERS, "--all"], ("exclude each other",)),
        (["action", "get_scaleops_cost_analysis_for_entity", ORDERS, "--range", "5d"], ("--range", "7d", "90d")),
        (["action", DATA, ORDERS, "--range", "7d"], ("no option --range",)),
        (["action", "get_scaleops_network_usage_for_entity", ORDERS, "--hours", "0"], ("--hours",)),
        (["report", "--week", "2026-W60"], ("2026-W60", "2026-W53")),
        (["report", "--week", "last"], ("2026-W47",)),
        (["report", "--team", "a:b:c"], ("kind:namespace/name",)),
        (["report", "--again"], ("--send",)),
        (["report", "--monthly", "--week", "2026-W47"], ("--monthly", "--week")),
        (["report", "--month", "2026-10"], ("--month requires --monthly",)),
        (["report", "--monthly", "--month", "2026-13"], ("2026-13", "2026-10")),
        (["trend", "component:a/b/c"], ("kind:namespace/name",)),
        (["explain", "component:a/b/c", "--live"], ("kind:namespace/name",)),
        (["trend", ORDERS, "--weeks", "0"], ("--weeks",)),
        (["alerts", "acknowledge", "everything"], ("RULE:ENTITY",)),
        (["alerts", "snooze", "budget:component:default/x", "--for", "long"], ("30m",)),
        (["outbox", "list", "--status", "lost"], ("--status", "pending")),
        (["collekt"], ("collekt", "--help")),
        (["collect", "--fast"], ("--fast",)),
    ],
)
def test_bad_usage_is_refused_in_one_line(run: Run, simulator: Simulator, command: list[str], words: tuple[str, ...]) -> None:
    fails_with_one_line(run(*command, **settings_of(simulator)), status=2, words=words)


@pytest.mark.parametrize(
    ("command", "wrong", "words"),
    [
        (["collect"], {"SCALEOPS_BASE_URL": ""}, ("SCALEOPS_BASE_URL is not set",)),
        (["collect"], {"BACKSTAGE_BASE_URL": ""}, ("BACKSTAGE_BASE_URL", "BACKSTAGE_CATALOG_FILE")),
        (["collect"], {"WORKER_COLLECT_EVERY": "7h"}, ("WORKER_COLLECT_EVERY", "24 hours")),
        (["collect"], {"SCALEOPS_BASEURL": "x"}, ("SCALEOPS_BASEURL", "SCALEOPS_BASE_URL")),
        (["collect"], {"SLACK_BASE_URL": "http://slack.example.com"}, ("SLACK_BASE_URL", "https://")),
        (
            ["collect"],
            {"SCALEOPS_PASSWORD": "", "SCALEOPS_PASSWORD_FILE": "/nowhere/secret"},
            ("SCALEOPS_PASSWORD_FILE", "/nowhere/secret"),
        ),
        (["collect"], {"WORKER_CONFIG_FILE": "/nowhere/config.yaml"}, ("WORKER_CONFIG_FILE", "/nowhere/config.yaml")),
        (["status"], {"DATABASE_URL": "mysql://x/y"}, ("DATABASE_URL", "postgresql://")),
        (["status"], {"DATABASE_URL": "sqlite://"}, ("DATABASE_URL", "in memory")),
        (["status"], {"DATABASE_URL": "postgresql://u:MARKED@host:port/x"}, ("DATABASE_URL", "port")),
    ],
)
def test_a_bad_setting_is_refused_in_one_line(
    run: Run, simulator: Simulator, command: list[str], wrong: dict[str, str], words: tuple[str, ...]
) -> None:
    fails_with_one_line(run(*command, **{**settings_of(simulator), **wrong}), status=2, words=words)


def test_a_wrong_configuration_file_names_the_key(run: Run, simulator: Simulator) -> None:
    Path("scaleops-worker.yaml").write_text("teams: {group:default/payments: {slack_chanel: C1}}\n", encoding="utf-8")
    ran = run("collect", **settings_of(simulator))
    fails_with_one_line(ran, status=2, words=("scaleops-worker.yaml", "slack_chanel", "did you mean slack_channel?"))


@pytest.mark.parametrize(
    ("command", "wrong", "words"),
    [
        (["collect"], {"SCALEOPS_PASSWORD": "MARKED-WRONG"}, ("rejected the login", "SCALEOPS_PASSWORD")),
        (["collect"], {"SCALEOPS_BASE_URL": "http://127.0.0.1:1"}, ("ScaleOps", "cannot be reached")),
        (["collect"], {"BACKSTAGE_TOKEN": "MARKED-WRONG"}, ("Backstage", "credentials")),
        (["collect"], {"BACKSTAGE_BASE_URL": "http://127.0.0.1:1"}, ("Backstage", "cannot be reached")),
        (["collect"], {"DATABASE_URL": "sqlite:////nowhere/at/all.db"}, ("/nowhere/at/all.db", "DATABASE_URL")),
        (["status"], {"DATABASE_URL": BROKEN}, ("127.0.0.1:1", "DATABASE_URL")),
        (["report", "--team", "group:default/nobody"], {}, ("group:default/nobody",)),
        (["trend", "component:default/nobody"], {}, ("component:default/nobody", "collect")),
        (["alerts", "acknowledge", "budget:component:default/nobody"], {}, ("budget:component:default/nobody", "alerts list")),
        (["outbox", "retry", "report:nobody"], {}, ("there is no message report:nobody",)),
    ],
)
def test_what_fails_prints_the_reason_in_one_line(
    run: Run, simulator: Simulator, command: list[str], wrong: dict[str, str], words: tuple[str, ...]
) -> None:
    ran = run(*command, **{**settings_of(simulator), **wrong})
    fails_with_one_line(ran, status=1, words=words)
    assert "MARKED" not in ran.out + ran.err


def test_a_missing_or_broken_catalog_file_is_named(run: Run, simulator: Simulator) -> None:
    settings = {**settings_of(simulator), "BACKSTAGE_BASE_URL": "", "BACKSTAGE_TOKEN": ""}
    Path("broken.yaml").write_text("kind: [", encoding="utf-8")
    fails_with_one_line(run("collect", **settings, BACKSTAGE_CATALOG_FILE="missing.yaml"), status=1, words=("missing.yaml",))
    fails_with_one_line(run("collect", **settings, BACKSTAGE_CATALOG_FILE="broken.yaml"), status=1, words=("broken.yaml",))


@pytest.mark.parametrize(
    ("ref", "name", "words"),
    [
        ("component:default/nobody", "NotFoundError", "component:default/nobody"),
        ("just-a-name", "InputError", "kind:namespace/name"),
        ("group:default/payments", "InputError", "kubernetes-label-selector"),
    ],
)
def test_an_invalid_reference_is_one_error_line_and_the_others_succeed(
    run: Run, simulator: Simulator, ref: str, name: str, words: str
) -> None:
    ran = run("action", DATA, ref, "component:default/frontend", "--json", **settings_of(simulator))
    failed, answered = ran.lines
    assert ran.status == 1
    assert failed["error"]["name"] == name
    assert words in failed["error"]["message"]
    assert answered["output"]["workloads"]


@pytest.mark.parametrize("mode", ["html", "truncated", "empty", "redirect", "drop"])
def test_an_invalid_response_of_scaleops_is_an_error_never_an_empty_output(run: Run, simulator: Simulator, mode: str) -> None:
    simulator.plan_fault("scaleops", route="byNamespace", mode=mode)
    ran = run("action", DATA, "component:default/frontend", "--json", **settings_of(simulator))
    (line,) = ran.lines
    assert ran.status == 1
    assert line["error"]["name"] == "ServiceUnavailableError"
    assert "ScaleOps" in line["error"]["message"]


def test_nothing_is_lost_or_duplicated_by_a_failed_collect(run: Run, simulator: Simulator) -> None:
    settings = settings_of(simulator)
    failed = run("collect", **{**settings, "SCALEOPS_BASE_URL": "http://127.0.0.1:1"})
    done = run("collect", **settings)
    again = run("collect", **settings)
    assert (failed.status, done.status, again.status) == (1, 0, 0)
    assert "43 of 43 components measured" in done.out
    assert "is already done" in again.out
    assert run("status", "--json", **settings).lines[0]["newestSweep"]["unknown"] == 0


def test_a_component_without_workloads_or_with_a_bad_selector_does_not_stop_the_others(run: Run, simulator: Simulator) -> None:
    catalog = """
kind: Component
metadata: {name: good, annotations: {backstage.io/kubernetes-label-selector: app.kubernetes.io/name=frontend}}
spec: {owner: payments}
---
kind: Component
metadata: {name: bad, annotations: {backstage.io/kubernetes-label-selector: "app in ("}}
spec: {owner: payments}
"""
    Path("catalog.yaml").write_text(catalog, encoding="utf-8")
    no_backstage = {"BACKSTAGE_BASE_URL": "", "BACKSTAGE_TOKEN": ""}
    settings = {**settings_of(simulator), **no_backstage, "BACKSTAGE_CATALOG_FILE": "catalog.yaml"}

    ran = run("collect", **settings)
    status = run("status", "--json", **settings).lines[0]

    assert ran.status == 0
    assert "1 of 2 components measured" in ran.out
    assert list(status["unmeasured"]) == ["component:default/bad"]
    assert "app in (" in status["unmeasured"]["component:default/bad"]
