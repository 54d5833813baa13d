"""`check-config` and `migrate`: validate the configuration, and migrate the database."""

from __future__ import annotations

import os
from contextlib import closing
from datetime import time, timedelta
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import click
from pydantic import SecretStr

from cli.output import say, say_json, show_table
from cli.streams import say_error
from clients.http.errors import ServiceError
from clients.http.network import network_problems
from clients.redis.urls import verifies_certificates
from domain.component import RoutingKey
from domain.messages import Json
from domain.money import format_count
from domain.zones import TZDATA_VERSION
from store import migrate as migrate_store
from wiring.catalog_review import CatalogReview, review_catalog
from wiring.clock import utc_now
from wiring.connectivity import check_connectivity
from wiring.durations import format_duration
from wiring.environment import NAMES
from wiring.loaded_config import LoadedConfig, load_config
from wiring.logs import configure_logs
from wiring.policy import build_policy, can_link_pages, routing_keys_by_team
from wiring.services import LiveServices
from wiring.setting_types import is_plain_http
from wiring.settings import Settings, SettingsError

_MAX_CATALOG_PROBLEMS: Final = 50


@click.command(name="check-config")
@click.option("--live", is_flag=True, help="Connect to each service; no page or message is sent.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_context
def check_config(ctx: click.Context, *, live: bool, as_json: bool) -> None:
    r"""Show every setting, where it came from, and what is wrong. Secrets are never shown.

    \b
    Example:
      scaleops-worker check-config --live
    """
    ctx.exit(run_check(live=live, as_json=as_json))


def run_check(*, live: bool, as_json: bool, lists_settings: bool = True) -> int:
    """Check the settings of the working directory, print what was found, and return the exit status."""
    configure_logs(level="warning", form="auto")
    try:
        loaded = load_config(os.environ, Path(".env"))
        build_policy(loaded.settings, loaded.config)
        catalog = _review_catalog_file(loaded)
        _check_network(loaded)
    except SettingsError as error:
        _print_problems(error.problems, as_json=as_json)
        return 2
    rows = _rows(loaded)
    missing = [*_missing(loaded), *_risks(loaded.settings), *(_catalog_problems(catalog) if catalog is not None else ())]
    checks = list(check_connectivity(loaded)) if live else []
    if as_json:
        settings: Json = {name: {"value": value, "from": origin} for name, value, origin in rows}
        live_results: Json = [
            {"service": check.service, "ok": check.ok, "attempted": check.attempted, "message": check.message} for check in checks
        ]
        say_json({"settings": settings, "tzdata": TZDATA_VERSION, "problems": [], "missing": list(missing), "live": live_results})
    else:
        if lists_settings:
            show_table(["setting", "value", "from"], [row for row in rows if row[1] or row[2] != "default"])
            teams, components = len(loaded.config.teams), len(loaded.config.components)
            say(f"\nconfiguration file: {format_count(teams, 'team')} and {format_count(components, 'component')}")
            say(f"time zones: tzdata {TZDATA_VERSION}")
        for sentence in missing:
            say(f"! {sentence}")
        for check in checks:
            mark = {True: "ok  ", False: "FAIL", None: "--  "}[check.ok]
            say(f"{mark} {check.service}: {check.message}")
        if not live:
            say("Settings are valid. Use --live to test each service.")
    return 1 if any(check.ok is False for check in checks) else 0


@click.command()
def migrate() -> None:
    r"""Create or update the tables of DATABASE_URL. Safe to repeat, and to run concurrently.

    \b
    Example:
      scaleops-worker migrate
    """
    loaded = load_config(os.environ, Path(".env"))
    configure_logs(level=loaded.settings.log_level, form=loaded.settings.log_format)
    before = migrate_store(loaded.settings.database_url.get_secret_value())
    say(f"the schema is up to date (before: {before or 'none'})")


def _check_network(loaded: LoadedConfig) -> None:
    """Raise SettingsError for proxies and certificates of the environment that the requests to the services cannot use."""
    settings = loaded.settings
    services = (
        settings.scaleops_base_url,
        settings.backstage_base_url,
        settings.slack_base_url if settings.slack_bot_token else None,
        settings.pagerduty_events_url,
        settings.worker_heartbeat_url,
        settings.scaleops_azure_login_url if settings.auth == "azure" else None,
    )
    problems = list(network_problems((url for url in services if url), os.environ))
    if problems:
        raise SettingsError(*problems)


def _print_problems(problems: tuple[str, ...], *, as_json: bool) -> None:
    if as_json:
        say_json({"problems": list(problems)})
        return
    for problem in problems:
        say_error(f"scaleops-worker: {problem}")


def _review_catalog_file(loaded: LoadedConfig) -> CatalogReview | None:
    """Read the catalog file, if it is set. Raises SettingsError if it cannot be used."""
    if loaded.settings.backstage_catalog_file is None:
        return None
    with closing(LiveServices(loaded.settings, config=loaded.config, clock=utc_now)) as services:
        try:
            return review_catalog(services.catalog)
        except ServiceError as error:
            message = f"BACKSTAGE_CATALOG_FILE: {error}"
            raise SettingsError(message) from None


def _catalog_problems(review: CatalogReview) -> list[str]:
    found = [f"catalog: {problem}" for problem in review.problems[:_MAX_CATALOG_PROBLEMS]]
    if len(review.problems) > len(found):
        found.append(f"catalog: and {len(review.problems) - len(found):,} more")
    if review.incomplete_reason:
        found.append(f"catalog: components may be missing: {review.incomplete_reason}")
    return found


def _rows(loaded: LoadedConfig) -> list[tuple[str, str, str]]:
    values = loaded.settings
    return [(name, _shown(name, getattr(values, name.lower())), loaded.resolved.origins[name]) for name in NAMES]


def _shown(name: str, value: object) -> str:
    match value:
        case None:
            return ""
        case SecretStr() if name == "DATABASE_URL":
            return _without_credentials(value.get_secret_value())
        case SecretStr():
            return "(set, not shown)"
        case tuple():
            return ",".join(str(part) for part in value)
        case bool():
            return str(value).lower()
        case str() if name == "WORKER_HEARTBEAT_URL":
            return f"{urlsplit(value).scheme}://{urlsplit(value).netloc}/..."
        case timedelta():
            return format_duration(value)
        case time():
            return f"{value:%H:%M}"
        case _:
            return str(value)


def _without_credentials(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2].partition('?')[0]}"


def _missing(loaded: LoadedConfig) -> list[str]:
    """Return what this loaded cannot do without a setting; none of it is an error."""
    settings = loaded.settings
    found = []
    if not settings.scaleops_base_url:
        found.append("SCALEOPS_BASE_URL is not set: nothing can be collected")
    if not (settings.backstage_base_url or settings.backstage_catalog_file):
        found.append("neither BACKSTAGE_BASE_URL nor BACKSTAGE_CATALOG_FILE is set: there are no components")
    if settings.slack_bot_token is None:
        found.append("SLACK_BOT_TOKEN is not set: nothing can be sent to Slack")
    if settings.worker_platform_channel is None and settings.slack_default_channel is None:
        found.append(
            "neither WORKER_PLATFORM_CHANNEL nor SLACK_DEFAULT_CHANNEL is set: messages without another route have no destination"
        )
    if settings.pagerduty_routing_key is None:
        found.append("PAGERDUTY_ROUTING_KEY is not set: teams without their own key are notified in Slack only")
    elif not RoutingKey(settings.pagerduty_routing_key.get_secret_value()).is_well_formed:
        found.append("PAGERDUTY_ROUTING_KEY is not an integration key, which has 32 letters or digits: PagerDuty will refuse it")
    found += [
        f"pagerduty_routing_key_file of {team} does not hold an integration key, which has 32 letters or digits: PagerDuty will refuse it"
        for team, key in routing_keys_by_team(loaded.config).items()
        if not key.is_well_formed
    ]
    if settings.worker_secret_key is None:
        found.append(
            "WORKER_SECRET_KEY is not set: the incident of a routing key that was removed from the catalog cannot be closed"
        )
    return found


def _risks(settings: Settings) -> list[str]:
    """Return what works, but otherwise than one may think."""
    found = []
    if settings.worker_public_url and not can_link_pages(settings):
        found.append("WORKER_PUBLIC_URL has no effect without WORKER_SECRET_KEY: a link that is not signed asks for a token")
    if settings.backstage_base_url and is_plain_http(settings.backstage_base_url):
        found.append("BACKSTAGE_BASE_URL is plain http: the token and the catalog cross the cluster's network unencrypted")
    if settings.redis_url is not None and not verifies_certificates(settings.redis_url.get_secret_value()):
        found.append(
            "REDIS_URL switches off the verification of certificates or host names: the password may go to another server"
        )
    return found
