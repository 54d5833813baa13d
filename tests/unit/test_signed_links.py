"""A signed link shows one page until its last second, and says so of nothing else."""

from datetime import datetime, timedelta, timezone
from urllib.parse import urlsplit

import pytest

from reports.signed_links import LINK_TTL, LinkStatus, PageLinks, expires_at
from wiring.secrets import page_links
from wiring.settings import Settings

UNTIL = datetime(2026, 12, 28, 9, tzinfo=timezone.utc)
KEY = b"k" * 32
PAGE = "https://reports.example.com/scaleops/reports/payments/2026-W47"


def parts(signed: str) -> tuple[str, str]:
    split = urlsplit(signed)
    return split.path.removeprefix("/scaleops"), split.query


def test_a_link_is_valid_until_its_last_second() -> None:
    links = PageLinks(KEY)
    path, query = parts(links.sign(PAGE, UNTIL))
    assert (path, query[:16]) == ("/reports/payments/2026-W47", f"until={int(UNTIL.timestamp())}")
    assert links.check(path, query, now=UNTIL) is LinkStatus.VALID
    assert links.check(path, query, now=UNTIL + timedelta(seconds=1)) is LinkStatus.EXPIRED


@pytest.mark.parametrize(
    "path",
    [
        "/reports/payments/2026-W46",
        "/reports/search/2026-W47",
        "/reports/payments/2026-W47.html",
        "/reports/payments/2026-W47/",
        "/reports/Payments/2026-W47",
        "/reports/%70ayments/2026-W47",
        "/reports/payments",
        "/reports",
        "/status",
        "/components/component/default/checkout",
    ],
)
def test_a_link_is_valid_for_its_page_only(path: str) -> None:
    links = PageLinks(KEY)
    _, query = parts(links.sign(PAGE, UNTIL))
    assert links.check(path, query, now=UNTIL) is LinkStatus.FORGED


def test_any_change_makes_a_link_forged() -> None:
    links = PageLinks(KEY)
    path, query = parts(links.sign(PAGE, UNTIL))
    until, _, signature = query.removeprefix("until=").partition("&sig=")
    changed = [
        f"until={int(until) + 1}&sig={signature}",
        f"until=0{until}&sig={signature}x",
        f"until={until}&sig={signature[:-1]}{'A' if signature[-1] != 'A' else 'Q'}",
        f"until={until}&sig={signature.swapcase()}",
        f"until={until}&sig=",
        f"sig={signature}&until={until}",
        f"{query}&until={int(until) + 1}",
        f"{query}&x=1",
        f"until={'9' * 11}&sig={signature}",
        "",
    ]

    assert {links.check(path, one, now=UNTIL) for one in changed} == {LinkStatus.FORGED}
    assert PageLinks(b"o" * 32).check(path, query, now=UNTIL) is LinkStatus.FORGED


@pytest.mark.parametrize(
    "page",
    [
        "https://reports.example.com/reports",
        "https://reports.example.com/reports/payments",
        "https://reports.example.com/status",
        "https://reports.example.com/reports/payments/2026-W47?x=1",
        "https://reports.example.com/reports/payments/2026-W47/more",
    ],
)
def test_only_report_pages_can_be_signed(page: str) -> None:
    with pytest.raises(ValueError, match="only the page of one report"):
        PageLinks(KEY).sign(page, UNTIL)


def test_the_key_is_derived_for_this_purpose_and_stable() -> None:
    one, same, other = (
        page_links(Settings.model_validate({"worker_secret_key": secret})) for secret in ("s" * 32, "s" * 32, "t" * 32)
    )
    assert one is not None
    assert same is not None
    assert other is not None
    assert one.sign(PAGE, UNTIL) == same.sign(PAGE, UNTIL)
    assert one.sign(PAGE, UNTIL) != other.sign(PAGE, UNTIL)
    assert one.sign(PAGE, UNTIL) != PageLinks(b"s" * 32).sign(PAGE, UNTIL)
    assert page_links(Settings.model_validate({})) is None


def test_the_expiry_depends_on_the_report_alone() -> None:
    due, catch_up = UNTIL - LINK_TTL, timedelta(days=3)
    long_after = due + timedelta(days=60)
    assert expires_at(due_at=due, made_at=due + timedelta(days=2), catch_up=catch_up) == UNTIL
    assert expires_at(due_at=due, made_at=due - timedelta(hours=1), catch_up=catch_up) == UNTIL
    assert expires_at(due_at=due, made_at=long_after, catch_up=catch_up) == long_after + LINK_TTL
