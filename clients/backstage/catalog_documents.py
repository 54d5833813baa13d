"""Documents of catalog files as Backstage reads them: YAML 1.2 (docs/decisions/0022) and JSON, each with its place.

A file or a document that cannot be read is left aside with its place and the reason. Catalog repositories hold many files that are
no catalog: hidden folders, templates, workflows, charts.
"""

from __future__ import annotations

import itertools
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

SUFFIXES: Final = (".yaml", ".yml", ".json")
_SCOPE: Final = "backstage.io/kubernetes-"
"""Begins every annotation that puts an entity into scope."""
_TEMPLATE: Final = re.compile(r"\{\{|\$\{|\{%")
_DOCUMENT_START: Final = re.compile(r"^---(?=\s|$)", re.MULTILINE)
_BACKSTAGE_FOLDER: Final = ".backstage"
"""The one hidden folder that catalogs live in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftAside:
    """What could not be read, and why. `may_be_component`: leaving it out may look like a removal."""

    place: str
    """The file, and the line if it is known."""
    reason: str
    may_be_component: bool

    def __str__(self) -> str:
        return f"{self.place}: {self.reason}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogDocument:
    """One document of a file, or one element of a document that is a list."""

    value: object
    place: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedPage:
    """A saved response of the catalog's API: the number of its entities, and what it says about the others."""

    place: str
    items: int
    total: int | None
    has_next: bool


def catalog_files(root: Path) -> tuple[list[Path], list[LeftAside]]:
    """Return the files to read below a folder, each once, in order, and the folders that cannot be read; hidden ones are left out.

    Links are followed: Kubernetes mounts a ConfigMap as links into the hidden folder `..data`.
    """
    files: dict[str, Path] = {}
    folders: set[str] = {os.path.realpath(root)}
    left_aside: list[LeftAside] = []

    def leave_aside(error: OSError) -> None:
        reason = error.strerror or "it cannot be read"
        left_aside.append(LeftAside(place=str(error.filename), reason=reason, may_be_component=True))

    for folder, inner, names in os.walk(root, onerror=leave_aside, followlinks=True):
        kept = []
        for name in sorted(inner):
            real = os.path.realpath(Path(folder, name))
            if (not name.startswith(".") or name == _BACKSTAGE_FOLDER) and name != "node_modules" and real not in folders:
                folders.add(real)
                kept.append(name)
        inner[:] = kept
        for name in sorted(names):
            file = Path(folder, name)
            if not name.startswith(".") and file.suffix.lower() in SUFFIXES and file.is_file():
                files.setdefault(os.path.realpath(file), file)
    return sorted(files.values()), left_aside


def read_file(file: Path) -> Iterator[CatalogDocument | SavedPage | LeftAside]:
    """Read the documents of a file. Raises OSError."""
    raw = file.read_bytes()
    try:
        text = raw.decode(json.detect_encoding(raw) if raw.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig")
    except UnicodeDecodeError:
        yield _left_aside(file, None, "it is not UTF-8 text", raw.decode("utf-8", "replace"))
        return
    if file.suffix.lower() == ".json" or text.lstrip()[:1] in ("{", "["):
        try:
            yield from _elements(json.loads(text, object_pairs_hook=_unique_object), file, lines=None)
        except (ValueError, RecursionError) as error:
            if file.suffix.lower() == ".json":
                line = error.lineno if isinstance(error, json.JSONDecodeError) else None
                reason = str(error) if isinstance(error, _DuplicateKey) else "it is not valid JSON"
                yield _left_aside(file, line, reason, text)
                return
        else:
            return
    yield from _read_yaml(file, text)


class _DuplicateKey(ValueError):
    """A key is duplicated in one object."""


def _unique_object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        message = f"the key {next(key for key in keys if keys.count(key) > 1)!r} is duplicated"
        raise _DuplicateKey(message)
    return found


def _read_yaml(file: Path, text: str) -> Iterator[CatalogDocument | SavedPage | LeftAside]:
    try:
        documents = list(_load_all(text))
    except (yaml.YAMLError, RecursionError):  # one of them; the others can be read
        yield from _read_each(file, text)
        return
    for value, lines in documents:
        yield from _elements(value, file, lines=lines)


def _read_each(file: Path, text: str) -> Iterator[CatalogDocument | SavedPage | LeftAside]:
    starts = [0, *(found.start() for found in _DOCUMENT_START.finditer(text)), len(text)]
    next_line = 0
    for start, end in itertools.pairwise(starts):
        chunk = re.sub(r"^%.*$", "", text[start:end], flags=re.MULTILINE)
        first_line, next_line = next_line, next_line + chunk.count("\n")
        try:
            for value, lines in _load_all(chunk):
                yield from _elements(value, file, lines=[line + first_line for line in lines])
        except (yaml.YAMLError, RecursionError) as error:
            mark = getattr(error, "problem_mark", None)
            problem = getattr(error, "problem", None) if isinstance(error, _InvalidDocument) else None
            line = first_line + 1 + (mark.line if mark is not None else 0)
            yield _left_aside(file, line, problem or "it is not valid YAML", chunk)


def _left_aside(file: Path, line: int | None, reason: str, text: str) -> LeftAside:
    place = str(file) if line is None else f"{file}:{line}"
    if _TEMPLATE.search(text) is not None:
        return LeftAside(place=place, reason=f"{reason}; it is a template", may_be_component=False)
    return LeftAside(place=place, reason=reason, may_be_component=_SCOPE in text)


def _elements(value: object, file: Path, *, lines: list[int] | None) -> Iterator[CatalogDocument | SavedPage]:
    """Yield what may be entities. A list, and the list `items` of a response, hold many; `lines` are theirs, or the document's."""

    def place(number: int, many: int) -> str:
        if lines:
            return f"{file}:{lines[number] if number < len(lines) else lines[0]}"
        return f"{file}, entity {number + 1}" if many > 1 else str(file)

    items = value.get("items") if isinstance(value, dict) and "kind" not in value else value
    if not isinstance(items, list):
        if isinstance(value, dict):
            yield CatalogDocument(value=value, place=place(0, 1))
        return
    for number, item in enumerate(items):
        yield CatalogDocument(value=item, place=place(number, len(items)))
    if isinstance(value, dict) and ("totalItems" in value or "pageInfo" in value):
        page_info = value.get("pageInfo")
        has_next = isinstance(page_info, dict) and bool(page_info.get("nextCursor"))
        yield SavedPage(place=str(file), items=len(items), total=_whole_number(value.get("totalItems")), has_next=has_next)


def _whole_number(value: object) -> int | None:
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None  # noqa: PLR2004 - fewer than a billion entities


class _InvalidDocument(yaml.MarkedYAMLError):
    """Valid syntax that is no valid document: a duplicate key."""


_BaseLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _CatalogLoader(_BaseLoader):  # type: ignore[misc] # the C loader where it was built
    """Resolves null, true and false as the core schema of YAML 1.2; every other scalar is text as it is spelled.

    YAML 1.1 makes `on` a boolean, `1:30` the number 90 and `0123` the number 83; all that is read from a catalog is text.
    """

    yaml_implicit_resolvers: Final[dict[str, list[tuple[str, re.Pattern[str]]]]] = {}
    yaml_constructors: Final[dict[str | None, Any]] = {}

    def construct_unique_mapping(self, node: yaml.Node) -> Mapping[Any, Any]:
        if not isinstance(node, yaml.MappingNode):
            return {}
        pairs = [(self.construct_object(key, deep=True), value) for key, value in node.value]
        seen: set[object] = set()
        for (key, _), (key_node, _) in zip(pairs, node.value, strict=True):
            if isinstance(key, (list, dict)):
                raise _InvalidDocument(problem="a key is not text", problem_mark=key_node.start_mark)
            if key in seen:
                raise _InvalidDocument(problem=f"the key {key!r} is duplicated", problem_mark=key_node.start_mark)
            seen.add(key)
        found = {key: self.construct_object(value, deep=True) for key, value in pairs}
        merged = found.pop("<<", None)
        for base in merged if isinstance(merged, list) else [merged]:
            found = {**base, **found} if isinstance(base, dict) else found
        return found

    def construct_plain(self, node: yaml.Node) -> object:
        """Construct a node of any other tag as if it had none."""
        match node:
            case yaml.MappingNode():
                return self.construct_unique_mapping(node)
            case yaml.SequenceNode():
                return self.construct_sequence(node, deep=True)
            case _:
                return node.value


_CatalogLoader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"^(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""])
_CatalogLoader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)
_CatalogLoader.add_constructor("tag:yaml.org,2002:null", lambda _loader, _node: None)
_CatalogLoader.add_constructor("tag:yaml.org,2002:bool", lambda _loader, node: str(node.value).lower() == "true")
_CatalogLoader.add_constructor(None, _CatalogLoader.construct_plain)


def load_document(text: str) -> object:
    """Return the first document of a text as Backstage reads it: numbers are text as they are spelled. None if it is empty.

    Raises:
        YAMLError, RecursionError: it is not valid YAML.
    """
    return next((value for value, _ in _load_all(text)), None)


def _load_all(text: str) -> Iterator[tuple[object, list[int]]]:
    """Yield each document with the lines of its elements, or its own. Raises YAMLError."""
    loader = _CatalogLoader(text)
    try:
        while loader.check_node():
            node = loader.get_node()
            yield loader.construct_document(node), [part.start_mark.line + 1 for part in _parts_of(node)]
    finally:
        loader.dispose()


def _parts_of(node: yaml.Node) -> list[yaml.Node]:
    listed = node
    if isinstance(node, yaml.MappingNode):
        listed = next((value for key, value in node.value if key.value == "items"), node)
    return list(listed.value) if isinstance(listed, yaml.SequenceNode) and listed.value else [node]
