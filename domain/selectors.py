"""Label selectors of Kubernetes, and their translation to ScaleOps queries.

Grammar: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors, as the parser of
apimachinery reads it: requirements separated by commas outside parentheses, blanks anywhere between tokens.

    k=v   k==v   k!=v   k in (a,b)   k notin (a,b)   k   !k   k>1   k<1

ScaleOps takes `key=value` items only. Equality is sent as it is, `in` becomes one query per value, whose results are
united; other operators cannot be sent and are named in a warning.
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

MAX_QUERIES: Final = 50
"""Maximum number of upstream queries of one selector."""

KUBERNETES_ID: Final = "backstage.io/kubernetes-id"
LABEL_SELECTOR: Final = "backstage.io/kubernetes-label-selector"

_TOKEN: Final = re.compile(r"\s*(==|!=|[=!(),<>]|[^\s=!(),<>]+)")
_SYMBOLS: Final = frozenset({"=", "==", "!=", "!", "(", ")", ",", "<", ">"})


class InvalidSelector(ValueError):
    """The selector cannot be parsed, or nothing of it can be sent; the message says what to do."""


class Operator(StrEnum):
    """The operator of a requirement."""

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
    """Queries to ScaleOps. A query is a set of labels that a workload must all have; the results are united."""

    queries: tuple[tuple[str, ...], ...]
    warnings: tuple[str, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """All labels of all queries, each once, for an endpoint that combines them with OR."""
        return tuple(dict.fromkeys(label for query in self.queries for label in query))


def plan_for(component: Component) -> SelectorPlan:
    """Plan the queries of a component from its label selector, else from its Kubernetes id.

    Raises:
        InvalidSelector: it has neither, or nothing of the selector can be sent.
    """
    if component.label_selector is not None and component.label_selector.strip():
        return plan_of(parse_selector(component.label_selector), text=component.label_selector)
    if component.kubernetes_id is not None and component.kubernetes_id.strip():
        return SelectorPlan(queries=((f"{KUBERNETES_ID}={component.kubernetes_id.strip()}",),), warnings=())
    message = f"{component.ref} has no workload selector: annotate the entity with {LABEL_SELECTOR} or {KUBERNETES_ID}"
    raise InvalidSelector(message)


def plan_of(requirements: tuple[Requirement, ...], *, text: str) -> SelectorPlan:
    """Turn requirements into queries; `text` is the selector as written, for the messages.

    Raises:
        InvalidSelector: no requirement can be sent, or there would be more than MAX_QUERIES queries.
    """
    choices: list[list[str]] = []
    warnings: list[str] = []
    for requirement in dict.fromkeys(requirements):
        if requirement.operator in (Operator.EQUALS, Operator.IN):
            choices.append([f"{requirement.key}={value}" for value in dict.fromkeys(requirement.values)])
        else:
            warnings.append(
                f"ScaleOps does not support '{requirement}' of the selector; it was left out, so workloads may be listed that "
                "the selector excludes"
            )
    if not choices:
        message = f"nothing of the selector '{text}' can be sent to ScaleOps: it needs at least one key=value or key in (...)"
        raise InvalidSelector(message)
    if (count := math.prod(len(choice) for choice in choices)) > MAX_QUERIES:
        message = f"the selector '{text}' needs {count} queries and at most {MAX_QUERIES} are sent: shorten its lists"
        raise InvalidSelector(message)
    queries = dict.fromkeys(tuple(dict.fromkeys(labels)) for labels in itertools.product(*choices))
    return SelectorPlan(queries=tuple(queries), warnings=tuple(warnings))


def parse_selector(text: str) -> tuple[Requirement, ...]:
    """Parse a selector into its requirements, in order.

    Raises:
        InvalidSelector: it is empty, or not a selector by the grammar of Kubernetes.
    """
    tokens = _Tokens(text)
    requirements: list[Requirement] = []
    while tokens.peek() is not None:
        requirements.append(_parse_requirement(tokens))
        if tokens.peek() is None:
            break
        tokens.take(",")
        if tokens.peek() is None:
            tokens.fail("it ends with a comma")
    if not requirements:
        tokens.fail("it is empty")
    return tuple(requirements)


class _Tokens:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens: Iterator[str] = iter(_TOKEN.findall(text))
        self._next: str | None = next(self._tokens, None)

    def peek(self) -> str | None:
        return self._next

    def pop(self) -> str | None:
        token, self._next = self._next, next(self._tokens, None)
        return token

    def take(self, expected: str) -> None:
        if (token := self.pop()) != expected:
            self.fail(f"'{expected}' is missing before '{token}'" if token else f"'{expected}' is missing at its end")

    def name(self) -> str:
        token = self.pop()
        if token is None or token in _SYMBOLS:
            self.fail(f"a name is missing before '{token}'" if token else "a name is missing at its end")
        return token

    def fail(self, reason: str) -> NoReturn:
        message = f"the selector '{self._text}' cannot be parsed: {reason}"
        raise InvalidSelector(message)


def _parse_requirement(tokens: _Tokens) -> Requirement:
    if tokens.peek() == "!":
        tokens.pop()
        return Requirement(tokens.name(), Operator.NOT_EXISTS)
    key = tokens.name()
    match tokens.peek():
        case None | ",":
            return Requirement(key, Operator.EXISTS)
        case "=" | "==" | "!=" as sign:
            tokens.pop()
            return Requirement(key, Operator.NOT_EQUALS if sign == "!=" else Operator.EQUALS, (_parse_value(tokens),))
        case "in" | "notin" as token:
            tokens.pop()
            return Requirement(key, Operator(token), _parse_values(tokens))
        case ">" | "<" as sign:
            tokens.pop()
            return Requirement(key, Operator(sign), (tokens.name(),))
        case other:
            return tokens.fail(f"'{other}' cannot follow '{key}'")


def _parse_value(tokens: _Tokens) -> str:
    """Parse one value; before a comma or the end it is empty, as in `key=`."""
    return "" if tokens.peek() in (None, ",") else tokens.name()


def _parse_values(tokens: _Tokens) -> tuple[str, ...]:
    """Parse `(a,b)`; a value may be empty, the list may not."""
    tokens.take("(")
    if tokens.peek() == ")":
        tokens.fail("a list '()' is empty")
    values = [_parse_member(tokens)]
    while tokens.peek() == ",":
        tokens.pop()
        values.append(_parse_member(tokens))
    tokens.take(")")
    return tuple(values)


def _parse_member(tokens: _Tokens) -> str:
    return "" if tokens.peek() in (",", ")") else tokens.name()
