"""Reports each SQL statement of this process to a tracer, by the events of SQLAlchemy. Parameters are not reported."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Protocol

from sqlalchemy import Connection, event
from sqlalchemy.engine import Engine, ExceptionContext

_KEY: Final = "scaleops_worker.statement"


class StatementTracer(Protocol):
    """Records SQL statements."""

    def statement(self, system: str, text: str) -> Callable[[BaseException | None], None]:
        """Record a statement that begins; `system` is `postgresql` or `sqlite`. The result is called at its end, with its error."""


def trace_statements(tracer: StatementTracer) -> Callable[[], None]:
    """Report the statements of every engine from now on, until the result is called."""

    def begin(connection: Connection, _cursor: object, statement: str, *_: Any) -> None:  # noqa: ANN401 - drivers have no types
        connection.info[_KEY] = tracer.statement(connection.dialect.name, statement)

    def end(connection: Connection, *_: Any) -> None:  # noqa: ANN401 - as above
        _finish(connection, None)

    def fail(failed: ExceptionContext) -> None:
        if failed.connection is not None:
            _finish(failed.connection, failed.original_exception)

    listeners: tuple[tuple[str, Callable[..., None]], ...] = (
        ("before_cursor_execute", begin),
        ("after_cursor_execute", end),
        ("handle_error", fail),
    )
    for name, listener in listeners:
        event.listen(Engine, name, listener)

    def stop() -> None:
        for name, listener in listeners:
            event.remove(Engine, name, listener)

    return stop


def _finish(connection: Connection, error: BaseException | None) -> None:
    finish = connection.info.pop(_KEY, None)
    if finish is not None:
        finish(error)
