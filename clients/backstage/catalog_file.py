"""The catalog from YAML or JSON files instead of a live Backstage: one file, or a folder with all below it."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import yaml
from pydantic import TypeAdapter, ValidationError

from clients.backstage.entities import EntityDocument, EntityParser, is_in_scope
from clients.backstage.listings import CatalogListing, Documents
from clients.http.client import ErrorKind, ServiceError
from domain.component import Component
from domain.refs import EntityRef, InvalidReference

_SUFFIXES: Final = {".yaml", ".yml", ".json"}
_PAGE: Final = 500
_ENTITY: Final = TypeAdapter(EntityDocument)
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Signature = tuple[tuple[Path, int, int], ...]


class CatalogFile:
    """Catalog files as `actions.ports.Catalog` sees them. Read again when they change. Every method raises ServiceError."""

    def __init__(self, path: Path, *, reader: EntityParser | None = None) -> None:
        self._path = path
        self._reader = reader or EntityParser()
        self._reading = threading.Lock()
        self._signature: Signature | None = None
        self._entities: dict[EntityRef, EntityDocument] = {}

    def component(self, ref: EntityRef) -> Component:
        """Look up one entity of any kind; `Fault.NOT_FOUND` when there is none."""
        document = self._current().get(ref)
        if document is None:
            message = f"the catalog file {self._path} has no entity {ref}"
            raise ServiceError(message, kind=ErrorKind.NOT_FOUND, permanent=True)
        return self._reader.component(document)

    def listing(self) -> CatalogListing:
        """List every entity with a label-selector or kubernetes-id annotation, and the teams that own them."""
        entities = self._current()

        def pages() -> Iterator[Documents]:
            in_scope = [document for document in entities.values() if is_in_scope(document)]
            for start in range(0, len(in_scope), _PAGE):
                yield in_scope[start : start + _PAGE]

        def by_refs(refs: Sequence[EntityRef]) -> Documents:
            return [entities.get(ref) for ref in refs]

        return CatalogListing(pages, by_refs, reader=self._reader)

    def _current(self) -> dict[EntityRef, EntityDocument]:
        with self._reading:
            files = self._files()
            try:
                signature = tuple((file, (status := file.stat()).st_mtime_ns, status.st_size) for file in files)
                if signature != self._signature:
                    self._entities = _read_all(files)
                    self._signature = signature
            except OSError as trouble:
                raise _unreadable(self._path, trouble.strerror or "it cannot be read") from None
            return self._entities

    def _files(self) -> list[Path]:
        if not self._path.is_dir():
            return [self._path]
        files = sorted(file for file in self._path.rglob("*") if file.suffix in _SUFFIXES and file.is_file())
        if not files:
            raise _unreadable(self._path, "it holds no .yaml, .yml or .json file")
        return files


def _read_all(files: Sequence[Path]) -> dict[EntityRef, EntityDocument]:
    """Read all entities of all files. Two that differ and have one reference spoil them: nobody can say which is meant."""
    entities: dict[EntityRef, EntityDocument] = {}
    found_in: dict[EntityRef, Path] = {}
    for file in files:
        for document in _read_documents(file):
            if entities.setdefault(document.ref, document) != document:
                raise _unreadable(file, f"{document.ref} stands in {found_in[document.ref]} too, and says something else")
            found_in.setdefault(document.ref, file)
    return entities


def _read_documents(file: Path) -> Iterator[EntityDocument]:
    """Read all entities of a file. One that cannot be read spoils the file: a catalog with holes would look like removals."""
    try:
        documents = list(yaml.load_all(file.read_text(encoding="utf-8"), Loader=_LOADER))
    except UnicodeDecodeError:
        raise _unreadable(file, "it is no text in UTF-8") from None
    except yaml.YAMLError as broken:
        mark = getattr(broken, "problem_mark", None)
        place = "" if mark is None else f" in line {mark.line + 1}"
        raise _unreadable(file, f"it is no valid YAML{place}") from None
    for number, document in enumerate(documents, start=1):
        listed = _list_in(document)
        if listed is not None:
            for position, entity in enumerate(listed, start=1):
                yield _read_entity(entity, file, f"document {number}, entity {position}")
        elif document is not None:
            yield _read_entity(document, file, f"document {number}")


def _list_in(document: object) -> list[object] | None:
    """Answer the entities of a document that holds many, as exports of the catalog's API do: a list, or a list named `items`."""
    if isinstance(document, dict) and "kind" not in document:
        document = document.get("items")
    return document if isinstance(document, list) else None


def _read_entity(document: object, file: Path, where: str) -> EntityDocument:
    try:
        entity = _ENTITY.validate_python(document)
        _ = entity.ref
    except ValidationError as invalid:
        error = invalid.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(str(step) for step in error["loc"]) or "the whole"
        raise _unreadable(file, f"{where} is no catalog entity ({place}: {error['msg']})") from None
    except InvalidReference as bad:
        raise _unreadable(file, f"{where}: {bad}") from None
    return entity


def _unreadable(path: Path, why: str) -> ServiceError:
    return ServiceError(f"the catalog file {path} cannot be used: {why}", kind=ErrorKind.INVALID_RESPONSE, permanent=True)
