"""A catalog that lists nothing, or far fewer components than before: nothing is removed, and the platform channel is notified."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from actions.ports import Listing
from domain.component import CatalogPage, Component
from domain.messages import EventAction, Message
from domain.refs import EntityRef
from store import Store
from tasks.collect.closing import close
from tasks.collect.stage import OpenedSweep, open_sweep
from tasks.evaluate.stage import evaluate
from tests.factories import SLOT, make_component, make_measurement
from tests.integration.alert_installation import starved
from tests.stage_factories import PLATFORM_CHANNEL, FakeServices, ManualClock, make_stage_context

EVERY = timedelta(hours=6)
NAMES = [f"c{number:02}" for number in range(16)]


@dataclass
class CompleteListing:
    """One page, and nothing missing."""

    components: Sequence[Component]
    is_complete: bool = True
    reason: str = ""
    left_aside: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[CatalogPage]:
        return iter([CatalogPage(components=tuple(self.components))])


@dataclass
class ListedInstallation:
    """Lists a catalog slot by slot. The first component is out of memory in every sweep."""

    store: Store
    names: Sequence[str] = ()
    clock: ManualClock = field(default_factory=lambda: ManualClock(SLOT))
    seen: set[str] = field(default_factory=set)

    def listing(self) -> Listing:
        return CompleteListing([make_component(name) for name in self.names])

    def component(self, ref: EntityRef) -> Component:
        raise NotImplementedError(ref)

    def sweep(self, names: Sequence[str], *, is_evaluated: bool = True) -> OpenedSweep:
        """List, measure and evaluate the next slot; what is gone from the catalog is known before it is evaluated."""
        self.names = names
        self.clock.now += EVERY
        context = make_stage_context(self.store, self.clock, FakeServices(catalog=self))
        opened = open_sweep(context)
        as_of = opened.sweep.as_of
        with self.store.transaction() as transaction:
            if transaction.components.by_refs([make_component(NAMES[0]).ref]):
                transaction.snapshots.put_all([make_measurement(NAMES[0], starved(NAMES[0]), as_of=as_of)])
        close(context, as_of, now=self.clock.now, missing_because="not measured in this test")
        if is_evaluated:
            evaluate(context)
        return opened

    def posted(self) -> list[Message]:
        """Return the new messages in the platform channel, oldest first; an edit of an earlier one is none."""
        with self.store.reading() as transaction:
            entries = transaction.outbox.listing(limit=1000)
        fresh = [one.message for one in reversed(entries) if one.message.key not in self.seen]
        self.seen |= {message.key for message in fresh}
        posts = [message for message in fresh if message.action is not EventAction.UPDATE]
        return [message for message in posts if message.target == PLATFORM_CHANNEL and "catalog" in message.key]

    def gone(self) -> dict[EntityRef, datetime]:
        with self.store.reading() as transaction:
            return dict(transaction.components.gone())


@pytest.fixture
def installation(store: Store) -> ListedInstallation:
    return ListedInstallation(store)


def text_of(message: Message) -> str:
    return str(message.renderings[-1].payload["text"])


def test_a_catalog_that_loses_most_of_its_components_closes_nothing_and_is_reported_once(
    installation: ListedInstallation,
) -> None:
    installation.sweep(NAMES)
    assert installation.posted() == []
    reasons = [installation.sweep(NAMES[13:]).listing_reason for _ in range(4)]
    assert set(reasons) == {
        "the catalog returned 3 components, and 13 of 16 known ones are missing at once; none is counted as removed"
    }
    (notice,) = installation.posted()
    assert "13 of 16 known ones are missing at once" in text_of(notice)
    assert installation.gone() == {}
    with installation.store.reading() as transaction:
        assert [row.status for row in transaction.alerts.states(statuses=["firing"])].count("firing") >= 1
    installation.sweep(NAMES)
    (over,) = installation.posted()
    assert text_of(over).startswith("Resolved after 1 day.")


def test_components_that_went_missing_in_large_numbers_count_as_removed_after_seven_days(
    installation: ListedInstallation,
) -> None:
    installation.sweep(NAMES)
    for _ in range(28):
        installation.sweep(NAMES[13:], is_evaluated=False)
    assert installation.gone() == {}
    for _ in range(2):
        installation.sweep(NAMES[13:], is_evaluated=False)
    assert len(installation.gone()) == 13


@pytest.mark.parametrize("left", [2, 12])
def test_a_few_components_leave_as_before(installation: ListedInstallation, left: int) -> None:
    names = NAMES[:4] if left == 2 else NAMES
    installation.sweep(names)
    for _ in range(2):
        installation.sweep(names[:left])
    assert len(installation.gone()) == len(names) - left
    assert installation.posted() == []


def test_an_empty_catalog_is_reported_at_the_first_listing_and_later(installation: ListedInstallation) -> None:
    installation.sweep([])
    (notice,) = installation.posted()
    assert "lists no component with a workload selector" in text_of(notice)
    installation.sweep(NAMES)
    assert len(installation.posted()) == 1
    for _ in range(40):
        installation.sweep([])
    assert installation.gone() == {}
    assert "no component" in text_of(installation.posted()[0])
