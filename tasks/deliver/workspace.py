"""Sends messages to one workspace of Slack, in the richest form that it is not known to refuse."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from clients.http.client import TimeLeft
from clients.http.errors import ServiceError
from clients.slack.client import SlackClient
from domain.block_refusals import REFUSAL_TTL, BlockRefusal, optional_blocks_of
from domain.clock import Clock
from store import Store
from store.queries.outbox_rows import LeasedMessage
from tasks.deliver.sending import Outcome, Sent, send_to_slack

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class WorkspaceSender:
    """Sends messages by one bot."""

    slack: SlackClient
    store: Store
    clock: Clock
    time_left: Callable[[LeasedMessage], TimeLeft]

    def __call__(self, claim: LeasedMessage) -> Outcome:
        """Send a message in the richest form that its workspace is not known to refuse."""
        now, time_left = self.clock(), self.time_left(claim)
        refusals = self._refusals(claim, now, time_left)
        outcome = send_to_slack(self.slack, claim, now=now, time_left=time_left, refusals=refusals)
        return self._with_refusals(outcome, now, time_left) if isinstance(outcome, Sent) and outcome.refused else outcome

    def _refusals(self, claim: LeasedMessage, now: datetime, time_left: TimeLeft) -> Collection[BlockRefusal]:
        """Return what the workspace refused. It is asked for its id only if there may be something to know."""
        if not any(optional_blocks_of(rendering.payload) for rendering in claim.message.renderings):
            return ()
        with self.store.reading() as transaction:
            found = transaction.block_refusals.valid_at(now)
        workspace = self._workspace(time_left) if found else ""
        return [one for one in found if one.workspace == workspace]

    def _with_refusals(self, sent: Sent, now: datetime, time_left: TimeLeft) -> Sent:
        workspace = self._workspace(time_left)
        if not workspace:
            return sent
        for kind, reason in sent.refused.items():
            log.warning("slack_block_refused", workspace=workspace, kind=kind, reason=reason)
        return replace(
            sent,
            refusals=tuple(
                BlockRefusal(workspace=workspace, kind=kind, refused_at=now, expires_at=now + REFUSAL_TTL, reason=reason)
                for kind, reason in sent.refused.items()
            ),
        )

    def _workspace(self, time_left: TimeLeft) -> str:
        """Return the id of the workspace; empty if Slack does not say: then nothing is known of it."""
        try:
            return self.slack.workspace_id(time_left=time_left)
        except ServiceError:
            return ""
