"""Rewrites properties, so that mutmut changes them too: it leaves every decorated function alone."""

import ast

SUFFIX = "_getter"
_PROPERTIES = {"property", "cached_property"}


def with_plain_methods(source: str) -> str:
    """Replace each `@property def total(self)` of a module by `def total_getter(self)` and `total = property(total_getter)`."""
    lines = source.splitlines(keepends=True)
    found = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef) and _kind_of(node)]
    for node in sorted(found, key=lambda one: one.lineno, reverse=True):
        decorator = node.decorator_list[0]
        indent = " " * node.col_offset
        lines.insert(node.end_lineno or node.lineno, f"{indent}{node.name} = {_kind_of(node)}({node.name}{SUFFIX})\n")
        lines[node.lineno - 1] = lines[node.lineno - 1].replace(f"def {node.name}(", f"def {node.name}{SUFFIX}(", 1)
        del lines[decorator.lineno - 1]
    return "".join(lines)


def _kind_of(node: ast.FunctionDef) -> str:
    """Return `property` or `cached_property` for one that has a body; the member of a protocol has none to change."""
    match node:
        case ast.FunctionDef(body=[ast.Expr(value=ast.Constant(value=value))]) if value is ...:
            return ""
        case ast.FunctionDef(decorator_list=[ast.Name(id=kind)]) if kind in _PROPERTIES:
            return kind
    return ""
