"""Secrets appear only where they are used: everything runs with marked secrets, and all output and rows are searched."""

import json
import sqlite3
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulator import credentials
from simulator.company.catalog import PAYMENTS_KEY, PLATFORM_KEY
from simulator.serving import Simulator
from tests.services.commands import Run
from tests.services.simulated import settings_of

SECRET_KEY = "marked-worker-secret-key"
TEAM_KEY = "markedteamroutingkey000000000001"
DATABASE_PASSWORD = "marked-database-password"


def secrets_of(simulator: Simulator) -> dict[str, str]:
    """Return every secret of this installation, including the tokens issued by ScaleOps."""
    return {
        "SCALEOPS_PASSWORD": credentials.SCALEOPS_PASSWORD,
        "BACKSTAGE_TOKEN": credentials.BACKSTAGE_TOKEN,
        "SLACK_BOT_TOKEN": credentials.SLACK_BOT_TOKEN,
        "PAGERDUTY_ROUTING_KEY": credentials.PAGERDUTY_ROUTING_KEY,
        "annotation of payments": PAYMENTS_KEY,
        "annotation of platform": PLATFORM_KEY,
        "routing key file of search": TEAM_KEY,
        "WORKER_SECRET_KEY": SECRET_KEY,
        "password in DATABASE_URL": DATABASE_PASSWORD,
        **{f"token {number} of ScaleOps": token for number, token in enumerate(simulator.state.tokens)},
    }


def texts_in(database: Path) -> Iterator[tuple[str, bytes]]:
    with sqlite3.connect(database) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            for row in connection.execute(f'SELECT * FROM "{table}"'):
                for cell in row:
                    raw = cell if isinstance(cell, bytes) else str(cell).encode()
                    yield table, raw
                    try:
                        yield table, zlib.decompress(raw)
                    except zlib.error:
                        continue


def test_no_secret_is_in_logs_errors_rows_reports_or_messages(run: Run, simulator: Simulator, tmp_path: Path) -> None:
    simulator.load("demo")
    key_file = tmp_path / "search-routing-key"
    key_file.write_text(TEAM_KEY, encoding="utf-8")
    Path("scaleops-worker.yaml").write_text(
        f"teams: {{group:default/search: {{pagerduty_routing_key_file: {key_file}}}}}\nalerts: {{under-provisioned: {{for: 1, page: always}}}}\n",
        encoding="utf-8",
    )
    settings = {**settings_of(simulator), "WORKER_SECRET_KEY": SECRET_KEY, "LOG_LEVEL": "debug", "LOG_FORMAT": "json"}
    output: list[str] = []

    def do(*command: str, **changes: str) -> None:
        ran = run(*command, **{**settings, **changes})
        assert "defect" not in ran.err, ran.err
        output.append(ran.out + ran.err)

    do("check-config", "--live")
    do("check-config", "--live", "--json")
    for status in (401, 403, 429, 500):
        simulator.plan_fault("scaleops", status=status, times=200)
        simulator.add_fault("backstage", status=status, times=2)
        do("collect", DATABASE_URL=f"sqlite:///{status}.db")
    simulator.state.faults.clear()
    do("action", "get_scaleops_policy_definitions_for_entity", "--all", "--json")
    do("run-once")
    for service in ("slack", "pagerduty"):
        simulator.plan_fault(service, status=500)
        do("report", "--team", "group:default/payments", "--send", "--again")
        do("deliver")
    simulator.state.faults.clear()
    do("run-once")
    for form in ("html", "markdown", "slack", "json"):
        do("report", "--team", "group:default/payments", "--format", form)
    for command in (
        ["status", "--json"],
        ["alerts", "list", "--json"],
        ["outbox", "list", "--json"],
        ["trend", "group:default/payments"],
    ):
        do(*command)
    do("collect", SCALEOPS_PASSWORD="wrong", DATABASE_URL="sqlite:///denied.db")
    do("status", DATABASE_URL=f"postgresql://worker:{DATABASE_PASSWORD}@127.0.0.1:1/nothing")
    do("collect", SCALEOPS_TOKEN="a-second-credential")

    assert simulator.state.pagerduty.events, "an incident was opened, so the routing keys were used"
    secrets = secrets_of(simulator)
    assert len(secrets) > 9
    events = [
        {name: value for name, value in received["event"].items() if name != "routing_key"}
        for received in simulator.state.pagerduty.events
    ]
    places = [("output and log", text.encode()) for text in output]
    places += [("Slack", json.dumps(message).encode()) for message in simulator.state.slack.messages]
    places += [("PagerDuty, but for the routing key", json.dumps(event).encode()) for event in events]
    places += [(f"table {table}", text) for database in Path().glob("*.db") for table, text in texts_in(database)]
    found = {(name, place) for place, text in places for name, secret in secrets.items() if secret.encode() in text}
    assert found == set()


def test_the_search_finds_compressed_and_embedded_secrets(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "x.db") as connection:
        connection.execute("CREATE TABLE plain (a TEXT, b BLOB)")
        connection.execute("INSERT INTO plain VALUES (?, ?)", (f"a {TEAM_KEY} b", zlib.compress(SECRET_KEY.encode())))
        connection.commit()
    texts = [text for _, text in texts_in(tmp_path / "x.db")]
    assert any(TEAM_KEY.encode() in text for text in texts)
    assert any(SECRET_KEY.encode() in text for text in texts)


@pytest.mark.parametrize("name", ["scaleops_password", "slack_bot_token", "worker_secret_key", "database_url"])
def test_settings_never_show_a_secret(name: str) -> None:
    from wiring.environment import resolve_settings  # noqa: PLC0415 - the module under test

    values = {
        name.upper(): "sqlite:///marked-secret-value" if name == "database_url" else "marked-secret-value",
        "SCALEOPS_USER": "x",
    }
    resolved = resolve_settings(values, None)
    assert "marked-secret-value" not in repr(resolved)
    assert "marked-secret-value" not in str(resolved.settings.model_dump())
