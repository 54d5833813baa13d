"""Who owns an entity: spec.owner where a relation confirms it, else a related group that exists, else the first target."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import pytest

from clients.backstage.entities import EntityDocument, EntityParser
from domain.component import title_of_team
from domain.refs import PLATFORM, UNOWNED, EntityRef
from tests.factories import make_team

ANN, BOB = "user:default/ann", "user:default/bob"
PAYMENTS, OLD = "group:default/payments", "group:default/a-old-team"


def document_of(owner: object = None, *targets: str) -> EntityDocument:
    relations = [{"type": "ownedBy", "targetRef": target} for target in targets]
    metadata = {"name": "web", "namespace": "shop"}
    return EntityDocument.model_validate(
        {"kind": "Component", "metadata": metadata, "spec": {"owner": owner}, "relations": relations}
    )


def owner_of(document: EntityDocument, known: set[str]) -> str:
    component = EntityParser().component(document, find_known=lambda refs: {ref for ref in refs if str(ref) in known})
    return str(component.team)


@pytest.mark.parametrize(
    ("owner", "targets", "team"),
    [
        (None, (ANN, PAYMENTS), PAYMENTS),
        (None, (ANN, BOB), ANN),
        ("group:x/y", (ANN, BOB), ANN),
        (None, (OLD, PAYMENTS), PAYMENTS),
        (None, (OLD,), OLD),
        (None, (ANN, OLD), ANN),
        (None, ("group:payments",), "group:shop/payments"),
        ("payments", ("group:shop/payments", OLD), "group:shop/payments"),
        (PAYMENTS, (OLD, PAYMENTS), PAYMENTS),
        (ANN, (OLD, PAYMENTS, ANN), ANN),
        ("ghosts", (OLD, PAYMENTS), PAYMENTS),
        ("payments", (), "group:shop/payments"),
        ("user:ann", (), "user:shop/ann"),
        ("group:Default/Payments", (), PAYMENTS),
        (None, (), str(UNOWNED)),
        ("  ", (), str(UNOWNED)),
        ("two words", (), str(UNOWNED)),
        ("${{ values.owner }}", (), str(UNOWNED)),
        ("<team>", (), str(UNOWNED)),
        ({"name": "payments"}, (), str(UNOWNED)),
        (True, (), str(UNOWNED)),
        (True, (PAYMENTS,), PAYMENTS),
        ("group:default/payments,user:default/ann", (), PAYMENTS),
        ("group:default/payments, x", ("group:default/payments, x",), PAYMENTS),
        (["group:default/payments", ANN], (), PAYMENTS),
    ],
)
def test_the_owner_is_the_one_that_counts(owner: object, targets: tuple[str, ...], team: str) -> None:
    assert owner_of(document_of(owner, *targets), known={PAYMENTS}) == team


@pytest.mark.parametrize(
    ("owner", "problem"),
    [
        ("a,b", "names 2 owners, group:shop/a and group:shop/b; the first counts"),
        ("two words", "names 'two words', which is not an entity reference"),
        ("${{values.owner}}", "names '${{values.owner}}', which is a placeholder that was never filled in"),
        (" ".join(["x"] * 60), f"names '{' '.join(['x'] * 60)[:100]}', which is not an entity reference"),
        (False, "spec.owner of component:shop/web is not text and cannot be read"),
        ([["a"], "b"], "is not text"),
    ],
)
def test_what_of_an_owner_does_not_count_is_said(owner: object, problem: str) -> None:
    [said] = EntityParser().component(document_of(owner)).problems
    assert problem in said


def test_the_catalog_is_asked_only_where_the_relations_do_not_decide() -> None:
    asked: list[str] = []

    def find_known(refs: Sequence[EntityRef]) -> Collection[EntityRef]:
        asked.extend(map(str, refs))
        return ()

    for document in (document_of("payments"), document_of(PAYMENTS, OLD, PAYMENTS), document_of(None, PAYMENTS)):
        EntityParser().component(document, find_known=find_known)
    assert asked == []


@pytest.mark.parametrize(
    ("owner", "targets", "rule"),
    [
        (PAYMENTS, (OLD, PAYMENTS), "spec.owner, which an ownedBy relation confirms"),
        (PAYMENTS, (), "spec.owner; there is no ownedBy relation"),
        (None, (OLD, PAYMENTS), "the first ownedBy relation to a group in the catalog: spec.owner names none"),
        ("ghosts", (OLD, PAYMENTS), "the first ownedBy relation to a group in the catalog: none of them confirms spec.owner"),
        ("ghosts", (ANN, BOB), "the first ownedBy relation: none of them confirms spec.owner"),
        (None, (), "neither spec.owner nor an ownedBy relation names an owner"),
    ],
)
def test_the_rule_that_chose_the_owner_is_named(owner: object, targets: tuple[str, ...], rule: str) -> None:
    parser = EntityParser()
    component = parser.component(
        document_of(owner, *targets), find_known=lambda refs: {ref for ref in refs if str(ref) == PAYMENTS}
    )
    assert component.owner_rule == rule


@pytest.mark.parametrize(
    ("team", "title", "shown"),
    [
        (PAYMENTS, "Payments", "Payments"),
        (PAYMENTS, "", "payments"),
        (PAYMENTS, None, "payments"),
        (ANN, None, "ann"),
        (str(UNOWNED), "Unowned", "Components without an owner"),
        (str(PLATFORM), None, "All teams"),
    ],
)
def test_a_team_has_its_title_or_its_name_and_those_of_no_catalog_are_in_words(team: str, title: str | None, shown: str) -> None:
    ref = EntityRef.parse(team)
    assert title_of_team(ref, None if title is None else make_team(ref, title=title)) == shown
