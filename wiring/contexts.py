"""Builds the parts of one process out of its settings, once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from actions.context import LiveContext
from clients.scaleops.tokens import TokenCache
from clients.throttle.concurrency_limiter import LimiterStatus
from clients.throttle.limit_algorithm import Priority
from domain.clock import Clock
from store import Store
from tasks.context import Policy, StageContext
from wiring.clock import utc_now
from wiring.config_file import ConfigFile, read_config_file
from wiring.environment import resolve_settings
from wiring.policy import build_policy
from wiring.services import LiveServices
from wiring.settings import ResolvedSettings, Settings


@dataclass(frozen=True, kw_only=True)
class LoadedConfig:
    """What somebody wrote down: settings with their origins, and the configuration file."""

    resolved: ResolvedSettings
    config: ConfigFile

    @property
    def settings(self) -> Settings:
        """The settings alone."""
        return self.resolved.settings


def load_installation(environment: Mapping[str, str], dotenv: Path | None) -> LoadedConfig:
    """Read settings and configuration file.

    Raises:
        SettingsError: with every problem of the first of the two that has any.
    """
    resolved = resolve_settings(environment, dotenv)
    return LoadedConfig(resolved=resolved, config=read_config_file(resolved.settings.worker_config_file))


def policy_of(installation: LoadedConfig) -> Policy:
    """Make the values that the rooms decide with."""
    return build_policy(installation.settings, installation.config)


@contextmanager
def build_stage_context(
    installation: LoadedConfig,
    *,
    clock: Clock = utc_now,
    shared_token: TokenCache | None = None,
    kind: Priority = Priority.SWEEP,
    on_pace: Callable[[LimiterStatus], None] | None = None,
) -> Iterator[StageContext]:
    """Build what the stages work with, and close it afterwards.

    With `shared_token`, one login serves several processes. `kind` says for whom ScaleOps is asked; `on_pace` hears how fast.
    """
    policy = policy_of(installation)
    services = LiveServices(
        installation.settings, config=installation.config, clock=clock, shared_token=shared_token, kind=kind, on_pace=on_pace
    )
    store = Store.open(installation.settings.database_url.get_secret_value())
    try:
        yield StageContext(store=store, services=services, clock=clock, policy=policy)
    finally:
        services.close()
        store.close()


def live_context(context: StageContext) -> LiveContext:
    """Make the desk at which questions are asked."""
    return LiveContext(
        scaleops=context.services.scaleops,
        catalog=context.services.catalog,
        clock=context.clock,
        currency=context.policy.currency,
        link=context.policy.dashboard_link,
        namespaces_allowed=context.policy.namespaces_allowed,
    )
