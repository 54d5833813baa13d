"""PagerDuty routing keys in the database, sealed, so that an incident can be resolved with the key that opened it.

Every key is sealed, whether settings, configuration file or catalog name it: by `collect`, and at the latest when it is first used.
"""

from collections.abc import Iterable, Iterator

from alerts.states import OPEN_PHASES, STATE_JSON
from domain.component import RoutingKey
from domain.problems import Problem, Runbook
from store import Transaction
from tasks.context import KeySealer, StageContext


def seal_keys(transaction: Transaction, sealer: KeySealer | None, keys: Iterable[RoutingKey]) -> None:
    """Store keys sealed, again if they were sealed before: WORKER_SECRET_KEY may be another one since."""
    if sealer is not None:
        for key in keys:
            transaction.sealed_keys.put(key.fingerprint, sealer.seal(key))


def find_routing_key(context: StageContext, fingerprint: str) -> RoutingKey | None:
    """Return the routing key with this fingerprint from its sealed row, else from settings, configuration file or catalog.

    Raises:
        ServiceError: the catalog, queried last, failed.
    """
    sealer = context.services.sealer
    if sealer is not None:
        with context.store.reading() as t:
            sealed = t.sealed_keys.get(fingerprint)
        key = sealer.open(sealed) if sealed is not None else None
        if key is not None:
            return key
    key = context.services.routing_key(fingerprint)
    if key is not None and sealer is not None:
        with context.store.transaction() as t:
            seal_keys(t, sealer, [key])
    return key


def missing_key_reason(context: StageContext, fingerprint: str) -> str:
    """Return why a key cannot be found, and what to do."""
    found = f"The routing key with the fingerprint {fingerprint} can no longer be found"
    with context.store.reading() as t:
        is_sealed = t.sealed_keys.get(fingerprint) is not None
    if not is_sealed:
        return f"{found}."
    return f"{found}: it is sealed with an earlier WORKER_SECRET_KEY. Set that one again until the incident is closed."


def unopenable_key_problems(transaction: Transaction, sealer: KeySealer | None) -> Iterator[Problem]:
    """Yield a problem if the keys of open incidents were sealed with another WORKER_SECRET_KEY."""
    if sealer is None:
        return
    closed = {fingerprint for fingerprint, sealed in transaction.sealed_keys.all() if sealer.open(sealed) is None}
    states = (STATE_JSON.validate_python(row.state) for row in transaction.alerts.states(statuses=OPEN_PHASES)) if closed else ()
    used = {state.last_notification.page.target for state in states if state.last_notification and state.last_notification.page}
    if needed := sorted(closed & used):
        sentence = (
            f"WORKER_SECRET_KEY was changed: the PagerDuty keys with the fingerprints {', '.join(needed)}, which opened incidents, cannot be "
            "opened any more. The next collect seals again what settings, configuration file or catalog still name; for other keys set "
            "the earlier WORKER_SECRET_KEY until their incidents are closed"
        )
        yield Problem(runbook=Runbook.SEALED_KEYS, sentence=sentence)
