"""The company's catalog: services, the groups that own them, and a few users."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from simulator.company.backbone import BACKBONE
from simulator.company.services import ShopService
from simulator.company.shop import SHOP
from simulator.company.story import NEW_AT, REMOVED_AT
from simulator.world import Record

SERVICES: Final = (*SHOP, *BACKBONE)

SELECTOR: Final = "backstage.io/kubernetes-label-selector"
KUBERNETES_ID: Final = "backstage.io/kubernetes-id"
SLACK: Final = "slack.com/bot-notify"
PAGERDUTY: Final = "pagerduty.com/integration-key"

PAYMENTS_KEY: Final = "paymentsroutingkey00000000000001"
PLATFORM_KEY: Final = "platformroutingkey00000000000001"

_GROUPS: Final[tuple[tuple[str, str, str, dict[str, str]], ...]] = (
    ("engineering", "Engineering", "", {}),
    ("commerce", "Commerce", "engineering", {SLACK: "C0COMMERCE"}),
    ("foundations", "Foundations", "engineering", {}),
    ("storefront", "Storefront", "commerce", {SLACK: "C0STORE001"}),
    ("payments", "Payments", "commerce", {SLACK: "C0PAYMENTS1", PAGERDUTY: PAYMENTS_KEY}),
    ("fulfilment", "Fulfilment", "commerce", {}),
    ("search", "Search", "commerce", {SLACK: "C0SEARCH01"}),
    ("identity", "Identity", "foundations", {SLACK: "C0IDENTITY"}),
    ("data", "Data", "foundations", {SLACK: "C0DATA0001"}),
    ("platform", "Platform", "foundations", {SLACK: "C0PLATFORM", PAGERDUTY: PLATFORM_KEY}),
)
"""Name, title, parent, annotations. Fulfilment has no channel of its own and uses its parent's."""

_PEOPLE: Final = (("ines", "Inés Prieto", "payments"), ("tom", "Tom Okafor", "platform"), ("mei", "Mei Tanaka", "search"))


def entities_at(now: datetime) -> tuple[Record, ...]:
    """Return all entities of the catalog at this instant."""
    return (*(_component(service) for service in services_at(now)), *_groups(), *_people(), *_systems())


def services_at(now: datetime) -> Iterable[ShopService]:
    """Yield the services that exist at this instant: the story adds one and removes one."""
    for service in SERVICES:
        is_early = service.name == "giftcardservice" and now < NEW_AT
        is_late = service.name == "wishlistservice" and now >= REMOVED_AT
        if not is_early and not is_late:
            yield service


def _component(service: ShopService) -> Record:
    annotations: Record = dict(service.annotations)
    if service.selector == "kubernetes-id":
        annotations[KUBERNETES_ID] = service.name
    else:
        annotations[SELECTOR] = service.selector or f"app.kubernetes.io/name={service.name}"
    spec: Record = {"type": service.type, "lifecycle": service.lifecycle, "system": _system_of(service)}
    if service.team:
        spec["owner"] = service.team
    return {
        "apiVersion": "backstage.io/v1alpha1",
        "kind": service.kind,
        "metadata": {
            "name": service.name,
            "namespace": "default",
            "title": service.title,
            "description": f"{service.title} of the shop",
            "annotations": annotations,
            "tags": [service.namespace],
            "links": [{"url": f"https://wiki.boutique.example/runbooks/{service.name}", "title": "Run book", "type": "runbook"}],
        },
        "spec": spec,
    }


def _system_of(service: ShopService) -> str:
    return "shop" if service.namespace in {"shop", "media", "billing", "logistics"} else service.namespace


def _groups() -> Iterable[Record]:
    for name, title, parent, notes in _GROUPS:
        spec: Record = {
            "type": "team" if parent not in {"", "engineering"} else "department",
            "profile": {"displayName": title, "email": f"{name}@boutique.example"},
            "children": [child for child, _, above, _ in _GROUPS if above == name],
        }
        if parent:
            spec["parent"] = parent
        yield {
            "apiVersion": "backstage.io/v1alpha1",
            "kind": "Group",
            "metadata": {"name": name, "namespace": "default", "title": title, "annotations": dict(notes)},
            "spec": spec,
        }


def _people() -> Iterable[Record]:
    for name, shown, team in _PEOPLE:
        profile = {"displayName": shown, "email": f"{name}@boutique.example"}
        yield {
            "apiVersion": "backstage.io/v1alpha1",
            "kind": "User",
            "metadata": {"name": name},
            "spec": {"profile": profile, "memberOf": [team]},
        }


def _systems() -> Iterable[Record]:
    for name in sorted({_system_of(service) for service in SERVICES}):
        yield {
            "apiVersion": "backstage.io/v1alpha1",
            "kind": "System",
            "metadata": {"name": name},
            "spec": {"owner": "engineering"},
        }
