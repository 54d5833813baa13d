"""Label selectors of Kubernetes, and their translation to ScaleOps queries.

Grammar: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors, as the parser of
apimachinery reads it: requirements separated by commas outside parentheses, blanks anywhere between tokens.

    k=v   k==v   k!=v   k in (a,b)   k notin (a,b)   k   !k   k>1   k<1

Keys and values follow the syntax of labels: one that can match nothing is refused with a sentence, because ScaleOps would answer it with
an empty list, which reads like a measurement.

ScaleOps takes `key=value` items only. Equality is sent as it is, `in` becomes one query per value, whose results are
united; other operators cannot be sent and are named in a warning.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NoReturn

from domain.component import Component
from domain.placeholders import is_placeholder

MAX_QUERIES: Final = 50
"""Maximum number of upstream queries of one selector."""

KUBERNETES_NAMESPACE: Final = "backstage.io/kubernetes-namespace"
KUBERNETES_CLUSTER: Final = "backstage.io/kubernetes-cluster"
KUBERNETES_ID: Final = "backstage.io/kubernetes-id"
LABEL_SELECTOR: Final = "backstage.io/kubernetes-label-selector"

_TOKEN: Final = re.compile(r"\s*(==|!=|[=!(),<>]|[^\s=!(),<>]+)")
_LABEL: Final = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
"""The name of a key, and a value that is not empty."""
_PREFIX: Final = re.compile(r"(?=.{1,253}/)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/")
_NAMESPACE: Final = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,19}")
_MAX_LABEL_LENGTH: Final = 63
_MAX_QUOTED: Final = 100
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
        InvalidSelector: it has neither, one of its annotations can match nothing, or nothing of the selector can be sent.
    """
    if component.unusable:
        raise InvalidSelector(component.unusable)
    _check_limits(component)
    annotation, text = selector_source(component)
    if annotation == LABEL_SELECTOR:
        return plan_of(parse_selector(text), text=text)
    if annotation == KUBERNETES_ID:
        value = text.strip()
        if problem := _problem_of_value(value):
            message = f"the annotation {KUBERNETES_ID} can match nothing: {problem}"
            raise InvalidSelector(message)
        return SelectorPlan(queries=((f"{KUBERNETES_ID}={value}",),), warnings=())
    message = f"{component.ref} has no workload selector: annotate the entity with {LABEL_SELECTOR} or {KUBERNETES_ID}"
    raise InvalidSelector(message)


def selector_source(component: Component) -> tuple[str, str]:
    """Return the annotation that selects the workloads of a component, and its text; two empty texts if it has none."""
    named = ((LABEL_SELECTOR, component.label_selector), (KUBERNETES_ID, component.kubernetes_id))
    return next(((annotation, text) for annotation, text in named if text is not None and text.strip()), ("", ""))


def dashboard_labels(component: Component) -> tuple[str, ...]:
    """Return the labels that select a component in the dashboard; none if it takes several queries or its selector is invalid."""
    try:
        plan = plan_for(component)
    except InvalidSelector:
        return ()
    return plan.queries[0] if len(plan.queries) == 1 else ()


def _check_limits(component: Component) -> None:
    """Refuse annotations that no workload can be in: it would be measured as nothing."""
    namespace, cluster = component.namespace_limit, component.cluster_limit
    if namespace is not None and _NAMESPACE.fullmatch(namespace) is None:
        message = (
            f"the annotation {KUBERNETES_NAMESPACE} can match nothing: '{_quoted(namespace)}' is not the name of one namespace"
        )
        raise InvalidSelector(message)
    if cluster is not None and (is_placeholder(cluster) or not cluster.isprintable()):
        message = f"the annotation {KUBERNETES_CLUSTER} can match nothing: '{_quoted(cluster)}' is not the name of a cluster"
        raise InvalidSelector(message)


def _problem_of_key(key: str) -> str:
    """Return why no label has this key; empty if one may have it. It is an optional prefix, a DNS name, and a name."""
    name = key[found.end() :] if (found := _PREFIX.match(key)) else key
    if "/" in name:
        return f"the key '{_quoted(key)}' has a prefix that is not a DNS name, or more than one slash"
    return _problem_of_label(name, f"the key '{_quoted(key)}'")


def _problem_of_value(value: str) -> str:
    """Return why no label has this value; empty if one may have it."""
    return "" if not value else _problem_of_label(value, f"the value '{_quoted(value)}'")


def _problem_of_label(text: str, which: str) -> str:
    if _LABEL.fullmatch(text) is not None:
        return ""
    if is_placeholder(text):
        return f"{which} is a placeholder that was never filled in"
    if len(text) > _MAX_LABEL_LENGTH:
        return f"{which} has more than {_MAX_LABEL_LENGTH} characters"
    return f"{which} may have only letters, digits, '-', '_' and '.', and begins and ends with a letter or digit"


def _quoted(text: str) -> str:
    return text if len(text) <= _MAX_QUOTED else f"{text[:_MAX_QUOTED]}…"


def plan_of(requirements: tuple[Requirement, ...], *, text: str) -> SelectorPlan:
    """Turn requirements into queries; `text` is the selector as written, for the messages.

    A query that contradicts the selector, with two values of one key for example, can match nothing and is left out.

    Raises:
        InvalidSelector: no requirement can be sent, they contradict each other, or there would be more than MAX_QUERIES queries.
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
        message = (
            f"nothing of the selector '{_quoted(text)}' can be sent to ScaleOps: it needs at least one key=value or key in (...)"
        )
        raise InvalidSelector(message)
    if (count := math.prod(len(choice) for choice in choices)) > MAX_QUERIES:
        message = f"the selector '{_quoted(text)}' needs {count} queries and at most {MAX_QUERIES} are sent: shorten its lists"
        raise InvalidSelector(message)
    combined = dict.fromkeys(tuple(dict.fromkeys(labels)) for labels in itertools.product(*choices))
    queries = tuple(query for query in combined if all(_allows(requirement, query) for requirement in requirements))
    if not queries:
        message = f"the selector '{_quoted(text)}' can match nothing: its requirements contradict each other"
        raise InvalidSelector(message)
    return SelectorPlan(queries=queries, warnings=tuple(warnings))


def _allows(requirement: Requirement, labels: Iterable[str]) -> bool:
    """Return True if a workload with these labels may meet a requirement: the labels say nothing of the key, or what it demands."""
    found = {value for key, _, value in (label.partition("=") for label in labels) if key == requirement.key}
    match requirement.operator:
        case Operator.EQUALS | Operator.IN:
            return len(found) == 1 and found <= set(requirement.values)
        case Operator.NOT_EQUALS | Operator.NOT_IN:
            return found.isdisjoint(requirement.values)
        case Operator.NOT_EXISTS:
            return not found
        case _:
            return True


def parse_selector(text: str) -> tuple[Requirement, ...]:
    """Parse a selector into its requirements, in order.

    Raises:
        InvalidSelector: it is empty, not a selector by the grammar of Kubernetes, or has a key or value that no label has.
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
    for requirement in requirements:
        if problem := _problem_of(requirement):
            message = f"the selector '{_quoted(text)}' can match nothing: {problem}"
            raise InvalidSelector(message)
    return tuple(requirements)


def _problem_of(requirement: Requirement) -> str:
    if problem := _problem_of_key(requirement.key):
        return problem
    if requirement.operator in (Operator.GREATER, Operator.LESS):
        [bound] = requirement.values
        return "" if _INTEGER.fullmatch(bound) else f"'{_quoted(bound)}' is not a whole number"
    return next((problem for value in requirement.values if (problem := _problem_of_value(value))), "")


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
        hint = "a placeholder was never filled in" if is_placeholder(self._text) else reason
        message = f"the selector '{_quoted(self._text)}' cannot be parsed: {hint}"
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
