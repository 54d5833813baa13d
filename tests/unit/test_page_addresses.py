"""The page about a component, a team or the installation, and what its signature opens."""

from datetime import datetime, timedelta, timezone
from urllib.parse import urlsplit

import pytest

from domain.refs import PLATFORM, EntityRef
from domain.workload import WorkloadKey
from reports.links import workload_anchor
from reports.page_addresses import PageAddresses
from reports.signed_links import LINK_TTL, LinkStatus, PageLinks, link_in, origin_of, signable_page

NOW = datetime(2026, 11, 24, 10, tzinfo=timezone.utc)
LINKS = PageLinks(b"k" * 32)
PATHS = {
    PLATFORM: "/status",
    EntityRef.parse("group:infra/payments"): "/reports/infra~payments",
    EntityRef.parse("component:default/checkout"): "/components/component/default/checkout",
}


def query_of(about: EntityRef) -> str:
    page = PageAddresses(base="https://x.example/", links=LINKS).page_about(about, origin="Slack C1", now=NOW)
    assert page is not None
    assert page.url.startswith(f"https://x.example{PATHS[about]}?until=")
    return urlsplit(page.url).query


@pytest.mark.parametrize("about", PATHS, ids=str)
def test_a_link_opens_its_page_for_five_weeks_and_no_other(about: EntityRef) -> None:
    query = query_of(about)
    last = NOW + LINK_TTL
    assert origin_of(query) == "Slack%20C1"
    others = [*PATHS.values(), "/reports/infra~payments/2026-W47", "/reports", "/reports/~platform", "/mcp", f"{PATHS[about]}/"]
    valid = [path for path in others if LINKS.check(path, query, now=last) is LinkStatus.VALID]
    assert valid == [PATHS[about]]
    assert LINKS.check(PATHS[about], query, now=last + timedelta(seconds=1)) is LinkStatus.EXPIRED
    assert LINKS.check(PATHS[about], query.replace("C1", "C2"), now=last) is LinkStatus.FORGED
    assert LINKS.check(PATHS[about], f"{query}&week=2026-W47&format=csv&table=alerts", now=last) is LinkStatus.VALID
    assert LINKS.check(PATHS[about], f"{query}&week=1", now=last) is LinkStatus.FORGED
    assert [link_in(f"{query}{added}") for added in ("", "&week=2026-W47", "&format=csv")] == [query] * 3
    assert link_in(f"{query}&week=1") == link_in("week=2026-W47") == ""


def test_without_a_key_the_address_is_plain_and_without_a_base_there_is_none() -> None:
    plain = PageAddresses(base="https://x.example").page_about(PLATFORM, origin="Slack C1", now=NOW)
    assert plain is not None
    assert (plain.label, plain.url) == ("Open status page", "https://x.example/status")
    assert PageAddresses(base=None, links=LINKS).page_about(PLATFORM, origin="Slack C1", now=NOW) is None


def test_only_a_page_with_a_form_has_an_origin() -> None:
    report = "https://x.example/reports/payments/2026-W47"
    with pytest.raises(ValueError, match="says where it is put"):
        LINKS.sign(report, NOW, origin="Slack C1")
    page = signable_page("/status")
    assert page is not None
    with pytest.raises(ValueError, match="says where it is put"):
        LINKS.sign("https://x.example/status", NOW, page=page)


def key(cluster: str, namespace: str, name: str) -> WorkloadKey:
    return WorkloadKey(cluster=cluster, namespace=namespace, type="Deployment", name=name)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (key("east", "shop-api", "web"), key("east-shop", "api", "web")),
        (key("east", "shop", "web.v1"), key("east", "shop", "web-v1")),
        (key("EU", "shop", "web"), key("eu", "shop", "web")),
        (key("a/b", "c", "web"), key("a", "b/c", "web")),
        (key("a b", "c", "web"), key("a%20b", "c", "web")),
        (key("east", "shop", "w" * 100), key("east", "shop", "w" * 101)),
    ],
)
def test_no_two_workloads_have_the_same_anchor(one: WorkloadKey, other: WorkloadKey) -> None:
    assert workload_anchor(one) != workload_anchor(other)
    assert not any(character.isspace() for character in workload_anchor(one))


def test_the_anchor_of_a_workload_can_be_read() -> None:
    assert workload_anchor(key("prod@eu-west-1", "shop", "web")) == "w-prod%40eu-west-1/shop/Deployment/web"


def test_the_anchor_of_a_workload_is_short() -> None:
    """A page of 200 workloads has each several times."""
    assert len(workload_anchor(key("\N{CJK UNIFIED IDEOGRAPH-4E2D}" * 63, "shop", "web"))) == 2 + 64
