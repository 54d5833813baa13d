"""Builds what one process works with out of its settings, once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from actions.context import HistoryContext, LiveContext, RequestContext
from actions.fanout import FanOut, sequential
from clients.scaleops.tokens import TokenCache
from clients.throttle.concurrency_limiter import LimiterStatus
from clients.throttle.limit_algorithm import CallPriority
from domain.clock import Clock
from store import Store
from tasks.context import Policy, StageContext
from wiring.clock import DatabaseClock, utc_now
from wiring.config_file import ConfigFile, read_config_file
from wiring.environment import resolve_settings
from wiring.policy import build_policy
from wiring.services import LiveServices
from wiring.settings import ResolvedSettings, Settings


@dataclass(frozen=True, kw_only=True)
class LoadedConfig:
    """The settings with their origins, and the configuration file."""

    resolved: ResolvedSettings
    config: ConfigFile

    @property
    def settings(self) -> Settings:
        """The settings alone."""
        return self.resolved.settings


def load_config(environment: Mapping[str, str], dotenv: Path | None) -> LoadedConfig:
    """Read settings and configuration file.

    Raises:
        SettingsError: with every problem of the first of the two that has any.
    """
    resolved = resolve_settings(environment, dotenv)
    return LoadedConfig(resolved=resolved, config=read_config_file(resolved.settings.worker_config_file))


@contextmanager
def build_stage_context(
    loaded: LoadedConfig,
    *,
    clock: Clock | None = None,
    local_clock: Clock = utc_now,
    token_cache: TokenCache | None = None,
    priority: CallPriority = CallPriority.BACKGROUND,
    on_limiter_status: Callable[[LimiterStatus], None] | None = None,
) -> Iterator[StageContext]:
    """Build the context of the stages, and close it afterwards.

    `clock` is that of a simulation; without one the database's is used. `local_clock` is this machine's, for what concerns no other
    process. The arguments after it are those of `LiveServices`.
    """
    settings, config = loaded.settings, loaded.config
    policy = build_policy(settings, config)
    services = LiveServices(
        settings,
        config=config,
        clock=clock or local_clock,
        token_cache=token_cache,
        priority=priority,
        on_limiter_status=on_limiter_status,
    )
    with closing(services), closing(Store.open(settings.database_url.get_secret_value())) as store:
        yield StageContext(
            store=store,
            services=services,
            clock=clock or DatabaseClock(store.now),
            local_clock=clock or local_clock,
            policy=policy,
        )


def request_context(context: StageContext, *, fan_out: FanOut = sequential) -> RequestContext:
    """Build what actions run with for a caller who may see everything."""
    live = LiveContext(
        scaleops=context.services.scaleops,
        catalog=context.services.catalog,
        clock=context.clock,
        currency=context.policy.currency,
        link=context.policy.dashboard_link,
        namespaces_allowed=context.policy.namespaces_allowed,
        fan_out=fan_out,
    )
    return RequestContext(live=live, history=history_context(context.store, context.policy, clock=context.clock))


def history_context(store: Store, policy: Policy, *, clock: Clock) -> HistoryContext:
    """Build what the actions over stored history run with."""
    return HistoryContext(store=store, clock=clock, currency=policy.currency, schedules=policy.schedules, routes=policy.routes)
