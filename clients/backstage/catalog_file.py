"""The catalog from YAML or JSON files instead of a live Backstage: one file, or all files below a folder."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import yaml
from pydantic import TypeAdapter, ValidationError

from clients.backstage.entities import EntityDocument, EntityParser, is_in_scope
from clients.backstage.listings import CatalogListing, Documents
from clients.http.errors import ErrorKind, ServiceError
from domain.component import Component
from domain.refs import EntityRef, InvalidReference

_SUFFIXES: Final = {".yaml", ".yml", ".json"}
_PAGE_SIZE: Final = 500
_ENTITY: Final = TypeAdapter(EntityDocument)
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

FileStamps = tuple[tuple[Path, int, int], ...]


class CatalogFile:
    """Implements `actions.ports.Catalog`. Reloads files that change. Every method raises ServiceError."""

    def __init__(self, path: Path, *, parser: EntityParser | None = None) -> None:
        self._path = path
        self._parser = parser or EntityParser()
        self._lock = threading.Lock()
        self._stamps: FileStamps | None = None
        self._entities: dict[EntityRef, EntityDocument] = {}

    def component(self, ref: EntityRef) -> Component:
        """Return one entity of any kind; `ErrorKind.NOT_FOUND` if there is none."""
        document = self._load().get(ref)
        if document is None:
            message = f"the catalog file {self._path} has no entity {ref}"
            raise ServiceError(message, kind=ErrorKind.NOT_FOUND, permanent=True)
        return self._parser.component(document)

    def listing(self) -> CatalogListing:
        """List every entity with a label-selector or kubernetes-id annotation, and the teams that own them."""
        entities = self._load()

        def pages() -> Iterator[Documents]:
            in_scope = [document for document in entities.values() if is_in_scope(document)]
            for start in range(0, len(in_scope), _PAGE_SIZE):
                yield in_scope[start : start + _PAGE_SIZE]

        def by_refs(refs: Sequence[EntityRef]) -> Documents:
            return [entities.get(ref) for ref in refs]

        return CatalogListing(pages, by_refs, parser=self._parser)

    def _load(self) -> dict[EntityRef, EntityDocument]:
        with self._lock:
            files = self._files()
            try:
                stamps = tuple((file, (status := file.stat()).st_mtime_ns, status.st_size) for file in files)
                if stamps != self._stamps:
                    self._entities = _read_all(files)
                    self._stamps = stamps
            except OSError as error:
                raise _invalid(self._path, error.strerror or "it cannot be read") from None
            return self._entities

    def _files(self) -> list[Path]:
        if not self._path.is_dir():
            return [self._path]
        files = sorted(file for file in self._path.rglob("*") if file.suffix in _SUFFIXES and file.is_file())
        if not files:
            raise _invalid(self._path, "it contains no .yaml, .yml or .json file")
        return files


def _read_all(files: Sequence[Path]) -> dict[EntityRef, EntityDocument]:
    """Read all entities of all files. Two different entities with one reference are an error."""
    entities: dict[EntityRef, EntityDocument] = {}
    found_in: dict[EntityRef, Path] = {}
    for file in files:
        for document in _read_documents(file):
            if entities.setdefault(document.ref, document) != document:
                raise _invalid(file, f"{document.ref} is defined differently in {found_in[document.ref]}")
            found_in.setdefault(document.ref, file)
    return entities


def _read_documents(file: Path) -> Iterator[EntityDocument]:
    """Read all entities of a file. An invalid one is an error: leaving it out would look like a removal."""
    try:
        documents = list(yaml.load_all(file.read_text(encoding="utf-8"), Loader=_LOADER))
    except UnicodeDecodeError:
        raise _invalid(file, "it is not UTF-8 text") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = "" if mark is None else f" in line {mark.line + 1}"
        raise _invalid(file, f"it is not valid YAML{place}") from None
    for number, document in enumerate(documents, start=1):
        entities = _entity_list(document)
        if entities is not None:
            for position, entity in enumerate(entities, start=1):
                yield _read_entity(entity, file, f"document {number}, entity {position}")
        elif document is not None:
            yield _read_entity(document, file, f"document {number}")


def _entity_list(document: object) -> list[object] | None:
    """Return the entities of an export of the catalog's API: a list, or a list named `items`; None for any other document."""
    if isinstance(document, dict) and "kind" not in document:
        document = document.get("items")
    return document if isinstance(document, list) else None


def _read_entity(document: object, file: Path, where: str) -> EntityDocument:
    try:
        entity = _ENTITY.validate_python(document)
        _ = entity.ref
    except ValidationError as error:
        detail = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(str(step) for step in detail["loc"]) or "the document"
        raise _invalid(file, f"{where} is not a catalog entity ({place}: {detail['msg']})") from None
    except InvalidReference as error:
        raise _invalid(file, f"{where}: {error}") from None
    return entity


def _invalid(path: Path, reason: str) -> ServiceError:
    return ServiceError(f"the catalog file {path} cannot be used: {reason}", kind=ErrorKind.INVALID_RESPONSE, permanent=True)
