"""Catalog files as they are: repositories with other files in them, templates, entities defined twice, ConfigMap mounts, saved pages."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from clients.backstage.catalog_file import CatalogFile
from clients.backstage.listings import CatalogListing
from clients.http.errors import ServiceError
from domain.component import Component
from domain.selectors import InvalidSelector, plan_for

FIELD = Path(__file__).parents[1] / "data" / "catalog"
WEB = """
apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: web
  annotations:
    backstage.io/kubernetes-id: web
spec: {owner: shop}
"""


def listed(path: Path) -> tuple[dict[str, Component], CatalogListing]:
    listing = CatalogFile(path).listing()
    return {component.ref.name: component for page in listing for component in page.components}, listing


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        file = folder / name.replace("__", "/").replace("_yaml", ".yaml").replace("_json", ".json")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return folder


def test_files_that_are_no_catalog_cost_nothing(tmp_path: Path) -> None:
    write(
        tmp_path,
        catalog_yaml=WEB,
        mkdocs_yaml="site_name: x\nplugins: [techdocs-core]\nx: !ENV [A, b]\n",
        chart__values_yaml="replicas: 1\n",
        chart__templates__deploy_yaml="{{- if .Values.on }}\nkind: Deployment\n{{- end }}\n",
        settings_json='{"a": 1, // comment\n}',
        node_modules__x__catalog_yaml=WEB.replace("web", "vendored"),
        skeleton__catalog_yaml=WEB.replace("name: web", "name: ${{ values.name }}"),
        skeleton2__catalog_yaml="{% if x %}" + WEB,
        list_json="[1, null, {}]",
        deploy_yaml=WEB.replace("backstage.io/v1alpha1", "apps/v1").replace("kind: Component", "kind: Deployment"),
        ingress_yaml=WEB.replace("backstage.io/v1alpha1", "networking.k8s.io/v1").replace("kind: Component", "kind: Ingress"),
    )
    write(tmp_path, **{".github__workflows__ci_yaml": WEB.replace("web", "hidden")})
    found, listing = listed(tmp_path)
    assert list(found) == ["web"]
    assert (listing.is_complete, listing.reason) == (True, "")
    left_aside = "\n".join(listing.left_aside)
    assert "templates/deploy.yaml:1: it is not valid YAML; it is a template" in left_aside
    assert "settings.json:1: it is not valid JSON" in left_aside
    assert "skeleton/catalog.yaml:2: Component:${{ values.name }}" in left_aside
    assert "hidden" not in left_aside


def test_a_component_that_cannot_be_read_makes_the_listing_incomplete_and_is_named(tmp_path: Path) -> None:
    write(
        tmp_path,
        good_yaml=WEB,
        broken_yaml=f"{WEB.replace('web', 'a')}---{WEB.replace('web', 'api')}\nspec: [\n---{WEB.replace('web', 'cart')}",
    )
    found, listing = listed(tmp_path)
    assert sorted(found) == ["a", "cart", "web"]
    assert "1 document of the catalog files may be components and could not be read" in listing.reason
    assert "broken.yaml:" in listing.reason
    assert not listing.is_complete


def test_an_entity_that_is_defined_twice_counts_once_and_the_other_is_named(tmp_path: Path) -> None:
    write(tmp_path, a_yaml=WEB, b_yaml=WEB, c_yaml=f"---\n{WEB.replace('kubernetes-id: web', 'kubernetes-id: other')}")
    found, listing = listed(tmp_path)
    assert found["web"].kubernetes_id == "web"
    assert listing.is_complete
    [left_aside] = listing.left_aside
    assert "c.yaml:3: component:default/web is defined in" in left_aside
    assert "a.yaml:2 already" in left_aside


def test_a_config_map_mount_is_read_once_also_while_it_is_switched(tmp_path: Path) -> None:
    for version, name in (("..2026_old", "old"), ("..2026_new", "web")):
        write(tmp_path / version, catalog_yaml=WEB.replace("web", name), sub__more_yaml=WEB.replace("web", f"{name}-sub"))
    (tmp_path / "..data").symlink_to("..2026_new")
    (tmp_path / "catalog.yaml").symlink_to("..data/catalog.yaml")
    (tmp_path / "sub").symlink_to("..data/sub")
    (tmp_path / "loop").symlink_to(".")
    found, listing = listed(tmp_path)
    assert (sorted(found), listing.left_aside) == (["web", "web-sub"], ())


def test_every_spelling_of_a_suffix_is_read_and_a_byte_order_mark_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "A.YAML").write_text(WEB, encoding="utf-8-sig")
    (tmp_path / "B.JSON").write_text(json.dumps(entity("b")), encoding="utf-8-sig")
    assert sorted(listed(tmp_path)[0]) == ["b", "web"]


@pytest.mark.parametrize(
    "word", ["on", "off", "no", "Yes", "y", "1:30", "0123", "1_000", "1.10", "2024-05-01", "0x1F", ".inf", "1e3", "0o17"]
)
def test_words_and_numbers_are_text_as_they_are_spelled(tmp_path: Path, word: str) -> None:
    text = f"kind: Component\nmetadata:\n  name: shop\n  annotations: {{backstage.io/kubernetes-id: {word}}}\nspec: {{owner: {word}, lifecycle: {word}}}"
    shop = listed(write(tmp_path, catalog_yaml=text))[0]["shop"]
    assert (shop.kubernetes_id, shop.lifecycle) == (word, word)
    assert shop.team.name == (word.lower() if ":" not in word else shop.team.name)


def test_merge_keys_work(tmp_path: Path) -> None:
    text = f"defaults: &defaults {{backstage.io/kubernetes-id: other, backstage.io/kubernetes-cluster: east}}\n{WEB}".replace(
        "  annotations:\n", "  annotations:\n    <<: *defaults\n"
    )
    web = listed(write(tmp_path, catalog_yaml=text))[0]["web"]
    assert (web.kubernetes_id, web.cluster_limit) == ("web", "east")


def entity(name: str, **metadata: object) -> dict[str, Any]:
    return {"kind": "Component", "metadata": {"name": name, "annotations": {"backstage.io/kubernetes-id": name}, **metadata}}


def test_json_is_read_as_json(tmp_path: Path) -> None:
    long_key = "k" * 2000
    text = json.dumps(entity("shop", title="\U0001f6d2", labels={long_key: "\x7f"}))
    assert "\\ud83d" in text
    write(tmp_path, catalog_json=text, other_yaml=json.dumps(entity("api", title="\U0001f680"), indent=1))
    found, _ = listed(tmp_path)
    assert (found["shop"].title, found["api"].title) == ("\U0001f6d2", "\U0001f680")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("twice_yaml", WEB + "  # again\nspec: {owner: other}\n"),
        (
            "twice_json",
            '{"kind": "Component", "metadata": {"name": "x", "annotations": {"backstage.io/kubernetes-id": "x", "a": 1, "a": 2}}}',
        ),
    ],
)
def test_a_key_that_stands_twice_is_refused(tmp_path: Path, name: str, text: str) -> None:
    _, listing = listed(write(tmp_path, good_yaml=WEB, **{name: text}))
    assert "is duplicated" in listing.reason


@pytest.mark.parametrize(
    ("pages", "reason"),
    [
        (
            [{"items": [entity("a")], "totalItems": 3, "pageInfo": {"nextCursor": "x"}}],
            "a page of a catalog with 3 entities, of which the files hold 1",
        ),
        ([{"items": [entity("a")], "pageInfo": {"nextCursor": "x"}}], "the files hold no last page"),
        ([{"items": [entity("a")], "totalItems": 1, "pageInfo": {}}], ""),
        (
            [
                {"items": [entity("a")], "totalItems": 2, "pageInfo": {"nextCursor": "x"}},
                {"items": [entity("b")], "totalItems": 2, "pageInfo": {"prevCursor": "y"}},
            ],
            "",
        ),
        ([{"items": [entity("a")]}], ""),
    ],
)
def test_a_saved_first_page_is_not_the_whole_catalog(tmp_path: Path, pages: list[object], reason: str) -> None:
    for number, page in enumerate(pages):
        (tmp_path / f"{number}.json").write_text(json.dumps(page))
    found, listing = listed(tmp_path)
    assert "a" in found
    assert reason in listing.reason
    assert bool(reason) == bool(listing.reason)


def test_a_folder_without_an_entity_is_an_error_that_says_why(tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match="it contains no catalog entity"):
        CatalogFile(write(tmp_path, values_yaml="a: 1")).listing()


IN_FIELD = {
    "c02-bool-annotation.yaml": "",
    "c04-yaml11-owner.yaml": "",
    "c07-sexagesimal.yaml": "kubernetes-id can match nothing: the value '1:30' may have only",
    "c21-quotes-in-selector.yaml": "can match nothing",
    "c23-placeholder.yaml": "a placeholder",
    "c35-profile-string.yaml": "",
    "c44-pd-placeholder.yaml": "",
    "c50-namespace-list.yaml": "'shop,cart' is not the name of one namespace",
    "c59-spec-string.yaml": "",
    "c62-shellvar.yaml": "a placeholder",
    "c63-toolong-value.yaml": "more than 63 characters",
}


@pytest.mark.parametrize(("name", "refused"), IN_FIELD.items())
def test_a_catalog_from_the_field_is_read_and_its_selector_judged(name: str, refused: str) -> None:
    found, listing = listed(FIELD / name)
    assert listing.is_complete
    if refused:
        with pytest.raises(InvalidSelector, match=refused.replace("(", r"\(")):
            plan_for(found["shop"])
    else:
        assert plan_for(found["shop"]).queries == (("app=shop",),)


def test_annotations_that_are_a_list_are_named() -> None:
    found, listing = listed(FIELD / "c12-annotations-array.yaml")
    assert found == {}
    assert "c12-annotations-array.yaml:1: Component:shop: metadata.annotations is not a mapping" in listing.reason
    assert len(IN_FIELD) + 1 == len(list(FIELD.iterdir()))


def test_an_integration_key_that_cannot_be_real_is_not_used_and_never_shown() -> None:
    shop = listed(FIELD / "c44-pd-placeholder.yaml")[0]["shop"]
    assert shop.contact.pagerduty_fingerprint is None
    [problem] = shop.problems
    assert "pagerduty.com/integration-key of component:default/shop is not an integration key" in problem
    assert "PAGERDUTY_KEY" not in problem


ANY_JSON = some.recursive(
    some.none()
    | some.booleans()
    | some.integers()
    | some.floats()
    | some.text(max_size=6)
    | some.sampled_from(["a,b", "${X}", "<x>", "\ud800"]),
    lambda inner: some.lists(inner, max_size=2) | some.dictionaries(some.text(max_size=4), inner, max_size=2),
    max_leaves=4,
)
PLACES = (
    ("kind",),
    ("metadata",),
    ("metadata", "name"),
    ("metadata", "namespace"),
    ("metadata", "title"),
    ("metadata", "annotations"),
    *(("metadata", "annotations", f"backstage.io/kubernetes-{key}") for key in ("id", "label-selector", "namespace", "cluster")),
    ("metadata", "annotations", "pagerduty.com/integration-key"),
    ("metadata", "annotations", "slack.com/bot-notify"),
    ("spec",),
    ("spec", "owner"),
    ("spec", "system"),
    ("spec", "profile"),
    ("relations",),
)


@given(some.sampled_from(PLACES), ANY_JSON)
def test_any_value_anywhere_in_an_entity_costs_no_other_entity(place: tuple[str, ...], odd: object) -> None:
    changed: dict[str, Any] = {**entity("odd"), "spec": {}}
    inner = changed
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = odd
    with TemporaryDirectory() as folder:
        (Path(folder) / "a.json").write_text(json.dumps([changed, entity("good")]))
        found, listing = listed(Path(folder))
    assert "good" in found
    for component in found.values():
        with suppress(InvalidSelector):
            plan_for(component)
        assert all(isinstance(problem, str) for problem in component.problems)
    assert isinstance(listing.reason, str)


@given(some.text(alphabet="-:{}[]\"'&*!|>%#@`,? \nabk\t~0$", max_size=60))
def test_any_text_beside_a_catalog_file_costs_no_entity(text: str) -> None:
    with TemporaryDirectory() as folder:
        (Path(folder) / "a.yaml").write_text(text)
        (Path(folder) / "b.yaml").write_text(WEB)
        found, listing = listed(Path(folder))
    assert (list(found), listing.is_complete) == (["web"], True)
