"""Label selectors as Kubernetes writes them, and what of them ScaleOps can be asked.

Grammar: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors, as the parser of
apimachinery reads it: requirements separated by commas outside parentheses, blanks anywhere between the words.

    k=v   k==v   k!=v   k in (a,b)   k notin (a,b)   k   !k   k>1   k<1

ScaleOps takes `key=value` items only. Equality is sent as it is and `in` becomes one query per value, whose answers are
united; the rest cannot be asked and is told in a warning.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NoReturn

from domain.component import Component

MOST_QUERIES: Final = 50
"""One selector may become this many upstream queries; more would be a load, not a question."""

KUBERNETES_ID: Final = "backstage.io/kubernetes-id"
LABEL_SELECTOR: Final = "backstage.io/kubernetes-label-selector"

_TOKEN: Final = re.compile(r"\s*(==|!=|[=!(),<>]|[^\s=!(),<>]+)")
_SYMBOLS: Final = frozenset({"=", "==", "!=", "!", "(", ")", ",", "<", ">"})


class InvalidSelector(ValueError):
    """The selector cannot be read, or nothing of it can be asked; the message says what and what to do."""


class Operator(StrEnum):
    """How a requirement judges a label."""

    EQUALS = "="
    NOT_EQUALS = "!="
    IN = "in"
    NOT_IN = "notin"
    EXISTS = "exists"
    NOT_EXISTS = "!"
    GREATER = ">"
    LESS = "<"


@dataclass(frozen=True, slots=True)
class Requirement:
    """One condition of a selector. `values` is empty for exists and not-exists, and has one value but for in and notin."""

    key: str
    operator: Operator
    values: tuple[str, ...] = ()

    def __str__(self) -> str:
        match self.operator:
            case Operator.EXISTS:
                return self.key
            case Operator.NOT_EXISTS:
                return f"!{self.key}"
            case Operator.IN | Operator.NOT_IN:
                return f"{self.key} {self.operator} ({','.join(self.values)})"
            case _:
                return f"{self.key}{self.operator}{self.values[0]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectorPlan:
    """What to ask ScaleOps: each query is a set of labels that a workload must carry all of; the answers are united."""

    queries: tuple[tuple[str, ...], ...]
    warnings: tuple[str, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """All labels of all queries, each once: for an endpoint that ORs them."""
        return tuple(dict.fromkeys(label for query in self.queries for label in query))


def plan_for(component: Component) -> SelectorPlan:
    """Plan the queries of a component: its label selector, else its Kubernetes id.

    Raises:
        InvalidSelector: it has neither, or a selector of which nothing can be asked.
    """
    if component.label_selector is not None and component.label_selector.strip():
        return plan_of(parse_selector(component.label_selector), text=component.label_selector)
    if component.kubernetes_id is not None and component.kubernetes_id.strip():
        return SelectorPlan(queries=((f"{KUBERNETES_ID}={component.kubernetes_id.strip()}",),), warnings=())
    message = f"{component.ref} has no workloads to look for: annotate the entity with {LABEL_SELECTOR} or {KUBERNETES_ID}"
    raise InvalidSelector(message)


def plan_of(requirements: tuple[Requirement, ...], *, text: str) -> SelectorPlan:
    """Turn requirements into queries; `text` is the selector as written, for the messages.

    Raises:
        InvalidSelector: no requirement can be asked, or there would be more than MOST_QUERIES queries.
    """
    choices: list[list[str]] = []
    warnings: list[str] = []
    for requirement in dict.fromkeys(requirements):
        if requirement.operator in (Operator.EQUALS, Operator.IN):
            choices.append([f"{requirement.key}={value}" for value in dict.fromkeys(requirement.values)])
        else:
            warnings.append(
                f"ScaleOps cannot be asked for '{requirement}' of the selector; it was left out, so workloads may be listed that "
                "the selector excludes"
            )
    if not choices:
        message = f"nothing of the selector '{text}' can be asked of ScaleOps: it needs at least one key=value or key in (...)"
        raise InvalidSelector(message)
    if (count := math.prod(len(choice) for choice in choices)) > MOST_QUERIES:
        message = f"the selector '{text}' stands for {count} queries and at most {MOST_QUERIES} are sent: shorten its lists"
        raise InvalidSelector(message)
    queries = dict.fromkeys(tuple(dict.fromkeys(labels)) for labels in itertools.product(*choices))
    return SelectorPlan(queries=tuple(queries), warnings=tuple(warnings))


def parse_selector(text: str) -> tuple[Requirement, ...]:
    """Read a selector into its requirements, in their order.

    Raises:
        InvalidSelector: it is empty, or no selector by the grammar of Kubernetes.
    """
    words = _Tokens(text)
    requirements: list[Requirement] = []
    while words.peek() is not None:
        requirements.append(_parse_requirement(words))
        if words.peek() is None:
            break
        words.take(",")
        if words.peek() is None:
            words.refuse("it ends with a comma")
    if not requirements:
        words.refuse("it is empty")
    return tuple(requirements)


class _Tokens:
    """The words of a selector, one at a time."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._words: Iterator[str] = iter(_TOKEN.findall(text))
        self._next: str | None = next(self._words, None)

    def peek(self) -> str | None:
        return self._next

    def pop(self) -> str | None:
        word, self._next = self._next, next(self._words, None)
        return word

    def take(self, expected: str) -> None:
        if (word := self.pop()) != expected:
            self.refuse(f"'{expected}' is missing before '{word}'" if word else f"'{expected}' is missing at its end")

    def name(self) -> str:
        word = self.pop()
        if word is None or word in _SYMBOLS:
            self.refuse(f"a name is missing before '{word}'" if word else "a name is missing at its end")
        return word

    def refuse(self, why: str) -> NoReturn:
        message = f"the selector '{self._text}' cannot be read: {why}"
        raise InvalidSelector(message)


def _parse_requirement(words: _Tokens) -> Requirement:
    if words.peek() == "!":
        words.pop()
        return Requirement(words.name(), Operator.NOT_EXISTS)
    key = words.name()
    match words.peek():
        case None | ",":
            return Requirement(key, Operator.EXISTS)
        case "=" | "==" | "!=" as sign:
            words.pop()
            return Requirement(key, Operator.NOT_EQUALS if sign == "!=" else Operator.EQUALS, (_parse_value(words),))
        case "in" | "notin" as word:
            words.pop()
            return Requirement(key, Operator(word), _parse_values(words))
        case ">" | "<" as sign:
            words.pop()
            return Requirement(key, Operator(sign), (words.name(),))
        case other:
            return words.refuse(f"'{other}' cannot follow '{key}'")


def _parse_value(words: _Tokens) -> str:
    """Read one value; none before a comma or the end is the empty value, as in `key=`."""
    return "" if words.peek() in (None, ",") else words.name()


def _parse_values(words: _Tokens) -> tuple[str, ...]:
    """Read `(a,b)`; a value may be empty, the whole list may not."""
    words.take("(")
    if words.peek() == ")":
        words.refuse("a list '()' is empty")
    values = [_parse_member(words)]
    while words.peek() == ",":
        words.pop()
        values.append(_parse_member(words))
    words.take(")")
    return tuple(values)


def _parse_member(words: _Tokens) -> str:
    return "" if words.peek() in (",", ")") else words.name()
