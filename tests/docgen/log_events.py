"""The page of the log events, read from the calls that write them."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.docgen.markdown import code, page, table

ROOT = Path(__file__).parents[2]
PACKAGES = ("actions", "cli", "clients", "gateway", "mcp_server", "store", "tasks", "wiring", "worker")
LEVELS = ("debug", "info", "warning", "error", "exception", "critical")


@dataclass(frozen=True, kw_only=True, order=True)
class LogEvent:
    """One event with the fields it is written with."""

    event: str
    level: str
    logger: str
    fields: tuple[str, ...]


def log_events() -> list[LogEvent]:
    """Return every event that the code writes."""
    files = (file for package in PACKAGES for file in (ROOT / package).rglob("*.py"))
    return sorted({event for file in files for event in _events_in(file)})


def _events_in(file: Path) -> Iterator[LogEvent]:
    logger = ".".join(file.relative_to(ROOT).with_suffix("").parts)
    text = file.read_text(encoding="utf-8")
    if " log." not in text:
        return
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and getattr(node.func.value, "id", "") == "log":
            is_by_level = node.func.attr == "log"
            if node.func.attr in LEVELS or is_by_level:
                level = "varies" if is_by_level else {"exception": "error"}.get(node.func.attr, node.func.attr)
                fields = tuple(sorted(one.arg or "..." for one in node.keywords))
                for event in _texts_of(node.args[1 if is_by_level else 0], tree):
                    yield LogEvent(event=event, level=level, logger=logger, fields=fields)


def _texts_of(node: ast.expr, tree: ast.Module) -> Iterator[str]:
    """Yield the texts that an expression may be: a literal, a choice of two, or a parameter that is given literals."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.IfExp(body=one, orelse=other):
            yield from _texts_of(one, tree)
            yield from _texts_of(other, tree)
        case ast.Name(id=name):
            yield from _arguments_named(name, tree)
        case _:
            message = f"the event in line {node.lineno} is not a literal"
            raise ValueError(message)


def _arguments_named(name: str, tree: ast.Module) -> Iterator[str]:
    """Yield the literals that callers in the module pass for a parameter."""
    for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
        names = [one.arg for one in function.args.args if one.arg != "self"]
        if name in names:
            for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
                if getattr(call.func, "id", getattr(call.func, "attr", "")) == function.name:
                    given = call.args[names.index(name)] if len(call.args) > names.index(name) else None
                    if isinstance(given, ast.Constant) and isinstance(given.value, str):
                        yield given.value


def render_log_events() -> str:
    """Return the page."""
    rows = [[code(one.event), one.level, ", ".join(map(code, one.fields)), code(one.logger)] for one in log_events()]
    return page("Log events", _INTRODUCTION, table(["event", "level", "fields", "logger"], rows))


_INTRODUCTION = """\
One line per event on stderr, as JSON unless it is a terminal (LOG_FORMAT): `timestamp`, `level`, `logger`, `event` and the fields below. A warning is written once
per problem, and once when it ends. The gateway writes one audit line per request: caller, route, status and seconds."""
