"""The questions: the five live ones, typed in and out. Every door shares them."""

from actions.desk import Desk, Viewer, sees_everything
from actions.errors import (
    AuthenticationError,
    InputError,
    NotAllowedError,
    NotFoundError,
    QuestionFailed,
    ServiceUnavailableError,
)
from actions.questions import QUESTIONS, Question

__all__ = [
    "QUESTIONS",
    "AuthenticationError",
    "Desk",
    "InputError",
    "NotAllowedError",
    "NotFoundError",
    "Question",
    "QuestionFailed",
    "ServiceUnavailableError",
    "Viewer",
    "sees_everything",
]
