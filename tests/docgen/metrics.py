"""The page of the metrics, read from the calls that define them: a registry does not give the labels of a metric."""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.docgen.markdown import code, page, table
from worker.db_metrics import DATABASE_METRICS

ROOT = Path(__file__).parents[2]
_LIMITER = "wiring/limiter_metrics.py"
SOURCES: Mapping[str, tuple[tuple[str, str], ...]] = {
    "Worker": (("worker/metrics.py", ""), (_LIMITER, "scaleops_worker")),
    "Database": (),
    "Gateway": (("gateway/web/metrics.py", ""), (_LIMITER, "scaleops_worker_gateway")),
}
"""Where the metrics of each section are defined, and the prefix where that is an argument. Those of the database are a table of their own."""
_KINDS = {"Counter": "counter", "counter": "counter", "Histogram": "histogram", "histogram": "histogram", "Gauge": "gauge"}


@dataclass(frozen=True, kw_only=True)
class MetricDefinition:
    """One metric as Prometheus names it."""

    name: str
    kind: str
    labels: tuple[str, ...]
    meaning: str


def metrics(section: str) -> Iterator[MetricDefinition]:
    """Yield the metrics of a section."""
    if section == "Database":
        for name, spec in DATABASE_METRICS.items():
            yield MetricDefinition(name=name, kind="gauge", labels=spec.labels, meaning=spec.help)
    for source, prefix in SOURCES[section]:
        yield from _metrics_in(ROOT / source, prefix)


def _metrics_in(file: Path, prefix: str) -> Iterator[MetricDefinition]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    names = {"prefix": prefix, "_PREFIX": prefix}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and _is_text(node.value):
            names[node.targets[0].id] = ast.literal_eval(node.value)
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and getattr(node.func, "id", "") in _KINDS]
    for call in sorted(calls, key=lambda one: one.lineno):
        texts = [text for one in call.args if (text := _text_of(one, names)) is not None]
        function = call.func.id if isinstance(call.func, ast.Name) else ""
        if len(texts) < len(("name", "help")):
            continue
        name = texts[0]
        labels = tuple(texts[2:]) or next((tuple(ast.literal_eval(one)) for one in call.args if isinstance(one, ast.List)), ())
        suffix = "_total" if _KINDS[function] == "counter" else ""
        yield MetricDefinition(name=name + suffix, kind=_KINDS[function], labels=labels, meaning=texts[1])


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _text_of(node: ast.expr, names: Mapping[str, str]) -> str | None:
    """Return the text of a literal, of a name of one, or of an f-string of both; None for anything else."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.Name(id=name):
            return names.get(name)
        case ast.FormattedValue(value=value):
            return _text_of(value, names)
        case ast.JoinedStr(values=values):
            return "".join(_text_of(one, names) or "" for one in values)
        case _:
            return None


def render_metrics() -> str:
    """Return the page."""
    sections = [f"## {title}\n\n{_ABOUT[title]}\n\n{_table_of(title)}" for title in SOURCES]
    return page("Metrics", _INTRODUCTION, *sections)


def _table_of(section: str) -> str:
    rows = [[code(one.name), one.kind, ", ".join(map(code, one.labels)), f"{one.meaning}."] for one in metrics(section)]
    return table(["metric", "type", "labels", "meaning"], rows)


_INTRODUCTION = "In the text format of Prometheus. No label names an entity, a workload or a caller."
_ABOUT: Mapping[str, str] = {
    "Worker": "Served at WORKER_METRICS_HOST:WORKER_METRICS_PORT by each worker, to be summed over workers.",
    "Database": "Read from the database when a worker is scraped, at most 15 s old, and identical at every worker: take the maximum, not the sum.",
    "Gateway": "Served at `/metrics` of the gateway, to callers on its own host and to holders of a token of GATEWAY_TOKENS.",
}
