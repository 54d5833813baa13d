"""Selectors: the grammar of Kubernetes, and their translation to ScaleOps queries."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as some

from domain.selectors import (
    MAX_QUERIES,
    InvalidSelector,
    Operator,
    Requirement,
    dashboard_labels,
    parse_selector,
    plan_for,
    plan_of,
    selector_source,
)
from tests.factories import make_component


def queries_of(text: str) -> tuple[tuple[str, ...], ...]:
    return plan_of(parse_selector(text), text=text).queries


@pytest.mark.parametrize(
    ("text", "requirements"),
    [
        ("app=web", [Requirement("app", Operator.EQUALS, ("web",))]),
        ("app==web", [Requirement("app", Operator.EQUALS, ("web",))]),
        (
            " app = web ,\tenv == prod ",
            [Requirement("app", Operator.EQUALS, ("web",)), Requirement("env", Operator.EQUALS, ("prod",))],
        ),
        ("app=", [Requirement("app", Operator.EQUALS, ("",))]),
        ("app!=web", [Requirement("app", Operator.NOT_EQUALS, ("web",))]),
        ("env in (a, b)", [Requirement("env", Operator.IN, ("a", "b"))]),
        ("env in(a,b),x", [Requirement("env", Operator.IN, ("a", "b")), Requirement("x", Operator.EXISTS)]),
        ("env in (a,)", [Requirement("env", Operator.IN, ("a", ""))]),
        ("env notin (a)", [Requirement("env", Operator.NOT_IN, ("a",))]),
        ("!gpu, ! spot", [Requirement("gpu", Operator.NOT_EXISTS), Requirement("spot", Operator.NOT_EXISTS)]),
        ("gpu", [Requirement("gpu", Operator.EXISTS)]),
        ("cores>4,cores<9", [Requirement("cores", Operator.GREATER, ("4",)), Requirement("cores", Operator.LESS, ("9",))]),
        ("in in (in,notin)", [Requirement("in", Operator.IN, ("in", "notin"))]),
        ("app.kubernetes.io/name=a-b_c.d", [Requirement("app.kubernetes.io/name", Operator.EQUALS, ("a-b_c.d",))]),
    ],
)
def test_it_reads_the_grammar_of_kubernetes(text: str, requirements: list[Requirement]) -> None:
    assert list(parse_selector(text)) == requirements


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "it is empty"),
        ("  ", "it is empty"),
        ("a=b,", "it ends with a comma"),
        (",a=b", "a name is missing before ','"),
        ("a=b,,c=d", "a name is missing before ','"),
        ("a=b c=d", "',' is missing before 'c'"),
        ("a in b", "'(' is missing before 'b'"),
        ("a in (b", "')' is missing at its end"),
        ("a in ()", "a list '()' is empty"),
        ("a in (b c)", "')' is missing before 'c'"),
        ("a in", "'(' is missing at its end"),
        ("=b", "a name is missing before '='"),
        ("!", "a name is missing at its end"),
        ("a>", "a name is missing at its end"),
        ("a(b)", "'(' cannot follow 'a'"),
        ("a=b=c", "',' is missing before '='"),
        ("app=${{ values.app }}", "a placeholder was never filled in"),
    ],
)
def test_what_is_no_selector_is_refused_with_its_reason(text: str, why: str) -> None:
    with pytest.raises(InvalidSelector) as refused:
        parse_selector(text)
    assert str(refused.value) == f"the selector '{text}' cannot be parsed: {why}"
    assert f"'{text}'" in str(refused.value)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('"app=shop"', "the key '\"app' may have only letters"),
        ('app="shop"', "the value '\"shop\"' may have only letters"),
        ("a/b/c=d", "a prefix that is not a DNS name, or more than one slash"),
        ("Example.com/app=d", "a prefix that is not a DNS name"),
        ("/app=d", "a prefix that is not a DNS name"),
        ("app=caf\xe9", "may have only letters"),
        (f"app={'a' * 64}", "has more than 63 characters"),
        (f"app=-{'a' * 62}", "begins and ends with a letter or digit"),
        (f"{'a' * 64}=b", "has more than 63 characters"),
        (f"{'a' * 254}/b=c", "a prefix that is not a DNS name"),
        ("app=-web", "begins and ends with a letter or digit"),
        ("app in (web, a:b)", "the value 'a:b'"),
        ("env notin (a/b)", "the value 'a/b'"),
        ("!a:b", "the key 'a:b'"),
        ("cores>many", "'many' is not a whole number"),
        ("app=${{values.name}}", "a placeholder that was never filled in"),
        ("app=${{ values.name }}", "a placeholder"),
        ("app=$APP_NAME", "a placeholder that was never filled in"),
        ("app=${APP_NAME}", "a placeholder that was never filled in"),
        ("app=<name>", "a placeholder"),
        ("app={{ .Values.name }}", "a placeholder"),
        ("app=%NAME%", "a placeholder that was never filled in"),
    ],
)
def test_a_selector_that_can_match_nothing_is_refused_with_its_reason(text: str, why: str) -> None:
    with pytest.raises(InvalidSelector) as refused:
        parse_selector(text)
    assert why in str(refused.value)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"kubernetes_id": "my shop, v2"}, "kubernetes-id can match nothing: the value 'my shop, v2'"),
        ({"kubernetes_id": "${{ values.id }}"}, "is a placeholder"),
        ({"kubernetes_id": "web", "namespace_limit": "shop,cart"}, "'shop,cart' is not the name of one namespace"),
        ({"kubernetes_id": "web", "namespace_limit": "Shop"}, "'Shop' is not the name of one namespace"),
        ({"kubernetes_id": "web", "cluster_limit": "$CLUSTER"}, "'$CLUSTER' is not the name of a cluster"),
        ({"kubernetes_id": "web", "unusable": "its annotation is a list"}, "its annotation is a list"),
    ],
)
def test_annotations_that_no_workload_can_match_are_refused(changes: dict[str, str], why: str) -> None:
    with pytest.raises(InvalidSelector) as refused:
        plan_for(make_component(label_selector=None, **changes))
    assert why in str(refused.value)


def test_names_of_clusters_and_namespaces_are_accepted_as_they_are() -> None:
    component = make_component(
        cluster_limit="admin@eu-1 (old)", namespace_limit="shop-2", label_selector="app.kubernetes.io/name=a.b_c-D"
    )
    assert plan_for(component).queries == (("app.kubernetes.io/name=a.b_c-D",),)


@pytest.mark.parametrize(
    ("text", "queries"),
    [
        ("app=web, env == prod", (("app=web", "env=prod"),)),
        ("tier=db, app in (a, b, a)", (("tier=db", "app=a"), ("tier=db", "app=b"))),
        ("app in (,a)", (("app=",), ("app=a",))),
        ("app in (a,b),app in (b,a)", (("app=a",), ("app=b",))),
        ("a in (1,2),b in (3,4)", (("a=1", "b=3"), ("a=1", "b=4"), ("a=2", "b=3"), ("a=2", "b=4"))),
    ],
)
def test_sets_become_one_query_per_combination(text: str, queries: tuple[tuple[str, ...], ...]) -> None:
    assert queries_of(text) == queries


def test_all_labels_are_named_once_for_an_endpoint_that_ors_them() -> None:
    assert plan_of(parse_selector("t=x,a in (1,2)"), text="").labels == ("t=x", "a=1", "a=2")


@pytest.mark.parametrize("part", ["env!=prod", "env notin (a,b)", "!env", "env", "env>3", "env<3"])
def test_what_cannot_be_queried_is_reported(part: str) -> None:
    plan = plan_of(parse_selector(f"app=web,{part}"), text=part)
    assert plan.queries == (("app=web",),)
    assert len(plan.warnings) == 1
    assert plan.warnings[0] == (
        f"ScaleOps does not support '{part}' of the selector; it was left out, so "
        "workloads may be listed that the selector excludes"
    )
    with pytest.raises(InvalidSelector, match="nothing of the selector"):
        plan_of(parse_selector(part), text=part)


@pytest.mark.parametrize(("length", "shown"), [(100, "x" * 100), (101, "x" * 100 + "…")])
def test_a_long_text_is_quoted_up_to_a_hundred_characters(length: int, shown: str) -> None:
    with pytest.raises(InvalidSelector, match=rf"'{shown}' has more than 63 characters"):
        queries_of("x" * length + "=1")


def test_a_selector_that_would_become_a_flood_is_refused() -> None:
    at_the_limit = f"a in ({','.join(str(n) for n in range(MAX_QUERIES))})"
    assert len(queries_of(at_the_limit)) == MAX_QUERIES
    with pytest.raises(InvalidSelector, match=f"needs {2 * MAX_QUERIES} queries"):
        queries_of(f"{at_the_limit},b in (1,2)")


@pytest.mark.parametrize(
    ("selector", "kubernetes_id", "query"), [("app=web", "web", "app=web"), (" ", "Web-1", "backstage.io/kubernetes-id=Web-1")]
)
def test_the_kubernetes_id_is_the_fallback_selector(selector: str, kubernetes_id: str, query: str) -> None:
    plan = plan_for(make_component(label_selector=selector, kubernetes_id=kubernetes_id))
    assert (plan.queries, plan.warnings) == (((query,),), ())


def test_an_entity_without_either_is_refused_naming_both() -> None:
    with pytest.raises(InvalidSelector, match=r"kubernetes-label-selector or backstage\.io/kubernetes-id"):
        plan_for(make_component(label_selector=None))
    assert selector_source(make_component(label_selector=None)) == ("", "")


VALUES = some.from_regex(r"[a-zA-Z]([a-z0-9._-]{0,8}[a-z0-9])?", fullmatch=True)
NAMES = some.one_of(VALUES, VALUES.map(lambda name: f"example.com/{name}"))
REQUIREMENTS = some.one_of(
    some.builds(lambda k, v: Requirement(k, Operator.EQUALS, (v,)), NAMES, some.one_of(VALUES, some.just(""))),
    some.builds(lambda k, v: Requirement(k, Operator.NOT_EQUALS, (v,)), NAMES, VALUES),
    some.builds(lambda k, v: Requirement(k, Operator.IN, tuple(v)), NAMES, some.lists(VALUES, min_size=1, max_size=4)),
    some.builds(lambda k, v: Requirement(k, Operator.NOT_IN, tuple(v)), NAMES, some.lists(VALUES, min_size=1, max_size=4)),
    some.builds(lambda k: Requirement(k, Operator.EXISTS), NAMES),
    some.builds(lambda k: Requirement(k, Operator.NOT_EXISTS), NAMES),
)


@given(some.lists(REQUIREMENTS, min_size=1, max_size=5), some.sampled_from([",", " , ", ",\t "]))
def test_what_is_written_is_read_again(requirements: list[Requirement], comma: str) -> None:
    assert list(parse_selector(comma.join(str(requirement) for requirement in requirements))) == requirements


@given(some.text(alphabet="ab=!(),<> in", max_size=20))
def test_any_text_is_read_or_refused_and_never_breaks(text: str) -> None:
    with contextlib.suppress(InvalidSelector):
        assert parse_selector(text)


@given(
    some.dictionaries(some.sampled_from("klm"), some.sampled_from("xyz"), max_size=3),
    some.lists(
        some.one_of(
            some.builds(lambda k, v: Requirement(k, Operator.EQUALS, (v,)), some.sampled_from("klm"), some.sampled_from("xyz")),
            some.builds(
                lambda k, v: Requirement(k, Operator.IN, tuple(v)),
                some.sampled_from("klm"),
                some.lists(some.sampled_from("xyz"), min_size=1, max_size=3),
            ),
        ),
        min_size=1,
        max_size=3,
    ),
)
def test_a_workload_is_found_exactly_when_the_selector_selects_it(
    labels: dict[str, str], requirements: list[Requirement]
) -> None:
    selected = all(labels.get(requirement.key) in requirement.values for requirement in requirements)
    carried = {f"{key}={value}" for key, value in labels.items()}
    queries: tuple[tuple[str, ...], ...] = ()
    with contextlib.suppress(InvalidSelector):  # the requirements contradict each other
        queries = plan_of(tuple(requirements), text="").queries
    assert any(carried.issuperset(query) for query in queries) == selected
    assert len(queries) == len(set(queries))
    assert all(len(query) == len(set(query)) for query in queries)


@pytest.mark.parametrize(
    "text", ["app=a,app=b", "app=a,app!=a", "app in (a,b),app notin (a,b)", "app=a,!app", "app=a,app in (b,c),x=y"]
)
def test_requirements_that_contradict_each_other_are_refused(text: str) -> None:
    with pytest.raises(InvalidSelector, match="can match nothing: its requirements contradict each other"):
        plan_of(parse_selector(text), text=text)


def test_combinations_that_contradict_the_selector_are_not_queried() -> None:
    text = "app in (a,b,c),app notin (a),app in (a,b),tier=x"
    assert plan_of(parse_selector(text), text=text).queries == (("app=b", "tier=x"),)


@pytest.mark.parametrize(
    ("selector", "labels"),
    [("app=web,tier=front", ("app=web", "tier=front")), ("app in (web, api)", ()), ("app=(", ()), (None, ())],
)
def test_the_dashboard_is_opened_with_labels_that_it_can_combine(selector: str | None, labels: tuple[str, ...]) -> None:
    assert dashboard_labels(make_component(label_selector=selector)) == labels
