"""The trend chart as inline SVG, drawn by pygal and coloured by the page's style sheet."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final
from xml.etree.ElementTree import Element, SubElement, tostring

import pygal
from markupsafe import Markup

from domain.money import format_money
from domain.weeks import IsoWeek
from reports import content
from reports.formatting import format_amount, format_coverage, format_events, format_trend, trend_scale
from reports.trend_scale import TrendScale

WIDTH: Final = 640
HEIGHT: Final = 190
BUDGET: Final = "budget"
EVENT: Final = " \N{BLACK UP-POINTING TRIANGLE}"
_TOO_CLOSE: Final = Decimal("0.08")
"""Labels nearer than this share of the axis would overlap."""
_REMOVED: Final = frozenset({"", "defs", "desc", "script", "style", "title"})
"""Element names; the empty one is a comment."""
_OVERLAYS: Final = frozenset({"titles", "plot overlay", "plot text-overlay", "plot tooltip-overlay"})


def draw_trend(trend: content.Trend, *, currency: str, ident: str) -> Markup:
    """Draw one bar per week. `ident` is the prefix of the element ids and must be unique on the page.

    An unmeasured week is a gap, a partly measured one is drawn hollow, a triangle marks a week with events, and a dashed line is the
    budget. Each bar has a title with its figures, the chart a title and a description. Contains no script, style sheet or date.
    """
    scale = trend_scale(trend)
    amounts = [None if one.cost.amount is None else float(one.cost.amount) for one in trend.weeks]
    chart = pygal.Bar(
        js=[],
        width=WIDTH,
        height=HEIGHT,
        explicit_size=False,
        show_legend=False,
        margin=8,
        spacing=6,
        rounded_bars=2,
        disable_xml_declaration=True,
        range=(float(scale.floor), float(scale.ceiling)),
        zero=float(scale.floor),
        y_labels=_y_labels(scale, trend.budget_7d, currency),
        value_formatter=lambda amount: _axis_label(amount, currency),
    )
    chart.uuid = ident
    chart.x_labels = [f"{str(IsoWeek.parse(one.week))[5:]}{EVENT if one.events else ''}" for one in trend.weeks]
    chart.add("cost", amounts)
    tree = chart.render_tree()
    _strip(tree)
    _describe(tree, trend, ident)
    _name_bars(tree, trend)
    _mark_budget(tree)
    return Markup(tostring(tree, encoding="unicode"))  # noqa: S704 - ElementTree has escaped every text in it


def _y_labels(scale: TrendScale, budget: Decimal | None, currency: str) -> list[dict[str, Any]]:
    ticks, shown = list(scale.ticks), []
    if budget is not None and scale.shows(budget):
        ticks = [tick for tick in ticks if abs(scale.level(tick) - scale.level(budget)) > _TOO_CLOSE]
        shown = [{"value": float(budget), "label": BUDGET}]
    return [*({"value": float(tick), "label": _axis_label(float(tick), currency)} for tick in ticks), *shown]


def _mark_budget(tree: Element) -> None:
    """Draw the budget over the bars: what comes later in an SVG is on top."""
    for plot in [one for one in tree.iter() if one.get("class") == "plot"]:
        for axis in [one for one in plot if str(one.get("class")).startswith("axis y")]:
            for guide in [one for one in axis if any(child.text == BUDGET for child in one)]:
                axis.remove(guide)
                guide.set("class", "guides budget")
                SubElement(plot, guide.tag, {"class": "axis y"}).append(guide)


def _axis_label(amount: float, currency: str) -> str:
    return format_money(Decimal(str(round(amount, 2))), currency).removesuffix(".00")


def _strip(element: Element) -> None:
    """Remove scripts, pygal's style sheet, tooltips, and comments, which contain the date."""
    for child in list(element):
        if _local(child) in _REMOVED or child.get("class") in _OVERLAYS:
            element.remove(child)
        else:
            _strip(child)


def _local(element: Element) -> str:
    tag: Any = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def _describe(tree: Element, trend: content.Trend, ident: str) -> None:
    namespace = tree.tag.rpartition("}")[0].lstrip("{") if "}" in tree.tag else ""
    prefix = f"{{{namespace}}}" if namespace else ""
    tree.set("role", "img")
    tree.set("aria-labelledby", f"{ident}-title {ident}-desc")
    tree.set("class", "trend-chart")
    title, description = Element(f"{prefix}title"), Element(f"{prefix}desc")
    title.set("id", f"{ident}-title")
    title.text = f"Cost for 7 days, {format_trend(trend)}"
    description.set("id", f"{ident}-desc")
    description.text = "; ".join(f"{one.week}: {_format_bar(one)}" for one in trend.weeks)
    tree.insert(0, title)
    tree.insert(1, description)


def _format_bar(one: content.TrendWeek) -> str:
    coverage = format_coverage(one.cost)
    if one.cost.amount is None:
        return "not measured"
    events = f"; {format_events(one)}" if one.events else ""
    return f"{format_amount(one.cost)}{', ' + coverage if coverage else ''}{events}"


def _name_bars(tree: Element, trend: content.Trend) -> None:
    measured = [(number, one) for number, one in enumerate(trend.weeks) if one.cost.amount is not None]
    bars = [element for element in tree.iter() if element.get("class") == "bar"]
    for bar, (number, one) in zip(bars, measured, strict=True):
        classes = ["bar"]
        if number == len(trend.weeks) - 1:
            classes.append("this-week")
        if one.cost.known != one.cost.parts:
            classes.append("in-part")
        bar.set("class", " ".join(classes))
        title = SubElement(bar, "title")
        title.text = f"{one.week}: {_format_bar(one)}"
