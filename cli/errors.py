"""What a failure means to the person who typed the command: one sentence, and an exit status."""

from __future__ import annotations

from actions.errors import ActionError
from alerts.observations import InvalidAlertId
from cli.demo_folder import NotOurFolder
from cli.simulator_process import SimulatorFailed
from clients.delivery_errors import InsecureUrl
from clients.http.errors import ServiceError
from domain.refs import InvalidReference
from domain.weeks import InvalidSchedule, InvalidWeek
from store import SchemaMismatch, StoreUnavailable
from tasks.collect.stage import CollectFailed
from tasks.evaluate.manual import AlertNotOpen, InvalidSnooze
from tasks.report.stage import ReportRejected
from tasks.report.trend import NoHistory
from wiring.settings import SettingsError

COULD_NOT = 1
BAD_USAGE = 2


def sentence_for(error: Exception) -> tuple[int, str]:
    """Answer the exit status and the sentence. A failure nobody foresaw is named by its kind only: its text may hold anything."""
    match error:
        case (
            SettingsError()
            | InvalidReference()
            | InvalidWeek()
            | InvalidSchedule()
            | InvalidAlertId()
            | InvalidSnooze()
            | InsecureUrl()
            | NotOurFolder()
        ):
            return BAD_USAGE, str(error)
        case ServiceError() | StoreUnavailable() | SchemaMismatch() | ActionError() | SimulatorFailed():
            return COULD_NOT, str(error)
        case CollectFailed() | ReportRejected() | NoHistory() | AlertNotOpen():
            return COULD_NOT, str(error)
        case OSError():
            place = f"{error.filename}: " if error.filename else ""
            return COULD_NOT, f"{place}{error.strerror or error}"
        case _:
            return COULD_NOT, f"unexpected {type(error).__name__}; this is a defect, LOG_LEVEL=debug shows where"
