"""The demo is the whole product lived through once; its story is held here line by line."""

import json
import re
import socket
import subprocess
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timezone
from decimal import Decimal
from html import escape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from alerts.states import OPEN_PHASES
from domain.measures import Unknown
from domain.refs import PLATFORM, EntityRef
from domain.snapshots import Measurement
from simulator.company.story import CLUSTERS, COST_JUMP_FROM, END, LOST_FROM, LOST_UNTIL
from simulator.credentials import SCALEOPS_TOKEN
from simulator.serving import Simulator
from store import Store
from store.queries.outbox_conditions import FALLBACK
from tests.acceptance.demo_runs import COMMAND, TEAMS, Lived, live
from tests.services import loopback

WEEKS = [f"2026-W{number}" for number in range(35, 47)]
MONTHS = ["2026-08", "2026-09", "2026-10"]
CHECKOUT = "component:default/checkoutservice"


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Lived:
    return live(tmp_path_factory.mktemp("demo") / "demo-out", weeks=12)


@pytest.fixture
def stored(lived: Lived) -> Iterator[Store]:
    store = Store.open(f"sqlite:///{lived.path / 'demo.db'}")
    yield store
    store.close()


def key_of(message: dict[str, Any]) -> str:
    return str(message["metadata"]["event_payload"]["key"])


def at(message: dict[str, Any]) -> datetime:
    """Return when a message was posted, or edited."""
    return datetime.fromtimestamp(float(message.get("edited", message)["ts"]), tz=timezone.utc)


def test_every_team_and_the_platform_get_exactly_one_report_a_week(lived: Lived) -> None:
    reports = Counter(key_of(message) for message in lived.messages if re.fullmatch(r"report:weekly:.*:slack:1", key_of(message)))
    expected = {f"report:weekly:group:default/{team}:{week}:slack:1" for team in TEAMS for week in WEEKS}
    expected |= {f"report:weekly:platform:{week}:slack:1" for week in WEEKS}
    assert reports == dict.fromkeys(expected, 1)


def text_in(lived: Lived, key: str) -> str:
    (message,) = [message for message in lived.messages if key_of(message) == key]
    return str(message["text"])


def test_a_quiet_week_is_one_short_message_and_an_eventful_one_is_not(lived: Lived) -> None:
    keys = {key_of(message) for message in lived.messages}
    data = "report:weekly:group:default/data"
    quiet = [week for week in WEEKS if "Nothing is outside the usual range" in text_in(lived, f"{data}:{week}:slack:1")]
    assert len(quiet) >= 3
    assert WEEKS[0] not in quiet, "too early to say what is usual"
    for week in WEEKS:
        assert (f"{data}:{week}:slack:2" in keys) is (week not in quiet), "a quiet week has no thread"
    assert not any("Nothing is outside" in message["text"] for message in lived.messages if "default/data" not in key_of(message))


def test_leadership_gets_the_roll_up_of_each_month_in_its_own_channel(lived: Lived) -> None:
    roll_ups = {key_of(one): one for one in lived.messages if re.fullmatch(r"report:monthly:.*:slack:1", key_of(one))}
    assert list(roll_ups) == [f"report:monthly:platform:{month}:slack:1" for month in MONTHS]
    assert {message["channel"] for message in roll_ups.values()} == {"C0LEADERS1"}
    october = roll_ups["report:monthly:platform:2026-10:slack:1"]["text"]
    assert "not measured" not in october
    assert "unknown" not in october
    assert [at(message).strftime("%a %d %b") for message in roll_ups.values()] == ["Tue 01 Sep", "Thu 01 Oct", "Mon 02 Nov"]


def test_no_message_of_any_kind_arrived_twice(lived: Lived) -> None:
    assert [key for key, count in Counter(key_of(message) for message in lived.messages).items() if count > 1] == []


def events_of(lived: Lived, dedup_key: str) -> list[dict[str, Any]]:
    return [event for event in lived.events if event["dedup_key"] == dedup_key]


def test_on_call_is_paged_once_for_the_oom_killed_service_and_notified_when_it_resolves(lived: Lived) -> None:
    events = events_of(lived, f"demo:under-provisioned:{CHECKOUT}")
    actions = [event["event_action"] for event in events]
    assert actions == ["trigger", "acknowledge", "trigger", "resolve"]
    assert "OOM-killed" in events[0]["payload"]["summary"]
    severities = [event["payload"]["severity"] for event in events if event["event_action"] == "trigger"]
    assert severities == ["error", "critical"], "after one kill, after four"
    assert len({event["routing_key"] for event in events}) == 1


def test_a_release_that_breaks_all_services_of_a_team_is_one_page(lived: Lived) -> None:
    storm = "demo:storm:group:default/storefront"
    assert {event["dedup_key"] for event in lived.events} == {storm, f"demo:under-provisioned:{CHECKOUT}"}
    assert [event["event_action"] for event in events_of(lived, storm)][-1] == "resolve"


def test_on_call_is_paged_within_minutes_of_the_first_kill_and_the_incident_ends_within_minutes_of_the_fix(lived: Lived) -> None:
    incidents = dict(re.findall(r"incident demo:(\S+): (opened .*)", lived.output))
    assert incidents[f"under-provisioned:{CHECKOUT}"] == "opened Tue 03 Nov 07:16, resolved Wed 04 Nov 11:31"
    assert re.match(r"opened Wed 14 Oct 13:\d\d, resolved Wed 14 Oct 1[45]:\d\d$", incidents["storm:group:default/storefront"])


def test_no_one_is_paged_for_money(lived: Lived) -> None:
    assert any(key_of(message).startswith("alert:over-provisioned") for message in lived.messages)
    assert not [event for event in lived.events if "over-provisioned" in event["dedup_key"] or "cost" in event["dedup_key"]]


def test_nothing_resolves_while_the_cluster_is_lost(lived: Lived) -> None:
    meanwhile = [message for message in lived.received if LOST_FROM <= at(message) <= LOST_UNTIL]
    assert [message["text"] for message in meanwhile if message["text"].startswith(("Resolved", "Closed"))] == []
    assert sum("unreachable" in message["text"] for message in meanwhile) == 1
    assert any(message["text"].startswith("Resolved") for message in lived.received), "and something does at other times"


def test_no_message_of_an_alert_shows_a_state_that_is_over(lived: Lived, stored: Store) -> None:
    posted = [one for one in lived.received if key_of(one).startswith("alert:") and one.get("thread_ts") is None]
    newest = {(message["channel"], message["ts"]): message for message in posted}.values()
    current = Counter(
        key_of(message).removeprefix("alert:").removesuffix(FALLBACK).rsplit(":", 2)[0]
        for message in newest
        if not message["text"].startswith(("Resolved", "Closed", "Now usual"))
    )
    with stored.reading() as transaction:
        still_open = {row.alert for row in transaction.alerts.states(statuses=OPEN_PHASES)}
    assert set(current) <= still_open
    assert set(current.values()) <= {1}


def test_the_cost_jump_is_reported_to_the_team_that_owns_it(lived: Lived) -> None:
    jumps = [message for message in lived.messages if key_of(message).startswith("alert:cost-increase")]
    assert {message["channel"] for message in jumps} == {"C0STORE001"}
    assert at(jumps[0]) > COST_JUMP_FROM
    assert "7-day cost up" in jumps[0]["text"]


def test_the_component_on_several_clusters_costs_the_sum_of_them(stored: Store) -> None:
    ref = EntityRef.parse("component:default/frontend")
    with stored.reading() as transaction:
        newest = transaction.sweeps.newest_closed()
        assert newest is not None
        measured = transaction.snapshots.of_component(ref, newest.as_of)
    assert measured is not None
    with Simulator("demo") as scaleops:
        scaleops.state.clock.set(END.replace(hour=8))  # when the last sweep was done: the first report of the day, in Madrid
        upstream = [
            cost_of("app.kubernetes.io/name=frontend", cluster, scaleops.scaleops_url, ids_of(measured, cluster))
            for cluster in CLUSTERS
        ]

    assert {point.key.cluster for point in measured.points} == set(CLUSTERS)
    assert all(upstream)
    assert measured.snapshot.cost_7d.amount == sum(upstream)


def ids_of(measured: Measurement, cluster: str) -> set[str]:
    return {point.key.name for point in measured.points if point.key.cluster == cluster}


def cost_of(label: str, cluster: str, scaleops_url: str, names: set[str]) -> Decimal:
    answer = loopback.post(
        f"{scaleops_url}/detailedCostReport/getWorkloads?multiCluster=true&range=7d",
        headers={"Authorization": f"Bearer {SCALEOPS_TOKEN}", "X-Scaleops-Cluster": cluster},
        json={"clusterFilters": [cluster], "namespaces": ["shop"], "workloadTypes": ["Deployment"], "labels": [label]},
    )
    rows = json.loads(answer.raise_for_status().text, parse_float=Decimal)["aggregatedWorkloads"]
    return sum((Decimal(row["totalCost"]) for row in rows if row["workloadName"] in names), Decimal(0))


def test_a_workload_claimed_by_two_components_counts_once_in_the_total(stored: Store, lived: Lived) -> None:
    with stored.reading() as transaction:
        sweep = transaction.sweeps.newest_closed()
        assert sweep is not None
        measurements = list(transaction.snapshots.of_sweep(sweep.as_of))
        (total,) = transaction.history.of_team(PLATFORM, as_ofs=[sweep.as_of])
    once = {point.key: point.cost_7d for measurement in measurements for point in measurement.points}
    claims = Counter(point.key for measurement in measurements for point in measurement.points)
    assert [key.name for key, count in claims.items() if count > 1] == ["redis-cart"]
    assert total.cost_7d.amount == sum((cost for cost in once.values() if not isinstance(cost, Unknown)), Decimal(0))
    assert "claimed" in (lived.path / "reports" / "~platform" / "2026-W46.html").read_text(encoding="utf-8")


def test_the_rightsizing_shows_as_done_with_what_it_saves(lived: Lived) -> None:
    page = (lived.path / "reports" / "search" / "2026-W41.html").read_text(encoding="utf-8")
    assert re.search(r"Done: saves \$[\d,.]+ a month", page)


class LinkParser(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.found += [value or "" for name, value in attrs if tag == "a" and name == "href"]


def test_every_page_is_reached_from_the_index_by_links_between_files(lived: Lived) -> None:
    seen: set[Path] = set()
    waiting = [lived.path / "index.html"]
    while waiting:
        page = waiting.pop()
        if page in seen:
            continue
        seen.add(page)
        parser = LinkParser()
        parser.feed(page.read_text(encoding="utf-8"))
        assert "script" not in parser.tags
        for link in parser.found:
            target = link.partition("#")[0]
            assert not target.startswith("/")
            if target and not target.startswith("http"):
                waiting.append((page.parent / unquote(target)).resolve())
    reports = set((lived.path / "reports").glob("*/*.html"))
    assert len(reports) == (len(TEAMS) + 1) * len(WEEKS) + len(MONTHS)
    assert reports <= seen
    assert lived.path / "status.html" in seen


def test_every_report_of_a_month_that_was_measured_from_its_start_has_the_whole_month(lived: Lived) -> None:
    partial = {page.stem for page in lived.path.glob("reports/*/*.html") if "not measured)" in page.read_text(encoding="utf-8")}
    assert partial <= {"2026-W35", "2026-W36", "2026-08"}, "August began before the first sweep"


def test_reports_are_made_when_they_are_due_in_the_zone_of_their_team(lived: Lived) -> None:
    for page in lived.path.glob("reports/payments/*.html"):
        due, made = re.findall(r"(?:Due|made) ([^,]+, \d\d:\d\d \w+)", page.read_text(encoding="utf-8"))
        assert due == made


def test_the_index_shows_each_kind_of_message_and_each_incident(lived: Lived) -> None:
    index = (lived.path / "index.html").read_text(encoding="utf-8")
    for text in (
        "Weekly report of a team",
        "Weekly report of all teams",
        "Quiet week of a team",
        "Monthly roll-up",
        "# leadership",
        "Alert: budget",
        "Alert: cost-increase",
        "Cluster: lost",
        "Undeliverable, sent to the platform channel",
        "Tue 3 Nov 2026, 08:16 CET",
        "<strong>Acknowledged</strong>",
        "<strong>Killed</strong>",
    ):
        assert text in index
    assert "cannot draw" not in index
    for event in lived.events:
        assert escape(event.get("payload", {}).get("summary", "")) in index


def test_links_in_messages_lead_to_the_pages_and_are_signed(lived: Lived) -> None:
    link = f"http://127.0.0.1:8000/reports/payments/{WEEKS[-1]}?until="
    assert any(link in json.dumps(message) for message in lived.messages)


def test_a_finished_run_is_served_as_it_is(lived: Lived) -> None:
    before = (lived.path / "demo.json").stat().st_mtime_ns
    process = subprocess.Popen(
        [COMMAND, "demo", "--serve", "--port", "0", "--out", lived.path], stdout=subprocess.PIPE, text=True, cwd=lived.path.parent
    )
    try:
        assert process.stdout is not None
        url = str(re.findall(r"http://\S+?(?=/,)", process.stdout.readline())[0])
        for path in ("/", "/reports.html", "/reports/payments/2026-W46", "/components/component/default/checkoutservice.html"):
            response = loopback.get(url + path)
            assert response.status_code == 200, path
            assert response.headers["content-type"].startswith("text/html")
        assert loopback.get(f"{url}/demo.db-nothing").status_code == 404
    finally:
        process.terminate()
        process.communicate(timeout=20)
    assert (lived.path / "demo.json").stat().st_mtime_ns == before


def test_serving_says_at_once_that_its_port_is_in_use(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [COMMAND, "demo", "--serve", "--port", port, "--out", tmp_path / "out"], capture_output=True, text=True, check=False
        )
    assert done.returncode == 2
    assert "choose another with --port" in done.stderr
    assert not (tmp_path / "out").exists()


def test_it_tells_the_story(lived: Lived) -> None:
    for line in (
        "PagerDuty trigger: checkoutservice",
        "PagerDuty resolve",
        "is disconnected for 18 hours",
        "2 PagerDuty incidents",
        "weekly report of all teams",
        "ScaleOps calls",
        "index.html",
    ):
        assert line in lived.output


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work", encoding="utf-8")
    done = subprocess.run([COMMAND, "demo", "--out", tmp_path / "mine"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "choose another folder with --out" in done.stderr
    assert (tmp_path / "mine" / "thesis.txt").read_text(encoding="utf-8") == "years of work"
