"""Turns an error of a command into an exit status and one sentence."""

from __future__ import annotations

from actions.errors import ActionError, InputError
from alerts.observations import InvalidAlertId
from cli.demo_folder import NotOurFolder
from cli.simulate import SimulatorFailed
from clients.http.errors import ServiceError
from domain.months import InvalidMonth
from domain.refs import InvalidReference
from domain.weeks import InvalidSchedule, InvalidWeek
from store import SchemaMismatch, StoreUnavailable
from tasks.collect.stage import CollectFailed
from tasks.entity_lookup import UnknownEntity
from tasks.evaluate.manual import AlertNotOpen, InvalidSnooze, MissingReason
from tasks.report.stage import ReportRejected
from wiring.settings import SettingsError

EXIT_FAILURE = 1
EXIT_USAGE = 2


def sentence_for(error: Exception) -> tuple[int, str]:
    """Return the exit status and the sentence. Of an unexpected error only the type: its text may contain a secret."""
    match error:
        case (
            SettingsError()
            | InvalidReference()
            | InvalidMonth()
            | InvalidWeek()
            | InvalidSchedule()
            | InvalidAlertId()
            | InvalidSnooze()
            | MissingReason()
            | NotOurFolder()
            | InputError()
        ):
            return EXIT_USAGE, str(error)
        case ServiceError() | StoreUnavailable() | SchemaMismatch() | ActionError() | SimulatorFailed():
            return EXIT_FAILURE, str(error)
        case CollectFailed() | ReportRejected() | AlertNotOpen() | UnknownEntity():
            return EXIT_FAILURE, str(error)
        case OSError():
            place = f"{error.filename}: " if error.filename else ""
            return EXIT_FAILURE, f"{place}{error.strerror or error}"
        case _:
            return EXIT_FAILURE, f"unexpected {type(error).__name__}; this is a defect, LOG_LEVEL=debug shows where"
