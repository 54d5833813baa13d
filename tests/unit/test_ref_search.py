import pytest

from domain.ref_search import did_you_mean, find_refs, similar_refs
from domain.refs import EntityRef, InvalidReference

KNOWN = frozenset(
    map(
        EntityRef.parse,
        (
            "component:default/checkout",
            "component:shop/cart",
            "component:default/payments",
            "group:default/payments",
            "group:default/search",
        ),
    )
)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("component:default/checkout", ["component:default/checkout"]),
        ("Component:Checkout ", ["component:default/checkout"]),
        ("checkout", ["component:default/checkout"]),
        ("shop/cart", ["component:shop/cart"]),
        ("default/cart", []),
        ("payments", ["component:default/payments", "group:default/payments"]),
        ("group:default/payments", ["group:default/payments"]),
        ("api:default/checkout", []),
        ("", []),
    ],
)
def test_a_reference_or_a_name_alone_finds_an_entity(text: str, found: list[str]) -> None:
    assert [str(ref) for ref in find_refs(text, KNOWN)] == found


def test_a_reference_may_have_255_characters_and_a_mistake_is_quoted_up_to_a_hundred() -> None:
    longest = "component:default/".ljust(255, "x")
    assert str(EntityRef.parse(longest)) == longest
    with pytest.raises(InvalidReference, match="it has more than 255 characters"):
        EntityRef.parse(f"{longest}x")
    for text, shown in (("x" * 100, "x" * 100), ("x" * 101, f"{'x' * 100}…")):
        with pytest.raises(InvalidReference) as refused:
            EntityRef.parse(text)
        assert str(refused.value) == (
            f"'{shown}' is not an entity reference; write kind:namespace/name, for example component:default/checkout"
        )


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("chekout", "did you mean component:default/checkout?"),
        ("component:default/serch", "did you mean group:default/search?"),
        ("component:serch", "did you mean group:default/search?"),
        ("component:default/payment", "did you mean component:default/payments or group:default/payments?"),
        ("zzz", ""),
    ],
)
def test_a_misspelled_name_is_a_question(text: str, question: str) -> None:
    assert did_you_mean(similar_refs(text, KNOWN)) == question
