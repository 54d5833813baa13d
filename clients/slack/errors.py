"""What each error code of Slack means for the message, its channel, and all others.

Sources: the error lists of https://docs.slack.dev/reference/methods/chat.postMessage, chat.update, conversations.history and conversations.replies,
and older codes that libraries still list. `tests/unit/test_slack_errors.py` has the official list of chat.postMessage.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto
from typing import Final

from clients.http.errors import ErrorKind, PayloadRejected, RecipientRejected, ServiceError
from clients.slack.transport import DEFAULT_RETRY_AFTER_S


class SlackProblem(Enum):
    """What an error code is about."""

    MESSAGE = auto()
    """This form of the message is never accepted."""
    CHANNEL = auto()
    """Nothing is accepted for this channel or thread; other channels are not affected."""
    EDIT = auto()
    """The message cannot be edited (any more): it was deleted, is not the bot's, or the workspace limits edits."""
    CHANNEL_BUSY = auto()
    """Nothing is accepted for this channel at present."""
    CREDENTIALS = auto()
    """Every call of this bot fails until a person changes something: the token, its scopes, the network, the workspace's policy."""
    THROTTLED = auto()
    """Nothing is accepted at present."""
    UNCLEAR = auto()
    """Slack: "some aspect of the operation may have succeeded". The duplicates are responses to a client_msg_id seen before."""


_CODES: Final[Mapping[SlackProblem, str]] = {
    SlackProblem.MESSAGE: """
        agent_prompt_display_not_allowed attachment_payload_limit_exceeded block_mismatch draft_already_deleted draft_already_sent
        draft_has_conflict draft_not_found invalid_arg_name invalid_arguments invalid_array_arg invalid_attachments invalid_blocks
        invalid_blocks_format invalid_charset invalid_form_data invalid_json invalid_metadata_format invalid_metadata_schema
        invalid_post_type json_not_object markdown_text_conflict messages_contain_duplicate_blocks metadata_must_be_sent_from_app
        metadata_too_large missing_charset missing_file_data missing_post_type msg_blocks_too_long msg_too_long no_text
        only_one_table_allowed post_contents_too_large send_on_behalf_not_allowed superfluous_charset too_many_attachments
        too_many_contact_cards
    """,
    SlackProblem.CHANNEL: """
        access_denied action_prohibited as_user_not_supported cannot_dm_bot cannot_reply_to_message channel_is_archived
        channel_not_allowed channel_not_found channel_type_not_supported invalid_channel is_archived is_inactive
        messages_tab_disabled method_not_supported_for_channel_type no_access no_permission not_allowed not_in_channel
        posting_to_general_channel_denied restricted_action restricted_action_non_threadable_channel
        restricted_action_read_only_channel restricted_action_thread_locked restricted_action_thread_only_channel
        slack_connect_blocked_file_type slack_connect_canvas_sharing_blocked slack_connect_clip_sharing_blocked
        slack_connect_file_link_sharing_blocked slack_connect_file_upload_sharing_blocked slack_connect_lists_sharing_blocked
        team_access_not_granted team_not_found thread_locked thread_not_found user_disabled user_is_bot user_is_restricted
        user_is_ultra_restricted user_not_found user_not_visible users_not_found
    """,
    SlackProblem.EDIT: """
        cant_broadcast_message cant_update_message edit_window_closed message_not_found no_dual_broadcast_content_update
    """,
    SlackProblem.CHANNEL_BUSY: "external_channel_migrating migration_in_progress",
    SlackProblem.CREDENTIALS: """
        accesslimited account_inactive app_access_restricted app_missing_action_url deprecated_endpoint ekm_access_denied
        enterprise_is_restricted invalid_app_id invalid_auth invalid_token method_deprecated missing_scope not_allowed_token_type
        not_authed org_login_required team_disabled token_expired token_revoked two_factor_setup_required unknown_method
        upgrade_required
    """,
    SlackProblem.THROTTLED: "message_limit_exceeded rate_limited ratelimited team_added_to_org",
    SlackProblem.UNCLEAR: """
        duplicate_channel_not_found duplicate_message_not_found fatal_error internal_error request_timeout service_unavailable
    """,
}
PROBLEMS: Final[Mapping[str, SlackProblem]] = {code: problem for problem, codes in _CODES.items() for code in codes.split()}


class EditRejected(ServiceError):
    """The message can never be edited; a new one can be posted."""

    def __init__(self, message: str) -> None:
        super().__init__(message, kind=ErrorKind.REJECTED, permanent=True)


def error_from_code(method: str, code: str, *, where: str, details: str = "", pointers: tuple[str, ...] = ()) -> ServiceError:
    """Return the error for a Slack error code; `where` is a phrase like `in channel C0123`, empty for a call without a channel.

    `details` is what Slack says about it, `pointers` the JSON pointers in that.

    An unknown code is unclear: Slack adds codes, and a message is looked up and retried until it expires.
    """
    message = f"Slack rejected {method} {where}: {code}" if where else f"Slack rejected {method}: {code}"
    message = f"{message} ({details})" if details else message
    problem = PROBLEMS.get(code, SlackProblem.UNCLEAR)
    if problem is SlackProblem.CHANNEL and not where:
        problem = SlackProblem.CREDENTIALS
    match problem:
        case SlackProblem.MESSAGE:
            return PayloadRejected(message, pointers=pointers)
        case SlackProblem.CHANNEL:
            return RecipientRejected(message, kind=ErrorKind.NOT_FOUND if code.endswith("not_found") else ErrorKind.REJECTED)
        case SlackProblem.EDIT:
            return EditRejected(message)
        case SlackProblem.CREDENTIALS:
            return ServiceError(f"{message} (see SLACK_BOT_TOKEN and its scopes)", kind=ErrorKind.AUTH, permanent=True)
        case SlackProblem.THROTTLED | SlackProblem.CHANNEL_BUSY:
            return ServiceError(message, kind=ErrorKind.THROTTLED, permanent=False, retry_after_s=DEFAULT_RETRY_AFTER_S)
        case SlackProblem.UNCLEAR:
            return ServiceError(message, kind=ErrorKind.SERVER_ERROR, permanent=False, outcome_unknown=True)
