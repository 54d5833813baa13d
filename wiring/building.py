"""Builds the parts of one process out of its settings, once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from actions.desk import Desk
from clients.limits import Kind
from clients.pace import Standing
from clients.scaleops.tokens import TokenCache
from domain.clock import Clock
from store import Store
from tasks.parts import Parts, Policy
from wiring.clocks import present
from wiring.config_file import ConfigFile, read_config_file
from wiring.environment import resolve_settings
from wiring.policy import build_policy
from wiring.services import LiveServices
from wiring.settings import Resolved, Settings


@dataclass(frozen=True, kw_only=True)
class Installation:
    """What somebody wrote down: settings with their origins, and the configuration file."""

    resolved: Resolved
    config: ConfigFile

    @property
    def settings(self) -> Settings:
        """The settings alone."""
        return self.resolved.settings


def load_installation(environment: Mapping[str, str], dotenv: Path | None) -> Installation:
    """Read settings and configuration file.

    Raises:
        SettingsError: with every problem of the first of the two that has any.
    """
    resolved = resolve_settings(environment, dotenv)
    return Installation(resolved=resolved, config=read_config_file(resolved.settings.worker_config_file))


def policy_of(installation: Installation) -> Policy:
    """Make the values that the rooms decide with."""
    return build_policy(installation.settings, installation.config)


@contextmanager
def build_parts(
    installation: Installation,
    *,
    clock: Clock = present,
    shared_token: TokenCache | None = None,
    kind: Kind = Kind.SWEEP,
    on_pace: Callable[[Standing], None] | None = None,
) -> Iterator[Parts]:
    """Build what the stages work with, and close it afterwards.

    With `shared_token`, one login serves several processes. `kind` says for whom ScaleOps is asked; `on_pace` hears how fast.
    """
    policy = policy_of(installation)
    services = LiveServices(
        installation.settings, config=installation.config, clock=clock, shared_token=shared_token, kind=kind, on_pace=on_pace
    )
    store = Store.open(installation.settings.database_url.get_secret_value())
    try:
        yield Parts(store=store, services=services, clock=clock, policy=policy)
    finally:
        services.close()
        store.close()


def desk_of(parts: Parts) -> Desk:
    """Make the desk at which questions are asked."""
    return Desk(
        scaleops=parts.services.scaleops,
        catalog=parts.services.catalog,
        clock=parts.clock,
        currency=parts.policy.currency,
        link=parts.policy.dashboard_link,
        namespaces_allowed=parts.policy.namespaces_allowed,
    )
