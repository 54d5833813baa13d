"""The form with which people answer an alert on the page of its component, its team or the installation: acknowledge, snooze or dismiss it.

Only a POST changes anything: a GET may be the preview of a link. The form's token binds it to one alert and one caller for an hour,
so that no other site can have a browser send it. Without WORKER_SECRET_KEY there is no form.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qsl

import structlog

from actions.context import HistoryContext
from alerts.observations import AlertId, InvalidAlertId
from domain.refs import EntityRef
from gateway.auth.callers import Caller
from gateway.request import GatewayRequest
from gateway.responses import bad_request, forbidden
from reports.formatting import clip, printable
from reports.signed_links import LinkStatus, PageLinks
from tasks.evaluate.manual import AlertNotOpen, MissingReason, acknowledge_alert, dismiss_alert, snooze_alert

log = structlog.get_logger("gateway.audit")

FORM_TTL: Final = timedelta(hours=1)
SNOOZES: Final[Mapping[str, timedelta]] = {
    "4 hours": timedelta(hours=4),
    "1 day": timedelta(days=1),
    "3 days": timedelta(days=3),
    "1 week": timedelta(weeks=1),
    "2 weeks": timedelta(weeks=2),
    "4 weeks": timedelta(weeks=4),
}
_FORM_TYPE: Final = "application/x-www-form-urlencoded"
_MAX_FIELDS: Final = 10
_MAX_FORM_BYTES: Final = 16 * 1024
_MAX_NAME: Final = 60
_MAX_REASON: Final = 500


class AnswerRejected(Exception):
    """The form was not carried out, and nothing was changed; the message is for the page, `status` for the response."""

    def __init__(self, message: str, *, status: HTTPStatus) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertForm:
    """What one alert's form consists of."""

    alert: str
    token: str
    asks_name: bool
    """True if the caller is not a person that is known."""


class AlertForms:
    """Issues the forms of a caller's page and carries out what is submitted."""

    def __init__(self, links: PageLinks | None) -> None:
        self._links = links

    def form_for(self, alert: str, caller: Caller, *, now: datetime) -> AlertForm | None:
        """Return the form of an alert; None without a key to sign it."""
        if self._links is None:
            return None
        token = self._links.sign_form(alert, caller.name, until=now + FORM_TTL)
        return AlertForm(alert=alert, token=token, asks_name=caller.kind != "user")

    def submit(self, context: HistoryContext, about: EntityRef, fields: Mapping[str, str], caller: Caller) -> None:
        """Carry out one answer to an alert about an entity.

        Raises:
            AnswerRejected: nothing was changed, with the reason.
        """
        alert = self._alert_of(fields, about, caller, now=context.clock())
        answer, by = fields.get("answer", ""), _person(fields, caller)
        reason = clip(printable(fields.get("reason", "")).strip(), _MAX_REASON)
        try:
            match answer:
                case "acknowledge":
                    acknowledge_alert(context, alert, by=by, note=reason)
                case "snooze":
                    until = context.clock() + _snooze_of(fields)
                    snooze_alert(context, alert, by=by, until=until, note=reason)
                case "dismiss":
                    dismiss_alert(context, alert, by=by, reason=reason)
                case _:
                    message = "choose to acknowledge, snooze or dismiss the alert"
                    raise AnswerRejected(message, status=HTTPStatus.BAD_REQUEST)
        except MissingReason as error:
            raise AnswerRejected(str(error), status=HTTPStatus.BAD_REQUEST) from None
        except AlertNotOpen:
            message = "the alert is not open any more"
            raise AnswerRejected(message, status=HTTPStatus.CONFLICT) from None
        log.info("alert answered", alert=alert, answer=answer, by=by, caller=caller.name)

    def _alert_of(self, fields: Mapping[str, str], about: EntityRef, caller: Caller, *, now: datetime) -> str:
        alert = fields.get("alert", "")
        status = LinkStatus.FORGED
        if self._links is not None and _is_about(alert, about):
            status = self._links.check_form(alert, caller.name, fields.get("token", ""), now=now)
        if status is LinkStatus.VALID:
            return alert
        message = "the form has expired" if status is LinkStatus.EXPIRED else "the form is not one of this page"
        message += "; open the page again and repeat it"
        raise AnswerRejected(message, status=HTTPStatus.FORBIDDEN)


async def read_form(request: GatewayRequest) -> Mapping[str, str]:
    """Return the fields of a submitted form.

    Raises:
        HttpError: 403 from a browser without its Origin, 400 or 415 for a body that is not one form with each field once.
    """
    if b"origin" not in request.headers and b"authorization" not in request.headers:
        message = "a form must be sent by a browser with its Origin, or with a token"
        raise forbidden(message)
    if (request.header(b"content-type") or "").partition(";")[0].strip().lower() != _FORM_TYPE:
        message = f"a form is sent as {_FORM_TYPE}"
        raise bad_request(message, status=HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
    body = await request.read_body(limit=_MAX_FORM_BYTES)
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_MAX_FIELDS, errors="strict")
    except ValueError:
        message = "the form cannot be read"
        raise bad_request(message) from None
    fields = dict(pairs)
    if len(fields) != len(pairs):
        message = "a field of the form was sent twice"
        raise bad_request(message)
    return fields


def _is_about(alert: str, about: EntityRef) -> bool:
    try:
        return AlertId.parse(alert).about == about
    except InvalidAlertId:
        return False


def _person(fields: Mapping[str, str], caller: Caller) -> str:
    """Return who answers, as far as it is known: a user of Backstage, or a name and the link that was used."""
    if caller.kind == "user":
        return caller.name
    source = f"link in {caller.origin}" if caller.kind == "link" else caller.name
    name = clip(printable(fields.get("name", "")).strip(), _MAX_NAME)
    return f"{name} ({source})" if name else source


def _snooze_of(fields: Mapping[str, str]) -> timedelta:
    try:
        return SNOOZES[fields.get("snooze", "")]
    except KeyError:
        message = f"choose how long to snooze: {', '.join(SNOOZES)}"
        raise AnswerRejected(message, status=HTTPStatus.BAD_REQUEST) from None
