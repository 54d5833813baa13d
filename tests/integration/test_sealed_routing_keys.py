"""The key that opened an incident resolves it, whatever named the key, and whatever was changed since."""

from datetime import timedelta

import pytest

from domain.component import RoutingKey
from domain.messages import EventAction
from simulator.serving import Simulator
from store import Store
from tasks.collect.stage import collect
from tasks.maintenance.status import read_status
from tests.factories import ROUTING_KEY, make_event
from tests.integration.delivery_bench import DeliveryBench
from tests.integration.history_sample import NOW, fill_history
from tests.stage_factories import FakeServices, make_stage_context, open_collect_bench
from wiring.secrets import Sealer

OLD, NEW = Sealer("the first secret of sixteen"), Sealer("the second secret of sixteen")
HISTORY_KEY = RoutingKey("0123456789abcdef")


@pytest.fixture
def bench(simulator: Simulator, sqlite_store: Store) -> DeliveryBench:
    made = DeliveryBench(simulator, sqlite_store)
    made.services.sealer = OLD
    return made


def test_a_changed_routing_key_orphans_no_open_incident(bench: DeliveryBench) -> None:
    bench.send(make_event(EventAction.TRIGGER, dedup_key="d1"))
    bench.services.known_keys = {}

    resolved = bench.send(make_event(EventAction.RESOLVE, 2, dedup_key="d1"))

    assert resolved.problems == ()
    assert bench.incidents() == [("d1", "resolved")]


def test_a_key_is_sealed_again_under_a_new_secret_while_it_is_named(bench: DeliveryBench) -> None:
    bench.send(make_event(EventAction.TRIGGER, dedup_key="d1"))
    bench.services.sealer = NEW
    bench.send(make_event(EventAction.ACKNOWLEDGE, 2, dedup_key="d1"))
    bench.services.known_keys = {}

    bench.send(make_event(EventAction.RESOLVE, 3, dedup_key="d1"))

    assert bench.incidents() == [("d1", "resolved")]


def test_a_key_that_cannot_be_opened_says_what_to_do(bench: DeliveryBench) -> None:
    bench.send(make_event(EventAction.TRIGGER, dedup_key="d1"))
    bench.services.sealer, bench.services.known_keys = NEW, {}

    delivered = bench.send(make_event(EventAction.RESOLVE, 2, dedup_key="d1"))

    assert "it is sealed with an earlier WORKER_SECRET_KEY. Set that one again" in str(delivered.problems)
    assert bench.incidents() == [("d1", "triggered")]


def test_collect_seals_the_keys_of_settings_and_configuration(simulator: Simulator, sqlite_store: Store) -> None:
    with open_collect_bench(simulator, sqlite_store) as bench:
        bench.services.sealer, bench.services.configured_routing_keys = OLD, [ROUTING_KEY, HISTORY_KEY]
        collect(bench.context)

    with sqlite_store.reading() as transaction:
        sealed = {key.fingerprint: transaction.sealed_keys.get(key.fingerprint) for key in (ROUTING_KEY, HISTORY_KEY)}
    opened = {fingerprint: OLD.open(found) for fingerprint, found in sealed.items() if found is not None}
    assert {key.reveal() for key in opened.values() if key is not None} == {ROUTING_KEY.reveal(), HISTORY_KEY.reveal()}


@pytest.mark.parametrize(("sealed_with", "is_named"), [(OLD, False), (NEW, True), (None, False)])
def test_status_names_the_keys_of_open_incidents_that_cannot_be_opened(
    sqlite_store: Store, sealed_with: Sealer | None, *, is_named: bool
) -> None:
    fill_history(sqlite_store)
    (fingerprint,) = used_fingerprints(sqlite_store)
    with sqlite_store.transaction() as transaction:
        transaction.sealed_keys.put("of no incident", NEW.seal(ROUTING_KEY))
        if sealed_with is not None:
            transaction.sealed_keys.put(fingerprint, sealed_with.seal(HISTORY_KEY))
    context = make_stage_context(sqlite_store, NOW + timedelta(minutes=1), FakeServices(sealer=OLD))

    problems = [one for one in read_status(context).problems if "WORKER_SECRET_KEY was changed" in one.sentence]

    assert [fingerprint in one.sentence for one in problems] == [True] * is_named


def used_fingerprints(store: Store) -> set[str]:
    with store.reading() as transaction:
        components = [one.contact.pagerduty_fingerprint for one in transaction.components.all()]
    return {one for one in components if one is not None}
