"""Builds what one process works with out of its settings, once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

from actions.context import HistoryContext, LiveContext, RequestContext
from actions.fanout import FanOut, sequential
from clients.scaleops.tokens import TokenCache
from clients.throttle.concurrency_limiter import LimiterStatus
from clients.throttle.limit_algorithm import CallPriority
from domain.clock import Clock
from store import DatabaseTimeouts, Store
from tasks.context import Policy, Services, StageContext
from wiring.clock import DatabaseClock, utc_now
from wiring.loaded_config import LoadedConfig
from wiring.policy import build_policy
from wiring.services import LiveServices
from wiring.settings import Settings
from wiring.tracing import work_tracer


def open_store(settings: Settings) -> Store:
    """Open the database of DATABASE_URL. Raises StoreUnavailable or SchemaMismatch."""
    timeouts = DatabaseTimeouts(
        statement=settings.database_statement_timeout,
        lock=settings.database_lock_timeout,
        idle_transaction=settings.database_idle_transaction_timeout,
    )
    return Store.open(settings.database_url.get_secret_value(), timeouts)


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
    with closing(services), closing(open_store(settings)) as store:
        yield StageContext(
            store=store,
            services=services,
            clock=clock or DatabaseClock(store.now),
            local_clock=clock or local_clock,
            policy=policy,
            tracer=work_tracer(),
        )


def request_context(context: StageContext, *, fan_out: FanOut = sequential) -> RequestContext:
    """Build what actions run with for a caller who may see everything."""
    return RequestContext(
        live=live_context(context.services, context.policy, clock=context.clock, fan_out=fan_out),
        history=history_context(context.store, context.policy, clock=context.clock),
    )


def live_context(services: Services, policy: Policy, *, clock: Clock, fan_out: FanOut = sequential) -> LiveContext:
    """Build what the live actions run with. Raises SettingsError."""
    return LiveContext(
        scaleops=services.scaleops,
        catalog=services.catalog,
        clock=clock,
        currency=policy.currency,
        link=policy.dashboard_link,
        namespaces_allowed=policy.namespaces_allowed,
        fan_out=fan_out,
    )


def history_context(store: Store, policy: Policy, *, clock: Clock) -> HistoryContext:
    """Build what the actions over stored history run with."""
    return HistoryContext(
        store=store,
        clock=clock,
        currency=policy.currency,
        schedules=policy.schedules,
        routes=policy.routes,
        shared_namespaces=policy.shared_namespaces,
    )
