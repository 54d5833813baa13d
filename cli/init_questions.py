"""The questions of `init`: each about one setting, repeated until its answer is valid."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from wiring.first_run.values import has_setting, login_of, merge_settings, problem_of
from wiring.settings import SECRETS

_DEFAULT_LOGIN: Final = "internal"
_LOGINS: Final = (_DEFAULT_LOGIN, "ldap", "token", "azure", "none")


class Prompt(Protocol):
    """Asks a person for one line."""

    def __call__(self, text: str, *, default: str, is_secret: bool) -> str:
        """Return the line; `default` for an empty one. A secret is not echoed, nor is its default shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question about one setting."""

    name: str
    text: str
    default: str = ""
    without: str = ""
    """What an empty line means, where no value is set."""
    is_required: bool = False
    when: Callable[[Mapping[str, str]], bool] = lambda _: True


def _login(*kinds: str) -> Callable[[Mapping[str, str]], bool]:
    return lambda values: values.get("SCALEOPS_AUTH") in kinds


def _has(name: str) -> Callable[[Mapping[str, str]], bool]:
    return lambda values: has_setting(values, name)


QUESTIONS: Final = (
    Question(
        name="SCALEOPS_BASE_URL", text="URL of the ScaleOps dashboard (with several clusters the parent's)", is_required=True
    ),
    Question(
        name="SCALEOPS_AUTH", text=f"How to sign in to ScaleOps ({', '.join(_LOGINS)})", default=_DEFAULT_LOGIN, is_required=True
    ),
    Question(
        name="SCALEOPS_USER", text="ScaleOps user (the Viewer role is enough)", is_required=True, when=_login("internal", "ldap")
    ),
    Question(name="SCALEOPS_PASSWORD", text="Its password", is_required=True, when=_login("internal", "ldap")),
    Question(name="SCALEOPS_TOKEN", text="ScaleOps token", is_required=True, when=_login("token")),
    Question(name="SCALEOPS_AZURE_TENANT_ID", text="Azure AD tenant", is_required=True, when=_login("azure")),
    Question(name="SCALEOPS_AZURE_CLIENT_ID", text="Azure AD client", is_required=True, when=_login("azure")),
    Question(name="SCALEOPS_AZURE_CLIENT_SECRET", text="Its secret", is_required=True, when=_login("azure")),
    Question(name="BACKSTAGE_BASE_URL", text="URL of the Backstage backend", without="a catalog file instead"),
    Question(
        name="BACKSTAGE_CATALOG_FILE",
        text="Catalog file or folder",
        default="catalog-info.yaml",
        is_required=True,
        when=lambda values: "BACKSTAGE_BASE_URL" not in values,
    ),
    Question(
        name="BACKSTAGE_TOKEN", text="Backstage token that may read the catalog", without="none", when=_has("BACKSTAGE_BASE_URL")
    ),
    Question(name="SCALEOPS_CURRENCY", text="Currency of all amounts", default="USD", is_required=True),
    Question(name="WORKER_TIMEZONE", text="Time zone of the reports", default="UTC", is_required=True),
    Question(name="SLACK_BOT_TOKEN", text="Slack bot token", without="no Slack yet"),
    Question(
        name="SLACK_DEFAULT_CHANNEL",
        text="Id of the Slack channel for teams without one (C...)",
        without="none",
        when=_has("SLACK_BOT_TOKEN"),
    ),
    Question(name="PAGERDUTY_ROUTING_KEY", text="PagerDuty integration key, Events API v2", without="no pages yet"),
)


def ask_questions(
    present: Mapping[str, str], *, given: Collection[str], prompt: Prompt, report: Callable[[str], None]
) -> dict[str, str]:
    """Return the settings after all questions that apply. What is present is the default; what is `given` is not asked.

    `report` is called with why an answer is not valid.
    """
    values = dict(present)
    values.setdefault("SCALEOPS_AUTH", login_of(values) or _DEFAULT_LOGIN)
    for question in QUESTIONS:
        has_file = f"{question.name}_FILE" in values
        if question.name in given or has_file or not question.when(values):
            continue
        answer = _ask(question, values.get(question.name, question.default), prompt=prompt, report=report)
        values.pop(question.name, None)
        if answer:
            values = merge_settings([{question.name: answer}, values])
    return values


def _ask(question: Question, default: str, *, prompt: Prompt, report: Callable[[str], None]) -> str:
    is_secret = question.name.lower() in SECRETS
    while True:
        hint = question.without if not default else "as it is set now" if is_secret else ""
        text = f"{question.text} (Enter: {hint})" if hint else question.text
        answer = prompt(text, default=default, is_secret=is_secret).strip()
        problem = problem_of(question.name, answer) if answer else ""
        if not answer and question.is_required:
            problem = "an answer is needed; Ctrl-C stops, and nothing is written"
        if not problem:
            return answer
        report(f"{question.name}: {problem}")
