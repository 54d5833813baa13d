"""DATABASE_URL: what is accepted, and one sentence about what is not. No sentence repeats a part that may hold a password."""

from __future__ import annotations

import re
from typing import Final

from psycopg import pq
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from domain.urls import ENCODE_CREDENTIALS, has_unencoded_credentials
from store.errors import StoreUnavailable

_EXAMPLES: Final = "write sqlite:///file.db or postgresql://user:password@host:5432/name"
_SQLITE: Final = frozenset({"sqlite", "sqlite+pysqlite"})
_POSTGRESQL: Final = frozenset({"postgresql", "postgres", "postgresql+psycopg"})
_HOST: Final = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+(%[A-Za-z0-9_.-]+)?")
_INSTEAD: Final = {
    "ssl": "write sslmode=require, or sslmode=verify-full with sslrootcert",
    "schema": "write options=-csearch_path%3Dname",
    "currentSchema": "write options=-csearch_path%3Dname",
    "prepare_threshold": "leave it out: statements are never prepared",
}


class InvalidDatabaseUrl(StoreUnavailable):
    """DATABASE_URL cannot be used. The message begins with the name of the setting."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"DATABASE_URL {problem}")


def parse_url(text: str) -> URL:
    """Parse a DATABASE_URL, with the driver that is used. Raises InvalidDatabaseUrl."""
    scheme, separator, rest = text.partition("://")
    if not separator or not re.fullmatch(r"[a-z0-9+]+", scheme):
        problem = f"is not a database URL; {_EXAMPLES}"
        raise InvalidDatabaseUrl(problem)
    if scheme in _SQLITE:
        return _parse_sqlite(rest)
    if scheme not in _POSTGRESQL:
        name, plus, driver = scheme.partition("+")
        is_ours = f"{name}+" if name in {"postgresql", "postgres", "sqlite"} and plus else ""
        problem = (
            f"names the driver {driver}; write {name}://, the driver is ours"
            if is_ours
            else f"names {name}; supported are sqlite:// and postgresql://"
        )
        raise InvalidDatabaseUrl(problem)
    return _parse_postgresql(text)


def describe(url: URL) -> str:
    """Return the database's name for messages, without user and password."""
    if url.get_backend_name() == "sqlite":
        return f"the SQLite database {url.database}"
    server = f"{url.host or 'the local socket'}{f':{url.port}' if url.port else ''}"
    return f"the PostgreSQL database {url.database or 'postgres'} at {server}"


def _parse_sqlite(rest: str) -> URL:
    path, question, _ = rest.partition("?")
    if path.strip("/") in {"", ":memory:"}:
        problem = "names a SQLite database in memory, which loses its rows; write sqlite:///file.db"
    elif not path.startswith("/"):
        problem = (
            "has two slashes in front of the file; write sqlite:///file.db, or sqlite:////folder/file.db for an absolute path"
        )
    elif question:
        problem = "has parameters; a SQLite database has none"
    else:
        return URL.create("sqlite", database=path[1:])
    raise InvalidDatabaseUrl(problem)


def _parse_postgresql(text: str) -> URL:
    if has_unencoded_credentials(text):
        raise InvalidDatabaseUrl(ENCODE_CREDENTIALS)
    hosts = text.partition("://")[2].partition("/")[0].partition("?")[0].rpartition("@")[2]
    if "," in hosts:
        problem = (
            "names several hosts before the slash; write them as parameters: "
            "postgresql://user:password@/name?host=a,b&port=5432,5432&target_session_attrs=read-write"
        )
        raise InvalidDatabaseUrl(problem)
    try:
        url = make_url(text)
        is_valid = (url.host is None or bool(_HOST.fullmatch(url.host))) and (url.port is None or 0 < url.port < 65536)  # noqa: PLR2004 - ports
    except (ArgumentError, ValueError):  # their texts may hold the password
        is_valid = False
    if not is_valid or "#" in text:
        problem = "cannot be parsed, perhaps its host or port is not valid; write postgresql://user:password@host:5432/name"
        raise InvalidDatabaseUrl(problem)
    known = {option.keyword.decode() for option in pq.Conninfo.get_defaults()}
    for name in url.query:
        if name not in known:
            shown = name if re.fullmatch(r"[A-Za-z_]{1,40}", name) else "(not shown)"
            instead = _INSTEAD.get(name, "the parameters are those of libpq, for example sslmode or connect_timeout")
            problem = f"has the parameter {shown}, which is unknown; {instead}"
            raise InvalidDatabaseUrl(problem)
    return url.set(drivername="postgresql+psycopg")
