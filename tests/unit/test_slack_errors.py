"""Each error code of Slack and what it is about, as a table."""

from __future__ import annotations

import pytest

from clients.http.errors import ErrorKind, PayloadRejected, RecipientRejected
from clients.slack.errors import PROBLEMS, SlackProblem, error_from_code

# https://docs.slack.dev/reference/methods/chat.postMessage, read on 2026-11-29
POST_MESSAGE = [
    "access_denied",
    "accesslimited",
    "account_inactive",
    "agent_prompt_display_not_allowed",
    "app_access_restricted",
    "as_user_not_supported",
    "attachment_payload_limit_exceeded",
    "cannot_reply_to_message",
    "channel_not_found",
    "deprecated_endpoint",
    "draft_already_deleted",
    "draft_already_sent",
    "draft_has_conflict",
    "draft_not_found",
    "duplicate_channel_not_found",
    "duplicate_message_not_found",
    "ekm_access_denied",
    "enterprise_is_restricted",
    "fatal_error",
    "internal_error",
    "invalid_arg_name",
    "invalid_arguments",
    "invalid_array_arg",
    "invalid_auth",
    "invalid_blocks",
    "invalid_blocks_format",
    "invalid_charset",
    "invalid_form_data",
    "invalid_metadata_format",
    "invalid_metadata_schema",
    "invalid_post_type",
    "is_archived",
    "markdown_text_conflict",
    "message_limit_exceeded",
    "messages_tab_disabled",
    "metadata_must_be_sent_from_app",
    "metadata_too_large",
    "method_deprecated",
    "missing_file_data",
    "missing_post_type",
    "missing_scope",
    "msg_blocks_too_long",
    "no_permission",
    "no_text",
    "not_allowed_token_type",
    "not_authed",
    "not_in_channel",
    "org_login_required",
    "rate_limited",
    "ratelimited",
    "request_timeout",
    "restricted_action",
    "restricted_action_non_threadable_channel",
    "restricted_action_read_only_channel",
    "restricted_action_thread_locked",
    "restricted_action_thread_only_channel",
    "send_on_behalf_not_allowed",
    "service_unavailable",
    "slack_connect_canvas_sharing_blocked",
    "slack_connect_file_link_sharing_blocked",
    "slack_connect_lists_sharing_blocked",
    "team_access_not_granted",
    "team_added_to_org",
    "team_not_found",
    "token_expired",
    "token_revoked",
    "too_many_attachments",
    "too_many_contact_cards",
    "two_factor_setup_required",
]


def test_every_error_of_a_post_is_sorted() -> None:
    assert set(POST_MESSAGE) <= set(PROBLEMS)


@pytest.mark.parametrize(
    ("problem", "codes"),
    [
        (SlackProblem.MESSAGE, "invalid_blocks msg_too_long only_one_table_allowed invalid_arg_name metadata_too_large"),
        (
            SlackProblem.CHANNEL,
            "no_permission access_denied team_access_not_granted posting_to_general_channel_denied team_not_found user_is_restricted",
        ),
        (SlackProblem.CHANNEL, "channel_not_found is_archived not_in_channel restricted_action thread_not_found"),
        (SlackProblem.CHANNEL_BUSY, "external_channel_migrating"),
        (
            SlackProblem.CREDENTIALS,
            "accesslimited two_factor_setup_required method_deprecated invalid_auth missing_scope token_revoked account_inactive",
        ),
        (SlackProblem.THROTTLED, "ratelimited team_added_to_org"),
        (SlackProblem.UNCLEAR, "internal_error fatal_error service_unavailable duplicate_message_not_found"),
    ],
)
def test_each_code_is_about_one_thing(problem: SlackProblem, codes: str) -> None:
    assert {code: PROBLEMS.get(code) for code in codes.split()} == dict.fromkeys(codes.split(), problem)


@pytest.mark.parametrize("code", PROBLEMS)
def test_the_error_says_who_is_affected(code: str) -> None:
    error = error_from_code("chat.postMessage", code, where="in channel C0123")
    problem = PROBLEMS[code]
    assert code in str(error)
    assert isinstance(error, PayloadRejected) is (problem is SlackProblem.MESSAGE)
    assert isinstance(error, RecipientRejected) is (problem is SlackProblem.CHANNEL)
    assert (error.kind is ErrorKind.AUTH) is (problem is SlackProblem.CREDENTIALS)
    assert error.permanent is (
        problem in {SlackProblem.MESSAGE, SlackProblem.CHANNEL, SlackProblem.EDIT, SlackProblem.CREDENTIALS}
    )
    assert (error.retry_after_s is not None) is (problem in {SlackProblem.THROTTLED, SlackProblem.CHANNEL_BUSY})
    assert error.outcome_unknown is (problem is SlackProblem.UNCLEAR)


def test_an_unknown_code_is_looked_up_and_tried_again() -> None:
    error = error_from_code("chat.postMessage", "something_new", where="in channel C0123")
    assert (error.permanent, error.outcome_unknown) == (False, True)


def test_without_a_channel_a_refusal_is_about_the_bot() -> None:
    assert error_from_code("auth.test", "access_denied", where="").kind is ErrorKind.AUTH
