"""CPU time by package: calls from one package into another are wrapped, and the thread's CPU clock is read at each.

Libraries count for the package that calls them. A package is not charged for the packages that it calls.
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

PACKAGES: Final = ("worker", "wiring", "tasks", "actions", "clients.redis", "clients", "store", "domain")
REST: Final = "python, celery"
"""Outside of these packages: Celery, and passing work between threads."""


class PackageTimes:
    """CPU seconds of each package, over all threads."""

    def __init__(self) -> None:
        self._of_thread = threading.local()
        self._all: list[dict[str, float]] = []

    def enter(self, package: str) -> None:
        """Charge the current package, and switch to another."""
        state = self._state()
        now = time.thread_time()
        state.used[state.stack[-1]] += now - state.since
        state.stack.append(package)
        state.since = now

    def leave(self) -> None:
        """Charge the current package, and return to its caller."""
        state = self._state()
        now = time.thread_time()
        state.used[state.stack.pop()] += now - state.since
        state.since = now

    def is_current(self, package: str) -> bool:
        """Return True if this thread is charged to the package now."""
        return bool(self._state().stack[-1] == package)

    def write(self, file: Path) -> None:
        """Write CPU seconds by package as JSON, with the rest of the process."""
        used: dict[str, float] = defaultdict(float)
        for by_package in self._all:
            for package, seconds in list(by_package.items()):
                used[package] += seconds
        used[REST] += time.process_time() - sum(used.values())
        file.write_text(json.dumps(used), encoding="utf-8")

    def _state(self) -> Any:  # noqa: ANN401 - a thread's own attributes
        state = self._of_thread
        if not hasattr(state, "stack"):
            state.stack, state.since, state.used = [REST], time.thread_time(), defaultdict(float)
            self._all.append(state.used)
        return state


def instrument(times: PackageTimes) -> None:
    """Wrap every function and method of the packages that are imported by now."""
    for name, module in list(sys.modules.items()):
        package = _package_of(name)
        if package is None:
            continue
        for key, value in list(vars(module).items()):
            if isinstance(value, FunctionType) and (owner := _package_of(value.__module__)) not in {None, package}:
                setattr(module, key, _wrapped(times, owner or "", value))
            elif (
                inspect.isclass(value)
                and value.__module__ == name
                and not issubclass(value, (BaseModel, enum.Enum, BaseException))
            ):
                for method, function in list(vars(value).items()):
                    if isinstance(function, FunctionType) and (not method.startswith("_") or method == "__call__"):
                        setattr(value, method, _wrapped(times, package, function))


def _package_of(module: str) -> str | None:
    return next((package for package in PACKAGES if module == package or module.startswith(f"{package}.")), None)


def _wrapped(times: PackageTimes, package: str, function: FunctionType) -> Callable[..., Any]:
    if inspect.isgeneratorfunction(function):

        @wraps(function)
        def stream(*arguments: Any, **named: Any) -> Iterator[Any]:  # noqa: ANN401 - any function
            items = function(*arguments, **named)
            while True:
                times.enter(package)
                try:
                    item = next(items)
                except StopIteration:
                    return
                finally:
                    times.leave()
                yield item

        return stream
    if inspect.isgeneratorfunction(inspect.unwrap(function)):
        return wraps(function)(lambda *arguments, **named: _ChargedManager(times, package, function(*arguments, **named)))

    @wraps(function)
    def call(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - any function
        if times.is_current(package):
            return function(*arguments, **named)
        times.enter(package)
        try:
            return function(*arguments, **named)
        finally:
            times.leave()

    return call


class _ChargedManager:
    """Charges a package for entering and leaving its context manager, not for the block."""

    def __init__(self, times: PackageTimes, package: str, inner: AbstractContextManager[Any]) -> None:
        self._times, self._package, self._inner = times, package, inner

    def __enter__(self) -> Any:  # noqa: ANN401 - the value of the inner manager
        self._times.enter(self._package)
        try:
            return self._inner.__enter__()
        finally:
            self._times.leave()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> bool | None:
        self._times.enter(self._package)
        try:
            return self._inner.__exit__(kind, error, trace)
        finally:
            self._times.leave()
