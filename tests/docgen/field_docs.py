"""The docstrings that follow the fields of a class, which Python itself does not keep."""

import ast
import inspect
import textwrap
from collections.abc import Mapping
from itertools import pairwise


def field_docs(owner: type) -> Mapping[str, str]:
    """Return the docstring of each field of a class, those of its bases included, as one line."""
    found: dict[str, str] = {}
    for base in reversed([one for one in owner.__mro__ if one.__module__.partition(".")[0] not in _LIBRARIES]):
        found |= _own_docs(base)
    return found


_LIBRARIES = {"builtins", "pydantic", "enum", "typing"}


def _own_docs(owner: type) -> dict[str, str]:
    tree = ast.parse(textwrap.dedent(inspect.getsource(owner)))
    body = tree.body[0].body if isinstance(tree.body[0], ast.ClassDef) else []
    found = {}
    for field, after in pairwise(body):
        if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant) and isinstance(after.value.value, str):
            target = field.targets[0] if isinstance(field, ast.Assign) else getattr(field, "target", None)
            if isinstance(target, ast.Name):
                found[target.id] = " ".join(after.value.value.split())
    return found
