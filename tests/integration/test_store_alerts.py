"""Recommendations, alerts, report runs, clusters and heartbeats are read as they were written. On both databases."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from domain.advice import Issue, IssuePriority
from domain.sweeps import ClusterState
from domain.tracking import LastAdvice, Recommendation, RecommendationEnd, RecommendationKey
from store import AlertEventRow, AlertStateRow, Heartbeat, HeartbeatKind, ReportRun, RunStatus, Store
from tests.factories import NOW, PAYMENTS, SEARCH, SLOT, make_key, make_ref
from tests.services.waiting import run_together

LATER = SLOT + timedelta(hours=6)
MUCH_LATER = SLOT + timedelta(hours=12)


def recommendation(name: str, issue: Issue = Issue.OVER_PROVISIONED) -> Recommendation:
    return Recommendation(
        key=RecommendationKey(entity=make_ref(name), workload=make_key(name), issue=issue),
        team=PAYMENTS,
        opened_at=SLOT,
        last_seen_at=SLOT,
        advised=LastAdvice(
            priority=IssuePriority.HIGH,
            cpu_request_millicores=500.5,
            cpu_recommended_millicores=None,
            memory_request_bytes=2.0**31,
            memory_recommended_bytes=0.0,
            savings_available_per_month=Decimal("12.30"),
        ),
    )


def test_an_open_recommendation_comes_back_until_it_ends(store: Store) -> None:
    one, other = recommendation("checkout"), recommendation("search", Issue.UNDER_PROVISIONED)
    with store.transaction() as transaction:
        transaction.recommendations.put([other, one])
        transaction.recommendations.put([one])
    with store.reading() as transaction:
        assert transaction.recommendations.open() == (one, other)
        assert transaction.recommendations.open([make_ref("search")]) == (other,)
        assert transaction.recommendations.open(team=PAYMENTS) == (one, other)
        assert transaction.recommendations.open(team=SEARCH) == ()
        assert transaction.recommendations.counts() == {make_ref("checkout"): 1, make_ref("search"): 1}

    done = replace(one, ended_at=LATER, ending=RecommendationEnd.DONE, realised_per_month=Decimal("12.30"), judged_at=LATER)
    unclear = replace(other, ended_at=MUCH_LATER, ending=RecommendationEnd.DONE)
    with store.transaction() as transaction:
        transaction.recommendations.put([done, unclear])
        assert transaction.recommendations.open() == ()
        assert transaction.recommendations.counts() == {}
        between = transaction.recommendations.between
        assert between(SLOT, MUCH_LATER, team=PAYMENTS) == (done, unclear)
        assert between(SLOT, LATER, team=PAYMENTS) == (done, other), "as they were known then"
        assert between(SLOT, LATER, refs=[make_ref("checkout")]) == (done,)
        assert between(LATER, MUCH_LATER, team=PAYMENTS) == (unclear,)
        assert between(SLOT, MUCH_LATER, team=SEARCH) == ()
        assert transaction.recommendations.followed([make_ref("checkout"), make_ref("search")]) == (unclear,), (
            "its effect is pending"
        )


def test_an_issue_that_comes_back_is_a_row_of_its_own(store: Store) -> None:
    ended = replace(recommendation("checkout"), ended_at=LATER, ending=RecommendationEnd.NO_LONGER_ADVISED)
    again = replace(recommendation("checkout"), opened_at=MUCH_LATER, last_seen_at=MUCH_LATER)
    with store.transaction() as transaction:
        transaction.recommendations.put([ended])
        transaction.recommendations.put([again])
        assert transaction.recommendations.open() == (again,)
        assert transaction.recommendations.between(SLOT, MUCH_LATER, team=PAYMENTS) == (ended, again)


def event(number: int, amount: str = "1.10") -> AlertEventRow:
    return AlertEventRow(alert="i:over:c", number=number, at=SLOT, details={"n": number, "amount": amount})


def state(alert: str, *, status: str = "firing", name: str = "checkout") -> AlertStateRow:
    return AlertStateRow(
        alert=alert,
        rule="over-provisioned",
        ref=make_ref(name),
        team=PAYMENTS,
        status=status,
        updated_at=LATER,
        state={"sweeps": 2, "members": ["a", "b"], "none": None},
    )


def test_events_are_only_added_and_a_repeat_adds_nothing(store: Store) -> None:
    with store.transaction() as transaction:
        transaction.alerts.append_events([event(1), event(2, "2.20")])
        transaction.alerts.append_events([event(2, "3.30"), event(3)])
        transaction.alerts.append_events([])
        assert transaction.alerts.events_of("i:over:c") == (event(1), event(2, "2.20"), event(3))
        assert transaction.alerts.events_of("another") == ()


def test_states_are_listed_by_status_team_and_component(store: Store) -> None:
    firing, resolved = state("a"), state("b", status="resolved", name="search")
    with store.transaction() as transaction:
        transaction.alerts.put_states([firing, resolved])
        assert transaction.alerts.state("a") == firing
        assert transaction.alerts.lock(["a", "c"]) == (firing,)
        assert transaction.alerts.state("c") is None
        assert transaction.alerts.states() == (firing, resolved)
        assert transaction.alerts.states(statuses=["firing"]) == (firing,)
        assert transaction.alerts.states(team=SEARCH) == ()
        assert transaction.alerts.states_of([make_ref("search")]) == (resolved,)
        assert transaction.alerts.counts() == {make_ref("checkout"): 1, make_ref("search"): 1}
        assert transaction.alerts.counts(statuses=["firing"]) == {make_ref("checkout"): 1}
        transaction.alerts.put_states([replace(firing, status="resolved")])
        assert transaction.alerts.states(statuses=["firing"]) == ()


def run(week: str = "2026-W47", *, again: int = 0, status: RunStatus = RunStatus.MADE) -> ReportRun:
    return ReportRun(
        team=PAYMENTS,
        report="weekly",
        week=week,
        status=status,
        due_at=SLOT,
        created_at=NOW,
        late_reason="",
        sweeps_now=(SLOT,),
        sweeps_then=(),
        content={"headline": {"cost": "12.30"}, "rows": [1, 2.5, None]},
        again=again,
    )


def test_a_run_of_a_week_is_claimed_once(store: Store) -> None:
    with store.transaction() as transaction:
        assert transaction.reports.newest(PAYMENTS, "weekly") is None
        assert transaction.reports.next_attempt(PAYMENTS, "weekly", "2026-W47") == 0
        assert transaction.reports.claim(run())
        assert not transaction.reports.claim(run(status=RunStatus.SKIPPED))
        assert transaction.reports.run(PAYMENTS, "weekly", "2026-W47") == run()
        assert transaction.reports.run(SEARCH, "weekly", "2026-W47") is None
        assert transaction.reports.claim(run("2026-W53"))
        assert transaction.reports.newest(PAYMENTS, "weekly") == run("2026-W53")
        assert transaction.reports.next_attempt(PAYMENTS, "weekly", "2026-W47") == 1
        assert transaction.reports.claim(run(again=1))
        assert transaction.reports.runs("weekly", "2026-W47") == (run(), run(again=1))
        assert transaction.reports.runs_of(PAYMENTS, "weekly") == (run(), run(again=1), run("2026-W53"))
        assert transaction.reports.run(PAYMENTS, "weekly", "2026-W47") == run()
        assert transaction.reports.run(PAYMENTS, "weekly", "2026-W47", again=1) == run(again=1)


def test_of_many_concurrent_claims_exactly_one_succeeds(store: Store) -> None:
    def claim() -> bool:
        with store.transaction() as transaction:
            return transaction.reports.claim(run())

    assert sorted(run_together(*[claim] * 6)) == [False] * 5 + [True]


def test_concurrent_writers_wait_and_none_fails(store: Store) -> None:
    def count_up() -> None:
        for _ in range(20):
            with store.transaction() as transaction:
                (number,) = transaction.alerts.lock(["a"])
                count = number.state["count"]
                assert isinstance(count, int)
                transaction.alerts.put_states([replace(number, state={"count": count + 1})])

    with store.transaction() as transaction:
        transaction.alerts.put_states([replace(state("a"), state={"count": 0})])
    run_together(*[count_up] * 4)
    with store.reading() as transaction:
        counted = transaction.alerts.state("a")
    assert counted is not None
    assert counted.state == {"count": 80}


def test_a_reader_sees_one_state_and_blocks_no_writer(store: Store) -> None:
    with store.transaction() as transaction:
        transaction.heartbeats.record("collect", at=SLOT)
    with store.reading() as reader:
        before = reader.heartbeats.last("collect")
        with store.transaction() as writer:
            writer.heartbeats.record("collect", at=LATER)
        assert reader.heartbeats.last("collect") == before
    with store.reading() as reader:
        assert reader.heartbeats.last("collect") == Heartbeat(stage="collect", kind=HeartbeatKind.OK, at=LATER, details={})


def test_heartbeats_keep_the_newest_of_each_stage_and_kind(store: Store) -> None:
    with store.transaction() as transaction:
        assert transaction.heartbeats.last("collect") is None
        transaction.heartbeats.record("deliver", at=SLOT, details={"sent": 3})
        transaction.heartbeats.record("collect", at=SLOT)
        transaction.heartbeats.record("collect", at=LATER)
        assert transaction.heartbeats.last("collect") == Heartbeat(stage="collect", kind=HeartbeatKind.OK, at=LATER, details={})
        transaction.heartbeats.record("collect", HeartbeatKind.FAILED, at=SLOT, details={"reason": "503"})
        assert transaction.heartbeats.last("collect") == Heartbeat(stage="collect", kind=HeartbeatKind.OK, at=LATER, details={})
        assert [(one.stage, one.kind) for one in transaction.heartbeats.all()] == [
            ("collect", HeartbeatKind.FAILED),
            ("collect", HeartbeatKind.OK),
            ("deliver", HeartbeatKind.OK),
        ]


def test_a_cluster_is_seen_lost_reported_and_seen_again(store: Store) -> None:
    seen = ClusterState(name="eu-1", last_seen=SLOT, lost_since=None, notified_at=None, removed_at=None)
    with store.transaction() as transaction:
        transaction.clusters.record_seen(["eu-1", "us@1"], as_of=SLOT)
        assert transaction.clusters.all() == (seen, replace(seen, name="us@1"))
        transaction.clusters.record_lost("eu-1", as_of=LATER)
        transaction.clusters.record_lost("eu-1", as_of=MUCH_LATER)
        transaction.clusters.mark_notified("eu-1", at=NOW)
        assert transaction.clusters.lost() == (replace(seen, lost_since=LATER, notified_at=NOW),)
        transaction.clusters.record_removed("eu-1", as_of=MUCH_LATER)
        assert transaction.clusters.lost() == ()
        transaction.clusters.record_seen(["eu-1"], as_of=MUCH_LATER)
        assert transaction.clusters.all()[0] == replace(seen, last_seen=MUCH_LATER, notified_at=NOW)
        transaction.clusters.mark_notified("eu-1", at=None)
        assert transaction.clusters.all()[0] == replace(seen, last_seen=MUCH_LATER)
