"""What every outbound call shares: the one error that callers can act on."""

from __future__ import annotations

from enum import StrEnum


class Fault(StrEnum):
    """What kind of failure it was, so that a caller can answer it."""

    UNREACHABLE = "unreachable"
    """No answer: refused, reset, timed out, no such host."""
    OVERLOADED = "overloaded"
    """429 or 503: the service asks for patience."""
    BROKEN = "broken"
    """Another 5xx."""
    DENIED = "denied"
    """401 or 403: our credentials are wrong or too weak."""
    NOT_FOUND = "not found"
    """404."""
    REFUSED = "refused"
    """Another 4xx: the service does not accept what was sent."""
    GARBAGE = "garbage"
    """An answer that cannot be read: HTML, truncated JSON, a wrong shape, too large, a redirect."""


class CallFailed(Exception):
    """A call to a service did not give what was asked.

    The message is a sentence for the person on call: what was tried, with whom, what came back. It never holds a
    token, a password or a web address with one in it.
    """

    def __init__(
        self, message: str, *, fault: Fault, permanent: bool, retry_after_s: float | None = None, may_have_happened: bool = False
    ) -> None:
        super().__init__(message)
        self.fault = fault
        self.permanent = permanent
        """Asking again cannot help."""
        self.retry_after_s = retry_after_s
        """When the service said to come back, seconds."""
        self.may_have_happened = may_have_happened
        """The request may have taken effect although no good answer came (a time-out after sending)."""
