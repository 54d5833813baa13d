"""The catalog from files: one or many, YAML or JSON."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from clients.backstage.catalog_file import CatalogFile
from clients.http.errors import ErrorKind, ServiceError
from domain.refs import EntityRef

WEB = """
kind: Component
metadata:
  name: web
  annotations: {backstage.io/kubernetes-label-selector: app=web, pagerduty.com/integration-key: "0123456789abcdefghij0123456789AB"}
spec: {owner: shop}
---
kind: Group
metadata: {name: shop}
spec: {parent: division}
"""
OTHERS = {
    "kind": "API",
    "metadata": {"name": "orders", "annotations": {"backstage.io/kubernetes-id": "orders"}},
    "spec": {"owner": "ghosts"},
}


def catalog_of(folder: Path, text: str = WEB) -> CatalogFile:
    (folder / "catalog.yaml").write_text(text)
    return CatalogFile(folder / "catalog.yaml")


def refs_of(catalog: CatalogFile) -> tuple[list[str], list[str]]:
    listing = catalog.listing()
    pages = list(listing)
    assert listing.is_complete
    assert listing.reason == ""
    return (
        [str(component.ref) for page in pages for component in page.components],
        [str(team.ref) for page in pages for team in page.teams],
    )


def test_one_file_may_contain_many_documents(tmp_path: Path) -> None:
    assert refs_of(catalog_of(tmp_path)) == (["component:default/web"], ["group:default/shop", "group:default/division"])


def test_a_folder_is_read_recursively(tmp_path: Path) -> None:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "deep" / "er" / "web.yml").write_text(WEB)
    (tmp_path / "api.json").write_text(json.dumps(OTHERS))
    (tmp_path / "README.md").write_text("kind: not read")
    components, teams = refs_of(CatalogFile(tmp_path))
    assert components == ["api:default/orders", "component:default/web"]
    assert set(teams) == {"group:default/ghosts", "group:default/shop", "group:default/division"}


@pytest.mark.parametrize("wrap", [lambda entities: entities, lambda entities: {"items": entities}])
def test_a_document_may_be_a_list_of_entities(tmp_path: Path, wrap: Callable[[list[object]], object]) -> None:
    group = {"kind": "Group", "metadata": {"name": "ghosts"}}
    (tmp_path / "export.json").write_text(json.dumps(wrap([OTHERS, group])))
    (tmp_path / "web.yaml").write_text(WEB)
    components, teams = refs_of(CatalogFile(tmp_path))
    assert components == ["api:default/orders", "component:default/web"]
    assert set(teams) == {"group:default/ghosts", "group:default/shop", "group:default/division"}


def test_a_team_without_an_entity_is_listed(tmp_path: Path) -> None:
    [team] = [team for page in catalog_of(tmp_path, json.dumps(OTHERS)).listing() for team in page.teams]
    assert (str(team.ref), team.title, team.in_catalog) == ("group:default/ghosts", "ghosts", False)


def test_cyclic_parents_are_listed_once(tmp_path: Path) -> None:
    catalog = catalog_of(tmp_path, WEB + "\n---\n{kind: Group, metadata: {name: division}, spec: {parent: shop}}\n")
    assert refs_of(catalog)[1] == ["group:default/shop", "group:default/division"]


def test_routing_keys_are_listed_separately(tmp_path: Path) -> None:
    pages = list(catalog_of(tmp_path).listing())
    [component] = pages[0].components
    assert component.contact.pagerduty_fingerprint is not None
    assert pages[0].routing_keys[component.contact.pagerduty_fingerprint].reveal() == "0123456789abcdefghij0123456789AB"


def test_an_entity_is_found_in_any_case_of_its_reference(tmp_path: Path) -> None:
    catalog = catalog_of(tmp_path)
    assert catalog.component(EntityRef.parse("Component:Default/WEB")).spelled_name == "web"
    with pytest.raises(ServiceError, match="has no entity component:default/none") as error:
        catalog.component(EntityRef.parse("component:none"))
    assert error.value.kind is ErrorKind.NOT_FOUND


def test_a_changed_file_is_reloaded(tmp_path: Path) -> None:
    file = tmp_path / "catalog.yaml"
    file.write_text(WEB)
    catalog = CatalogFile(file)
    assert refs_of(catalog)[0] == ["component:default/web"]
    file.write_text(WEB.replace("name: web", "name: www"))
    os.utime(file, ns=(1, 1))
    assert refs_of(catalog)[0] == ["component:default/www"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"kind: [", "catalog.yaml:2: it is not valid YAML"),
        (b"just text", "it contains no catalog entity"),
        (b"kind: Component\nmetadata: {}", "catalog.yaml:1: Component: metadata.name: Field required"),
        (
            b"kind: Component\nmetadata: {name: a b}",
            "catalog.yaml:1: Component:a b: 'Component:default/a b' is not an entity reference",
        ),
        (b"\xff\xfe\x00", "it is not UTF-8 text"),
        (b"!!python/object/apply:os.getcwd []", "it contains no catalog entity"),
    ],
)
def test_an_invalid_file_is_an_error(tmp_path: Path, content: bytes, reason: str) -> None:
    file = tmp_path / "catalog.yaml"
    file.write_bytes(content)
    with pytest.raises(ServiceError) as error:
        CatalogFile(tmp_path).listing()
    assert reason in str(error.value)
    assert str(tmp_path) in str(error.value)


def test_a_missing_file_and_an_empty_folder_are_errors(tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match="No such file or directory"):
        CatalogFile(tmp_path / "none.yaml").listing()
    with pytest.raises(ServiceError, match=r"it contains no \.yaml, \.yml or \.json file"):
        CatalogFile(tmp_path).listing()
