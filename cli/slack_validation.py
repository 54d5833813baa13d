"""Has Slack validate the messages of a report, in the form in which each would be sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from clients.slack.client import SlackClient
from domain.block_refusals import refused_kinds
from domain.messages import Rendering


@dataclass(frozen=True, kw_only=True)
class ValidatedMessages:
    """What Slack said."""

    refused: tuple[str, ...]
    """What is invalid, one line each."""
    simpler: tuple[str, ...]
    """The kinds of blocks that the workspace does not know: such a message is sent in its next form."""


def validate_messages(slack: SlackClient, messages: Sequence[Sequence[Rendering]]) -> ValidatedMessages:
    """Validate each message, its renderings in order until the workspace knows every kind of block. Raises ServiceError."""
    refused: list[str] = []
    simpler: list[str] = []
    for number, renderings in enumerate(messages, start=1):
        for rendering in renderings:
            problems = slack.validate(rendering.payload)
            lines = [f"message {number}, {problem}" for problem in problems]
            unknown = refused_kinds(rendering.payload, [problem.pointer for problem in problems])
            if not unknown:
                refused += lines
                break
            simpler += lines
    return ValidatedMessages(refused=tuple(refused), simpler=tuple(simpler))
