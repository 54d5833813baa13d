"""Maps Slack's error codes to errors. Source: https://docs.slack.dev/reference/methods/chat.postMessage."""

from __future__ import annotations

from typing import Final

from clients.http.errors import ErrorKind, PayloadRejected, RecipientRejected, ServiceError
from clients.slack.transport import DEFAULT_RETRY_AFTER_S

_BAD_PAYLOAD: Final = frozenset(
    {
        "attachment_payload_limit_exceeded",
        "block_mismatch",
        "invalid_arguments",
        "invalid_attachments",
        "invalid_blocks",
        "invalid_blocks_format",
        "invalid_metadata_format",
        "invalid_metadata_schema",
        "markdown_text_conflict",
        "messages_contain_duplicate_blocks",
        "metadata_too_large",
        "msg_blocks_too_long",
        "msg_too_long",
        "no_text",
        "only_one_table_allowed",
        "too_many_attachments",
        "too_many_contact_cards",
    }
)
_BAD_RECIPIENT: Final = frozenset(
    {
        "as_user_not_supported",
        "cannot_reply_to_message",
        "channel_not_found",
        "channel_type_not_supported",
        "is_archived",
        "is_inactive",
        "messages_tab_disabled",
        "not_in_channel",
        "restricted_action",
        "restricted_action_non_threadable_channel",
        "restricted_action_read_only_channel",
        "restricted_action_thread_locked",
        "restricted_action_thread_only_channel",
        "slack_connect_canvas_sharing_blocked",
        "thread_not_found",
        "user_not_found",
    }
)
_BAD_CREDENTIALS: Final = frozenset(
    {
        "access_denied",
        "account_inactive",
        "ekm_access_denied",
        "enterprise_is_restricted",
        "invalid_auth",
        "missing_scope",
        "no_permission",
        "not_allowed_token_type",
        "not_authed",
        "org_login_required",
        "team_access_not_granted",
        "token_expired",
        "token_revoked",
    }
)
_RATE_LIMITED: Final = frozenset(
    {"message_limit_exceeded", "rate_limited", "ratelimited", "service_unavailable", "team_added_to_org"}
)
_AMBIGUOUS: Final = frozenset(
    {"duplicate_channel_not_found", "duplicate_message_not_found", "fatal_error", "internal_error", "request_timeout"}
)
"""Slack: "some aspect of the operation may have succeeded". The duplicates are responses to a client_msg_id seen before."""


def error_from_code(method: str, code: str, *, where: str) -> ServiceError:
    """Return the error for a Slack error code; `where` is a phrase like `in channel C0123`.

    An unknown code is temporary: Slack adds codes, and a message is retried until it expires.
    """
    message = f"Slack rejected {method} {where}: {code}" if where else f"Slack rejected {method}: {code}"
    if code in _BAD_PAYLOAD:
        return PayloadRejected(message)
    if code in _BAD_RECIPIENT:
        return RecipientRejected(message, kind=ErrorKind.NOT_FOUND if code.endswith("not_found") else ErrorKind.REJECTED)
    if code in _BAD_CREDENTIALS:
        return ServiceError(f"{message} (see SLACK_BOT_TOKEN and its scopes)", kind=ErrorKind.AUTH, permanent=True)
    if code in _RATE_LIMITED:
        return ServiceError(message, kind=ErrorKind.THROTTLED, permanent=False, retry_after_s=DEFAULT_RETRY_AFTER_S)
    if code in _AMBIGUOUS:
        return ServiceError(message, kind=ErrorKind.SERVER_ERROR, permanent=False, outcome_unknown=True)
    return ServiceError(message, kind=ErrorKind.REJECTED, permanent=False)
