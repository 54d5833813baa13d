"""Parsing of catalog entities: owners, notification targets, scope, hidden routing keys."""

import hashlib

import pytest
from pydantic import ValidationError

from clients.backstage.entities import EntityDocument, EntityParser, is_in_scope, routing_keys_of
from domain.component import NotificationTargets, RoutingKey
from domain.refs import UNOWNED, EntityRef, InvalidReference

PARSER = EntityParser()


def entity_document(kind: str = "Component", *, metadata: dict[str, object] | None = None, **parts: object) -> EntityDocument:
    named = {"name": "Web", "namespace": "Shop", **(metadata or {})}
    return EntityDocument.model_validate({"kind": kind, "metadata": named, **parts})


def annotated(annotations: dict[str, object], kind: str = "Component") -> EntityDocument:
    return entity_document(kind, metadata={"annotations": annotations})


def relations_to(*targets: str, kind: str = "ownedBy") -> list[dict[str, str]]:
    return [{"type": kind, "targetRef": target} for target in targets]


def test_a_component_is_keyed_in_lower_case_and_displayed_as_spelled() -> None:
    component = PARSER.component(entity_document(spec={"lifecycle": "production", "system": "Checkout"}))
    assert str(component.ref) == "component:shop/web"
    assert (component.spelled_kind, component.spelled_namespace, component.spelled_name) == ("Component", "Shop", "Web")
    assert (component.title, component.lifecycle, component.system) == ("Web", "production", "system:shop/checkout")


def test_missing_fields_are_empty() -> None:
    component = PARSER.component(EntityDocument.model_validate({"kind": "API", "metadata": {"name": "x"}, "spec": None}))
    assert str(component.ref) == "api:default/x"
    assert (component.lifecycle, component.system, component.team) == ("", "", UNOWNED)
    assert (component.label_selector, component.kubernetes_id, component.namespace_limit, component.cluster_limit) == (None,) * 4
    assert component.contact == NotificationTargets()


def test_kubernetes_annotations_are_parsed() -> None:
    component = PARSER.component(
        annotated(
            {
                "backstage.io/kubernetes-label-selector": " app=web ",
                "backstage.io/kubernetes-id": 42,
                "backstage.io/kubernetes-namespace": "shop",
                "backstage.io/kubernetes-cluster": " ",
            }
        )
    )
    assert (component.label_selector, component.kubernetes_id) == ("app=web", "42")
    assert (component.namespace_limit, component.cluster_limit) == ("shop", None)


@pytest.mark.parametrize(
    ("annotations", "in_scope"),
    [
        ({"backstage.io/kubernetes-label-selector": "a=b"}, True),
        ({"backstage.io/kubernetes-id": "web"}, True),
        ({"backstage.io/kubernetes-id": " "}, False),
        ({"backstage.io/kubernetes-namespace": "web"}, False),
        ({}, False),
        (None, False),
    ],
)
@pytest.mark.parametrize("kind", ["Component", "Resource", "API"])
def test_an_entity_of_any_kind_is_in_scope_by_its_annotations(
    kind: str, annotations: dict[str, object] | None, *, in_scope: bool
) -> None:
    assert is_in_scope(entity_document(kind, metadata={"annotations": annotations})) is in_scope


def test_slack_channels_keep_the_order_of_the_entity_and_only_configured_keys() -> None:
    parser = EntityParser(slack_annotations=("slack.com/bot-notify", "acme.com/channel"))
    document = annotated({"acme.com/channel": "C2", "slack.com/other": "C3", "slack.com/bot-notify": " C1 "}, kind="Group")
    assert parser.team(document).contact.slack_channels == (("acme.com/channel", "C2"), ("slack.com/bot-notify", "C1"))
    assert PARSER.team(document).contact.slack_channels == (("slack.com/bot-notify", "C1"),)


def test_a_routing_key_has_a_fingerprint_and_is_never_shown() -> None:
    secret = "0123456789abcdef0123456789abcdef"
    document = annotated({"pagerduty.com/integration-key": f" {secret} "})
    component = PARSER.component(document)
    fingerprint = hashlib.sha256(secret.encode()).hexdigest()[:16]
    assert component.contact.pagerduty_fingerprint == fingerprint == RoutingKey(secret).fingerprint
    assert routing_keys_of([document]) == {fingerprint: RoutingKey(secret)}
    assert secret not in repr(component) + repr(routing_keys_of([document]))


def test_a_team_has_a_display_name_and_a_parent() -> None:
    group = entity_document("Group", spec={"profile": {"displayName": "Payments"}, "parent": "division"})
    assert PARSER.team(group).title == "Payments"
    assert PARSER.team(group).parent == EntityRef.parse("group:shop/division")
    related = entity_document("Group", relations=relations_to("group:default/top", kind="childOf"), spec={"parent": "division"})
    assert PARSER.team(related).parent == EntityRef.parse("group:default/top")
    assert PARSER.team(entity_document("User")).parent is None


@pytest.mark.parametrize(
    "broken",
    [{}, {"kind": "Component"}, {"kind": "", "metadata": {"name": "x"}}, {"kind": "C", "metadata": {"name": ""}}, "text", 7],
)
def test_a_document_that_is_not_an_entity_is_invalid(broken: object) -> None:
    with pytest.raises(ValidationError):
        EntityDocument.model_validate(broken)


def test_an_invalid_name_is_rejected() -> None:
    with pytest.raises(InvalidReference):
        PARSER.component(entity_document(metadata={"name": "two words"}))


@pytest.mark.parametrize(
    ("links", "runbooks"),
    [
        ([{"url": "https://wiki/x", "title": "Out of memory", "type": "Runbook"}], (("Out of memory", "https://wiki/x"),)),
        ([{"url": "http://wiki/x", "title": "The run-book"}], (("The run-book", "http://wiki/x"),)),
        ([{"url": "https://wiki/x", "type": "runbook"}], (("Runbook", "https://wiki/x"),)),
        ([{"url": "https://wiki/x", "title": "Dashboard", "type": "dashboard"}], ()),
        ([{"url": "javascript:alert(1)", "type": "runbook"}, {"url": 1, "type": "runbook"}, "x", {"type": "runbook"}], ()),
        ("https://wiki/x", ()),
        (None, ()),
    ],
)
def test_links_to_runbooks_are_kept(links: object, runbooks: tuple[tuple[str, str], ...]) -> None:
    assert PARSER.component(entity_document(metadata={"links": links})).runbooks == runbooks
