"""Listed components are stored, and gone components differ from missing ones. On both databases."""

from dataclasses import replace
from datetime import timedelta

from domain.component import Component, NotificationTargets
from domain.refs import EntityRef
from store import Store
from tests.factories import PAYMENTS, SEARCH, SLOT, make_component, make_ref, make_team
from tests.stage_factories import record_listing

LATER = tuple(SLOT + timedelta(hours=6 * number) for number in range(6))


def list_them(store: Store, *listed: Component, slot: int, complete: bool = True) -> None:
    with store.transaction() as transaction:
        record_listing(transaction, listed, [make_team()], as_of=LATER[slot], complete=complete)


def gone(store: Store) -> set[str]:
    with store.reading() as transaction:
        return {found.name for found in transaction.components.gone()}


def present(store: Store) -> list[str]:
    with store.reading() as transaction:
        return [found.ref.name for found in transaction.components.all()]


def test_components_and_teams_come_back_as_they_were_listed(store: Store) -> None:
    odd = replace(
        make_component("odd"),
        title="Größe 'x' \N{SNOWMAN}",
        label_selector=None,
        kubernetes_id="odd",
        namespace_limit="shop",
        cluster_limit="prod@eu",
        contact=NotificationTargets(slack_channels=(("b", "C2"), ("a", "C1")), pagerduty_fingerprint=None),
    )
    list_them(store, make_component("checkout"), odd, slot=0)
    with store.reading() as transaction:
        assert transaction.components.get(make_ref("odd")) == odd
        assert transaction.components.get(make_ref("checkout")) == make_component("checkout")
        assert transaction.components.get(make_ref("unknown")) is None
        assert transaction.components.of_team(PAYMENTS) == (make_component("checkout"), odd)
        assert transaction.components.of_team(SEARCH) == ()
        assert transaction.components.teams() == {PAYMENTS: make_team()}
        assert transaction.components.owners() == (PAYMENTS,)
        assert transaction.components.count() == 2
        assert transaction.components.counts() == {make_ref("checkout"): 1, make_ref("odd"): 1}


def test_a_listing_again_takes_over_what_changed(store: Store) -> None:
    list_them(store, make_component("checkout"), slot=0)
    list_them(store, make_component("checkout", team=SEARCH), slot=1)
    with store.reading() as transaction:
        assert transaction.components.get(make_ref("checkout")) == make_component("checkout", team=SEARCH)
        assert transaction.components.count() == 1


def test_a_component_is_gone_after_two_complete_listings_without_it(store: Store) -> None:
    list_them(store, make_component("checkout"), make_component("search"), slot=0)
    list_them(store, make_component("search"), slot=1)
    assert gone(store) == set()
    assert present(store) == ["checkout", "search"]
    list_them(store, make_component("search"), slot=2)
    assert gone(store) == {"checkout"}
    assert present(store) == ["search"]
    with store.reading() as transaction:
        assert transaction.components.gone() == {make_ref("checkout"): LATER[2]}
        assert transaction.components.of_team(PAYMENTS) == (make_component("search"),)
        assert transaction.components.get(make_ref("checkout")) == make_component("checkout")
    list_them(store, make_component("search"), slot=3)
    with store.reading() as transaction:
        assert transaction.components.gone() == {make_ref("checkout"): LATER[2]}


def test_the_same_listing_twice_counts_once(store: Store) -> None:
    list_them(store, make_component("checkout"), make_component("search"), slot=0)
    list_them(store, make_component("search"), slot=1)
    list_them(store, make_component("search"), slot=1)
    list_them(store, make_component("search"), slot=1)
    assert gone(store) == set()


def test_an_incomplete_listing_misses_no_component(store: Store) -> None:
    list_them(store, make_component("checkout"), make_component("search"), slot=0)
    for slot in (1, 2, 3):
        list_them(store, make_component("search"), slot=slot, complete=False)
    assert gone(store) == set()


def test_listings_without_it_need_not_follow_each_other_but_one_with_it_starts_again(store: Store) -> None:
    list_them(store, make_component("checkout"), make_component("search"), slot=0)
    list_them(store, make_component("search"), slot=1)
    list_them(store, make_component("checkout"), make_component("search"), slot=2)
    list_them(store, make_component("search"), slot=3)
    assert gone(store) == set()
    list_them(store, make_component("search"), slot=4)
    assert gone(store) == {"checkout"}


def test_a_component_comes_back_when_it_is_listed_again(store: Store) -> None:
    list_them(store, make_component("checkout"), slot=0)
    list_them(store, slot=1)
    list_them(store, slot=2)
    assert present(store) == []
    list_them(store, make_component("checkout"), slot=3)
    assert gone(store) == set()
    assert present(store) == ["checkout"]


def test_all_components_are_streamed_in_order(store: Store) -> None:
    names = [f"c{number:04}" for number in range(1203)]
    list_them(store, *(make_component(name) for name in reversed(names)), slot=0)
    assert present(store) == names


def test_what_no_database_can_hold_is_replaced_and_not_fatal(store: Store) -> None:
    list_them(store, replace(make_component("checkout"), title="a\0b\ud800c"), slot=0)
    with store.reading() as transaction:
        found = transaction.components.get(make_ref("checkout"))
    assert found is not None
    assert found.title == "a\ufffdb?c"


def test_a_component_listed_twice_in_one_page_is_one_component(store: Store) -> None:
    list_them(store, make_component("checkout"), make_component("checkout"), slot=0)
    assert present(store) == ["checkout"]


def test_keys_are_kept_sealed_by_fingerprint(store: Store) -> None:
    with store.transaction() as transaction:
        transaction.sealed_keys.put("0123456789abcdef", b"sealed one")
        transaction.sealed_keys.put("0123456789abcdef", b"\0sealed anew\xff")
    with store.reading() as transaction:
        assert transaction.sealed_keys.get("0123456789abcdef") == b"\0sealed anew\xff"
        assert transaction.sealed_keys.get("fedcba9876543210") is None


def test_references_of_every_kind_are_kept(store: Store) -> None:
    resource = replace(make_component("db"), ref=EntityRef.of("Resource", "Infra", "DB.main"))
    list_them(store, resource, slot=0)
    with store.reading() as transaction:
        assert transaction.components.get(EntityRef.parse("resource:infra/db.main")) == resource
