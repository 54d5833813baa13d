"""A copied error keeps every field, wherever one failure is raised in several threads."""

from datetime import datetime, timezone

import pytest

from actions.live.sweep_memo import MAX_FAILURES, MemoizedScaleOps
from clients.http.errors import ErrorKind, RecipientRejected, ServiceError
from clients.scaleops.tokens import CachedLogin
from tests.unit.test_sweep_memo import CountingScaleOps

NOW = datetime(2026, 11, 16, 6, tzinfo=timezone.utc)


def timed_out() -> ServiceError:
    return ServiceError(
        "no answer", kind=ErrorKind.CONNECTION, permanent=False, retry_after_s=3, outcome_unknown=True, status=504
    )


def test_a_copy_keeps_every_field_and_is_another_object() -> None:
    error = timed_out()
    with pytest.raises(ServiceError):
        raise error
    copied = error.copy()
    assert copied is not error
    assert (str(copied), vars(copied)) == ("no answer", vars(error))
    assert copied.__traceback__ is None
    assert vars(error.copy(service_down=True)) == vars(error) | {"service_down": True}


def test_a_copy_has_the_class_of_the_original() -> None:
    copied = RecipientRejected("no such channel").copy()
    assert type(copied) is RecipientRejected
    assert (str(copied), copied.kind) == ("no such channel", ErrorKind.REJECTED)


def test_a_login_without_a_response_has_an_unknown_outcome() -> None:
    def log_in() -> str:
        raise timed_out()

    with pytest.raises(ServiceError) as failed:
        CachedLogin(log_in, clock=lambda: NOW).token()
    assert failed.value.outcome_unknown
    assert failed.value.service_down


def test_a_remembered_failure_of_a_sweep_has_an_unknown_outcome() -> None:
    class Failing(CountingScaleOps):
        def network_flags(self) -> dict[str, bool]:
            raise timed_out()

    memo = MemoizedScaleOps(Failing())
    for _ in range(MAX_FAILURES + 1):
        with pytest.raises(ServiceError) as failed:
            memo.network_flags()
    assert failed.value.outcome_unknown
