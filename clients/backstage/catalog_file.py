"""The catalog from YAML or JSON files instead of a live Backstage: one file, or all files below a folder.

What can be read is read; what was left aside is listed with its place. An entity that is defined twice counts once, as in the first file.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from clients.backstage.catalog_documents import SUFFIXES, CatalogDocument, LeftAside, SavedPage, catalog_files, read_file
from clients.backstage.entities import EntityDocument, EntityParser, UnreadableEntity, describe_entity, is_in_scope, read_entity
from clients.backstage.listings import CatalogListing, EntityRows
from clients.http.errors import ErrorKind, ServiceError
from domain.component import Component
from domain.money import format_count
from domain.placeholders import is_placeholder
from domain.refs import EntityRef
from domain.selectors import KUBERNETES_ID, LABEL_SELECTOR

_KUBERNETES: Final = re.compile(r"v\d\w*|(apps|autoscaling|batch|extensions|policy)/.*|[\w.-]+\.k8s\.io/.*")
"""The apiVersion of Kubernetes' own objects, whose manifests are in the same repositories."""
_PAGE_SIZE: Final = 500
_MAX_NAMED: Final = 3

FileStamps = tuple[tuple[Path, int, int], ...]


@dataclass
class _Catalog:
    """What the files hold."""

    entities: dict[EntityRef, EntityDocument] = field(default_factory=dict)
    places: dict[EntityRef, str] = field(default_factory=dict)
    left_aside: list[LeftAside] = field(default_factory=list)
    pages: list[SavedPage] = field(default_factory=list)

    def add(self, found: CatalogDocument | SavedPage | LeftAside) -> None:
        match found:
            case SavedPage():
                self.pages.append(found)
            case LeftAside():
                self.left_aside.append(found)
            case CatalogDocument(value={"apiVersion": str(version)}) if _KUBERNETES.fullmatch(version) is not None:
                pass  # a manifest may carry our annotations, too, and Backstage does not read it
            case CatalogDocument(value={"kind": _}):
                self._add_entity(found)

    def _add_entity(self, found: CatalogDocument) -> None:
        try:
            entity = read_entity(found.value)
        except UnreadableEntity as error:
            self.left_aside.append(_unreadable(found, str(error)))
            return
        if is_placeholder(entity.metadata.name):
            self.left_aside.append(_unreadable(found, "it is a template"))
        elif self.entities.setdefault(entity.ref, entity) != entity:
            reason = f"{entity.ref} is defined in {self.places[entity.ref]} already, differently; that one counts"
            self.left_aside.append(LeftAside(place=found.place, reason=reason, may_be_component=False))
        self.places.setdefault(entity.ref, found.place)
        if problem := entity.annotations_problem:
            self.left_aside.append(_unreadable(found, problem))

    def shortfall(self) -> str:
        """Return why entities may be missing; empty if none can be."""
        missing = [one for one in self.left_aside if one.may_be_component]
        if missing:
            more = f"; and {len(missing) - _MAX_NAMED} more" if len(missing) > _MAX_NAMED else ""
            counted = format_count(len(missing), "document")
            return f"{counted} of the catalog files may be components and could not be read: {'; '.join(map(str, missing[:_MAX_NAMED]))}{more}"
        announced, listed = max((page.total or 0 for page in self.pages), default=0), sum(page.items for page in self.pages)
        if listed < announced:
            return f"{self.pages[0].place} is a page of a catalog with {announced} entities, of which the files hold {listed}"
        open_end = [page.place for page in self.pages if page.has_next and page.total is None]
        if open_end and all(page.has_next for page in self.pages):
            return f"{open_end[0]} is a page of a catalog, and the files hold no last page"
        return ""


class CatalogFile:
    """Implements `actions.ports.Catalog`. Reloads files that change. Every method raises ServiceError."""

    def __init__(self, path: Path, *, parser: EntityParser | None = None) -> None:
        self._path = path
        self._parser = parser or EntityParser()
        self._lock = threading.Lock()
        self._stamps: FileStamps | None = None
        self._catalog = _Catalog()

    def component(self, ref: EntityRef) -> Component:
        """Return one entity of any kind; `ErrorKind.NOT_FOUND` if there is none."""
        entities = self._load().entities
        document = entities.get(ref)
        if document is None:
            message = f"the catalog file {self._path} has no entity {ref}"
            raise ServiceError(message, kind=ErrorKind.NOT_FOUND, permanent=True)

        def find_known(refs: Sequence[EntityRef]) -> Collection[EntityRef]:
            return entities.keys() & set(refs)

        return self._parser.component(document, find_known=find_known)

    def listing(self) -> CatalogListing:
        """List every entity with a label-selector or kubernetes-id annotation, and the teams that own them."""
        catalog = self._load()

        def pages() -> Iterator[EntityRows]:
            in_scope = [document for document in catalog.entities.values() if is_in_scope(document)]
            for start in range(0, len(in_scope), _PAGE_SIZE):
                page = in_scope[start : start + _PAGE_SIZE]
                yield EntityRows(documents=page, count=len(page))

        def by_refs(refs: Sequence[EntityRef]) -> Sequence[EntityDocument | None]:
            return [catalog.entities.get(ref) for ref in refs]

        reason = catalog.shortfall()
        left_aside = [str(one) for one in sorted(catalog.left_aside, key=lambda one: not one.may_be_component)]
        return CatalogListing(pages, by_refs, parser=self._parser, shortfall=lambda _: reason, left_aside=left_aside)

    def _load(self) -> _Catalog:
        with self._lock:
            try:
                files, left_aside = self._files()
                stamps = tuple((file, (status := file.stat()).st_mtime_ns, status.st_size) for file in files)
                if stamps != self._stamps:
                    self._catalog = self._read(files, left_aside)
                    self._stamps = stamps
            except OSError as error:
                raise _invalid(self._path, error.strerror or "it cannot be read") from None
            return self._catalog

    def _files(self) -> tuple[list[Path], list[LeftAside]]:
        if not self._path.is_dir():
            return [self._path], []
        files, left_aside = catalog_files(self._path)
        if not files:
            raise _invalid(self._path, f"it contains no {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]} file")
        return files, left_aside

    def _read(self, files: Sequence[Path], left_aside: Sequence[LeftAside]) -> _Catalog:
        catalog = _Catalog(left_aside=list(left_aside))
        for file in files:
            try:
                for found in read_file(file):
                    catalog.add(found)
            except OSError as error:
                if len(files) == 1:
                    raise
                reason = error.strerror or "it cannot be read"
                catalog.left_aside.append(LeftAside(place=str(file), reason=reason, may_be_component=True))
        if not catalog.entities and not catalog.pages:
            raise _invalid(self._path, str(catalog.left_aside[0]) if catalog.left_aside else "it contains no catalog entity")
        return catalog


def _unreadable(found: CatalogDocument, reason: str) -> LeftAside:
    """Leave an entity aside. Without an annotation that selects workloads it is no component, and a template is none either."""
    name = describe_entity(found.value)
    metadata = found.value.get("metadata") if isinstance(found.value, dict) else None
    annotations = str(metadata.get("annotations")) if isinstance(metadata, dict) else ""
    return LeftAside(
        place=found.place,
        reason=f"{name or 'an entity'}: {reason}",
        may_be_component=(LABEL_SELECTOR in annotations or KUBERNETES_ID in annotations) and not is_placeholder(name),
    )


def _invalid(path: Path, reason: str) -> ServiceError:
    return ServiceError(f"the catalog file {path} cannot be used: {reason}", kind=ErrorKind.INVALID_RESPONSE, permanent=True)
