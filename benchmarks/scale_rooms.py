"""CPU time by room: every call from one room into another is a door, at which the thread's clock is read.

What a library does counts for the room that called it. Nested rooms are taken apart: a room is charged only for what no other
room, called by it, was charged for.
"""

from __future__ import annotations

import enum
import inspect
import json
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import wraps
from pathlib import Path
from types import FunctionType, TracebackType
from typing import Any, Final

from pydantic import BaseModel

ROOMS: Final = ("worker", "wiring", "tasks", "actions", "clients.redis", "clients", "store", "domain")
REST: Final = "python, celery"
"""What happens in no room: the queue's library, and handing work from thread to thread."""


class Accounts:
    """What each room has used, over all threads."""

    def __init__(self) -> None:
        self._of_thread = threading.local()
        self._all: list[dict[str, float]] = []

    def enter(self, room: str) -> None:
        """Charge the room that was left, and go into another."""
        state = self._state()
        now = time.thread_time()
        state.used[state.rooms[-1]] += now - state.since
        state.rooms.append(room)
        state.since = now

    def leave(self) -> None:
        """Charge the room, and go back to the one that called it."""
        state = self._state()
        now = time.thread_time()
        state.used[state.rooms.pop()] += now - state.since
        state.since = now

    def is_in(self, room: str) -> bool:
        """Say whether this thread is in a room already."""
        return bool(self._state().rooms[-1] == room)

    def write(self, file: Path) -> None:
        """Write CPU seconds by room as JSON. What the process used and no room did is the rest."""
        used: dict[str, float] = defaultdict(float)
        for each in self._all:
            for room, seconds in list(each.items()):
                used[room] += seconds
        used[REST] += time.process_time() - sum(used.values())
        file.write_text(json.dumps(used), encoding="utf-8")

    def _state(self) -> Any:  # noqa: ANN401 - a thread's own attributes
        state = self._of_thread
        if not hasattr(state, "rooms"):
            state.rooms, state.since, state.used = [REST], time.thread_time(), defaultdict(float)
            self._all.append(state.used)
        return state


def hang_doors(accounts: Accounts) -> None:
    """Put a door before every function and method of our rooms that are imported by now."""
    for name, module in list(sys.modules.items()):
        room = _room_of(name)
        if room is None:
            continue
        for key, value in list(vars(module).items()):
            if isinstance(value, FunctionType) and (of := _room_of(value.__module__)) not in {None, room}:
                setattr(module, key, _door(accounts, of or "", value))
            elif (
                inspect.isclass(value)
                and value.__module__ == name
                and not issubclass(value, (BaseModel, enum.Enum, BaseException))
            ):
                for method, function in list(vars(value).items()):
                    if isinstance(function, FunctionType) and (not method.startswith("_") or method == "__call__"):
                        setattr(value, method, _door(accounts, room, function))


def _room_of(module: str) -> str | None:
    return next((room for room in ROOMS if module == room or module.startswith(f"{room}.")), None)


def _door(accounts: Accounts, room: str, function: FunctionType) -> Callable[..., Any]:
    if inspect.isgeneratorfunction(function):

        @wraps(function)
        def stream(*arguments: Any, **named: Any) -> Iterator[Any]:  # noqa: ANN401 - any function
            items = function(*arguments, **named)
            while True:
                accounts.enter(room)
                try:
                    item = next(items)
                except StopIteration:
                    return
                finally:
                    accounts.leave()
                yield item

        return stream
    if inspect.isgeneratorfunction(inspect.unwrap(function)):
        return wraps(function)(lambda *arguments, **named: _Manager(accounts, room, function(*arguments, **named)))

    @wraps(function)
    def call(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - any function
        if accounts.is_in(room):
            return function(*arguments, **named)
        accounts.enter(room)
        try:
            return function(*arguments, **named)
        finally:
            accounts.leave()

    return call


class _Manager:
    """A context manager of a room: entering and leaving it is charged, what happens inside is not."""

    def __init__(self, accounts: Accounts, room: str, inner: AbstractContextManager[Any]) -> None:
        self._accounts, self._room, self._inner = accounts, room, inner

    def __enter__(self) -> Any:  # noqa: ANN401 - whatever it gives
        self._accounts.enter(self._room)
        try:
            return self._inner.__enter__()
        finally:
            self._accounts.leave()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> bool | None:
        self._accounts.enter(self._room)
        try:
            return self._inner.__exit__(kind, error, trace)
        finally:
            self._accounts.leave()
