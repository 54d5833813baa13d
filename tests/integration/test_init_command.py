"""`init`: from nothing to an installation that is checked."""

from pathlib import Path

import pytest

from simulator.serving import Simulator
from tests.services.commands import Run
from tests.services.simulated import settings_of

APP_CONFIG = """
backend: {{baseUrl: "{backstage}"}}
scaleops: {{baseUrl: "{scaleops}", colour: red, authentication: {{user: "${{REPORT_USER}}", password: "${{REPORT_PASSWORD}}"}}}}
"""


def test_a_new_installation_is_written_and_checked(run: Run, simulator: Simulator) -> None:
    ran = run("init", "--non-interactive", "--currency", "EUR", **settings_of(simulator))

    assert ran.status == 0, ran.err + ran.out
    assert "ok   ScaleOps: signed in" in ran.out
    assert "Next:\n  scaleops-worker collect" in ran.out
    assert Path(".env").stat().st_mode & 0o777 == 0o600
    again = run("check-config", "--live", "--json")
    assert again.status == 0
    assert again.lines[0]["settings"]["SCALEOPS_CURRENCY"] == {"value": "EUR", "from": ".env"}
    assert again.lines[0]["settings"]["WORKER_SECRET_KEY"]["from"] == ".env"


def test_the_environment_takes_precedence_over_the_written_file(run: Run, simulator: Simulator) -> None:
    run("init", "--non-interactive", "--no-check", **settings_of(simulator))
    settings = run("check-config", "--json", SCALEOPS_CURRENCY="GBP").lines[0]["settings"]

    assert settings["SCALEOPS_CURRENCY"] == {"value": "GBP", "from": "environment"}


def test_an_app_config_of_backstage_is_taken_over(run: Run, simulator: Simulator, tmp_path: Path) -> None:
    known = settings_of(simulator)
    file = tmp_path / "app-config.yaml"
    text = APP_CONFIG.format(backstage=known["BACKSTAGE_BASE_URL"], scaleops=known["SCALEOPS_BASE_URL"])
    file.write_text(text, encoding="utf-8")
    login = {"REPORT_USER": known["SCALEOPS_USER"], "REPORT_PASSWORD": known["SCALEOPS_PASSWORD"]}
    ran = run("init", "--from-app-config", str(file), BACKSTAGE_TOKEN=known["BACKSTAGE_TOKEN"], **login)

    assert ran.status == 0, ran.err + ran.out
    assert "SCALEOPS_USER is taken from scaleops.authentication.user" in ran.out
    assert "! scaleops.colour is not taken over" in ran.out
    assert known["SCALEOPS_PASSWORD"] not in ran.out + ran.err
    assert "externalAccess" not in ran.out  # the environment has the token


def test_nothing_is_replaced_without_force_and_with_it_the_key_stays(run: Run, simulator: Simulator) -> None:
    known = settings_of(simulator)
    run("init", "--non-interactive", "--no-check", **known)
    before = Path(".env").read_text(encoding="utf-8")
    refused = run("init", "--non-interactive", "--no-check", **known)
    replaced = run("init", "--non-interactive", "--no-check", "--force", "--timezone", "Europe/Madrid")

    assert (refused.status, replaced.status) == (2, 0)
    assert ".env and scaleops-worker.yaml exist in" in refused.err
    after = Path(".env").read_text(encoding="utf-8")
    assert set(after.splitlines()) - set(before.splitlines()) == {"WORKER_TIMEZONE=Europe/Madrid"}
    assert Path(".env.bak").read_text(encoding="utf-8") == before


def test_every_mistake_is_named_and_nothing_is_written(run: Run) -> None:
    ran = run("init", "--non-interactive", "--scaleops-url", "scaleops.example.com", "--scaleops-user", "report", "--dir", "new")

    assert ran.status == 2
    for sentence in (
        "SCALEOPS_PASSWORD is missing",
        "the catalog is missing: name the Backstage backend with --backstage-url",
        "SCALEOPS_BASE_URL: is not a valid URL",
        "nothing was written",
    ):
        assert sentence in ran.err
    assert not Path("new").exists()


def test_a_failed_check_keeps_the_files_and_says_what_to_do(run: Run, simulator: Simulator, free_port: int) -> None:
    known = settings_of(simulator) | {"SCALEOPS_BASE_URL": f"http://127.0.0.1:{free_port}"}
    ran = run("init", "--non-interactive", "--dir", "etc", **known)

    assert ran.status == 1
    assert "FAIL ScaleOps" in ran.out
    assert "Correct in .env or the environment what failed" in ran.out
    assert Path("etc/.env").exists()


@pytest.mark.parametrize("option", ["--catalog-file", "--slack-token-file"])
def test_a_path_of_an_option_works_from_the_folder_of_the_files(run: Run, option: str) -> None:
    Path("secret").write_text("xoxb-1", encoding="utf-8")
    run(
        "init",
        "--non-interactive",
        "--no-check",
        "--dir",
        "etc",
        "--scaleops-url",
        "https://s.example.com",
        "--catalog-file",
        "c.yaml",
        option,
        "secret",
    )

    assert f"={Path('secret').absolute()}" in Path("etc/.env").read_text(encoding="utf-8")
