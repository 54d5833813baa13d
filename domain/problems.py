"""Problems that the product reports about itself, and the run book of each: a page of the documentation."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Runbook(StrEnum):
    """A run book, by the name of its page."""

    CATALOG = "catalog"
    CHANNEL_REJECTED = "channel-rejected"
    CLOCK = "clock"
    CLUSTER_LOST = "cluster-lost"
    COLLECTING_STOPPED = "collecting-stopped"
    FIGURES_UNMEASURED = "figures-unmeasured"
    MESSAGES_PENDING = "messages-pending"
    MESSAGES_UNDELIVERED = "messages-undelivered"
    NOTHING_COLLECTED = "nothing-collected"
    NOTHING_MEASURED = "nothing-measured"
    OUTAGE = "outage"
    PAGE_UNROUTED = "page-unrouted"
    QUEUE_UNSERVED = "queue-unserved"
    SEALED_KEYS = "sealed-keys"
    STAGE_FAILED = "stage-failed"
    STORM = "storm"
    UNMEASURED = "unmeasured"
    WATCH_SWEEPS = "watch-sweeps"

    @property
    def path(self) -> str:
        """The path of the page in the repository."""
        return f"docs/runbooks/{self}.md"

    def url(self, docs_url: str) -> str:
        """Return the URL of the page in a documentation site, as `make docs` builds it."""
        return f"{docs_url}/runbooks/{self}/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is wrong with the installation."""

    sentence: str
    runbook: Runbook

    def __str__(self) -> str:
        return self.sentence


def runbook_address(runbook: Runbook, docs_url: str | None) -> str:
    """Return the address of a run book: its URL, or without a documentation site (WORKER_DOCS_URL) its path in the repository."""
    return runbook.path if docs_url is None else runbook.url(docs_url)
