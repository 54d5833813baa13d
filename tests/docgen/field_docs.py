"""The docstrings that follow the fields of a class, which Python itself does not keep."""

import ast
import inspect
import sys
from collections.abc import Mapping
from functools import cache
from itertools import pairwise
from typing import Final

_LIBRARIES: Final = {"builtins", "pydantic", "enum", "typing"}


def field_docs(owner: type) -> Mapping[str, str]:
    """Return the docstring of each field of a class, those of its bases included, as one line."""
    found: dict[str, str] = {}
    for base in reversed(owner.__mro__):
        if base.__module__.partition(".")[0] not in _LIBRARIES:
            found |= _docs_in(base.__module__)[base.__name__]
    return found


@cache
def _docs_in(module: str) -> Mapping[str, Mapping[str, str]]:
    """Return the docstrings of the fields of each class of a module."""
    tree = ast.parse(inspect.getsource(sys.modules[module]))
    return {node.name: _docs_of(node) for node in tree.body if isinstance(node, ast.ClassDef)}


def _docs_of(node: ast.ClassDef) -> Mapping[str, str]:
    found = {}
    for field, after in pairwise(node.body):
        if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant) and isinstance(after.value.value, str):
            target = field.targets[0] if isinstance(field, ast.Assign) else getattr(field, "target", None)
            if isinstance(target, ast.Name):
                found[target.id] = " ".join(after.value.value.split())
    return found
