"""The control desk under `/control/`: clock, calls, faults, modes, latency, scenario, tokens, and what Slack and PagerDuty received."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime

from pydantic import TypeAdapter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulator.errors import ApiError, read_json_object, read_query
from simulator.faults import Fault
from simulator.scenarios import find_scenario
from simulator.state import Modes, State
from simulator.world import Record

_FAULTS = TypeAdapter(list[Fault])
_CHANNELS = TypeAdapter(dict[str, Record])


def routes(state: State) -> list[Route]:
    """Answer all routes of the desk."""
    desk = ControlApi(state)
    handlers: tuple[tuple[str, str, Callable[[Request], Awaitable[object]]], ...] = (
        ("GET", "/clock", desk.tell_clock),
        ("PUT", "/clock", desk.set_clock),
        ("GET", "/calls", desk.tell_calls),
        ("DELETE", "/calls", desk.forget_calls),
        ("GET", "/faults", desk.tell_faults),
        ("PUT", "/faults", desk.plan_faults),
        ("DELETE", "/faults", desk.drop_faults),
        ("GET", "/modes", desk.tell_modes),
        ("PUT", "/modes", desk.set_modes),
        ("PUT", "/latency", desk.set_latency),
        ("PUT", "/scenario", desk.set_scenario),
        ("GET", "/story", desk.tell_story),
        ("DELETE", "/tokens", desk.revoke_tokens),
        ("GET", "/slack/messages", desk.tell_slack_messages),
        ("GET", "/slack/channels", desk.tell_slack_channels),
        ("PUT", "/slack/channels", desk.set_slack_channels),
        ("GET", "/pagerduty/events", desk.tell_pagerduty_events),
        ("GET", "/pagerduty/incidents", desk.tell_pagerduty_incidents),
    )
    return [Route(path, _answering(handle), methods=[method]) for method, path, handle in handlers]


def _answering(handle: Callable[[Request], Awaitable[object]]) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        try:
            return JSONResponse(await handle(request))
        except (KeyError, TypeError, ValueError) as error:
            return JSONResponse({"error": str(error)}, status_code=400)
        except ApiError as refusal:
            return JSONResponse({"error": refusal.message}, status_code=refusal.status)

    return answer


def _after(request: Request) -> int:
    return int(read_query(request, {"after": None}).get("after", "0"))


class ControlApi:
    """One method a route; each answers what the state is now."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def tell_clock(self, _: Request) -> object:
        """The simulated instant."""
        return {"now": self._state.clock.now().isoformat()}

    async def set_clock(self, request: Request) -> object:
        """Stop the clock at an aware instant; null lets it run."""
        text = (await read_json_object(request))["now"]
        now = None if text is None else datetime.fromisoformat(text)
        if now is not None and now.tzinfo is None:
            raise ApiError(400, "the instant needs a zone")
        self._state.clock.set(now)
        return await self.tell_clock(request)

    async def tell_calls(self, _: Request) -> object:
        """Counts per service and route."""
        return {service: dict(counts) for service, counts in self._state.calls.items()}

    async def forget_calls(self, request: Request) -> object:
        """Start counting anew."""
        self._state.calls.clear()
        return await self.tell_calls(request)

    async def tell_faults(self, _: Request) -> object:
        """What is planned, with what is left of it."""
        return _FAULTS.dump_python(self._state.faults, mode="json")

    async def plan_faults(self, request: Request) -> object:
        """Replace the plan."""
        self._state.faults = _FAULTS.validate_json(await request.body())
        return await self.tell_faults(request)

    async def drop_faults(self, request: Request) -> object:
        """Behave again."""
        self._state.faults = []
        return await self.tell_faults(request)

    async def tell_modes(self, _: Request) -> object:
        """How ScaleOps behaves where its documents leave the choice."""
        return self._state.modes.model_dump()

    async def set_modes(self, request: Request) -> object:
        """Change some modes; the others stay."""
        self._state.modes = Modes.model_validate(self._state.modes.model_dump() | await read_json_object(request))
        return await self.tell_modes(request)

    async def set_latency(self, request: Request) -> object:
        """Wait so many milliseconds before every answer."""
        milliseconds = float((await read_json_object(request))["ms"])
        self._state.latency_s = milliseconds / 1000
        return {"ms": milliseconds}

    async def set_scenario(self, request: Request) -> object:
        """Load another scenario; everything else is forgotten."""
        self._state.load(find_scenario(str((await read_json_object(request))["scenario"])))
        return {"scenario": self._state.scenario.name}

    async def tell_story(self, _: Request) -> object:
        """Dates and names of the scenario's events."""
        return self._state.scenario.story

    async def revoke_tokens(self, _: Request) -> object:
        """Make every bearer token that was handed out useless."""
        for token in self._state.tokens:
            self._state.tokens[token] = self._state.clock.now()
        return {"revoked": len(self._state.tokens)}

    async def tell_slack_messages(self, request: Request) -> object:
        """Accepted messages, oldest first; with `?after=N` without the first N."""
        return self._state.slack.messages[_after(request) :]

    async def tell_slack_channels(self, _: Request) -> object:
        """Channels by id."""
        return self._state.slack.channels

    async def set_slack_channels(self, request: Request) -> object:
        """Replace the channels."""
        self._state.slack.channels = _CHANNELS.validate_json(await request.body())
        return self._state.slack.channels

    async def tell_pagerduty_events(self, request: Request) -> object:
        """Accepted events, oldest first; with `?after=N` without the first N."""
        return self._state.pagerduty.events[_after(request) :]

    async def tell_pagerduty_incidents(self, _: Request) -> object:
        """Incidents, oldest first."""
        return self._state.pagerduty.incidents
