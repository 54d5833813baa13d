"""Evaluating a sweep holds no lock while it reads, decides and renders; what others write meanwhile counts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from domain.messages import EventAction
from store import Store
from tasks.context import StageContext
from tasks.evaluate.manual import acknowledge_alert
from tasks.evaluate.stage import evaluate
from tests.integration.alert_installation import Installation, alert, fine, starved


def while_rendering(context: StageContext, act: Callable[[], object]) -> StageContext:
    """Return a context in which something happens once, when the first notice is rendered."""
    pending = [act]

    def link(workload_name: str, labels: tuple[str, ...]) -> str:
        if pending:
            pending.pop()()
        return f"https://scaleops.example/{workload_name}/{labels}"

    return replace(context, policy=replace(context.policy, dashboard_link=link))


def test_others_write_while_a_sweep_is_evaluated(store: Store) -> None:
    installation = Installation(store=store)
    installation.sweep({"checkout": [starved()]})

    def write() -> None:
        with store.transaction() as transaction:
            transaction.heartbeats.record("deliver", at=installation.now)

    evaluate(while_rendering(installation.context, write))
    assert {message.action for message in installation.new_messages()} == {EventAction.TRIGGER, EventAction.POST}
    with store.reading() as transaction:
        assert transaction.heartbeats.last("deliver") is not None


def test_an_acknowledgement_while_a_sweep_is_evaluated_stops_its_repeat(store: Store) -> None:
    installation = Installation(store=store)
    installation.run({"checkout": [fine()]}, *({"checkout": [starved()]} for _ in range(4)))
    installation.sweep({"checkout": [starved()]})
    context = installation.context
    evaluate(while_rendering(context, lambda: acknowledge_alert(context, str(alert("checkout")), by="ana")))
    assert [message.action for message in installation.new_messages()] == [EventAction.ACKNOWLEDGE, EventAction.UPDATE]
    incident = installation.state(alert("checkout")).incident
    assert incident is not None
    assert incident.acknowledged is not None


def test_a_sweep_that_another_run_evaluated_meanwhile_is_left_alone(store: Store) -> None:
    installation = Installation(store=store)
    installation.sweep({"checkout": [starved()]})
    context = installation.context
    result = evaluate(while_rendering(context, lambda: evaluate(context)))
    assert (result.sweeps, result.messages) == ([], 0)
    assert len(installation.new_messages()) == 2
    installation.state(alert("checkout"))
