"""What a failure means to the person who typed the command: one sentence, and an exit status."""

from __future__ import annotations

from actions.errors import QuestionFailed
from alerts.observations import BadAlertId
from cli.children import SimulatorFailed
from cli.demo_folder import NotOurFolder
from clients.calls import CallFailed
from clients.carriers import InsecureAddress
from domain.refs import BadReference
from domain.weeks import BadSchedule, BadWeek
from store import SchemaMismatch, StoreUnavailable
from tasks.alerts import AlertNotOpen, BadSnooze
from tasks.collect import CollectFailed
from tasks.report import ReportRefused
from tasks.trend import NoHistory
from wiring.settings import SettingsError

COULD_NOT = 1
BAD_USAGE = 2


def sentence_for(error: Exception) -> tuple[int, str]:
    """Answer the exit status and the sentence. A failure nobody foresaw is named by its kind only: its text may hold anything."""
    match error:
        case (
            SettingsError()
            | BadReference()
            | BadWeek()
            | BadSchedule()
            | BadAlertId()
            | BadSnooze()
            | InsecureAddress()
            | NotOurFolder()
        ):
            return BAD_USAGE, str(error)
        case CallFailed() | StoreUnavailable() | SchemaMismatch() | QuestionFailed() | SimulatorFailed():
            return COULD_NOT, str(error)
        case CollectFailed() | ReportRefused() | NoHistory() | AlertNotOpen():
            return COULD_NOT, str(error)
        case OSError():
            place = f"{error.filename}: " if error.filename else ""
            return COULD_NOT, f"{place}{error.strerror or error}"
        case _:
            return COULD_NOT, f"unexpected {type(error).__name__}; this is a defect, LOG_LEVEL=debug shows where"
