"""The control API under `/control/`: clock, calls, faults, modes, latency, scenario, tokens, and what Slack and PagerDuty received."""

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
    """Return all routes of the control API."""
    api = ControlApi(state)
    handlers: tuple[tuple[str, str, Callable[[Request], Awaitable[object]]], ...] = (
        ("GET", "/clock", api.get_clock),
        ("PUT", "/clock", api.set_clock),
        ("GET", "/calls", api.get_calls),
        ("DELETE", "/calls", api.reset_calls),
        ("GET", "/faults", api.get_faults),
        ("PUT", "/faults", api.set_faults),
        ("DELETE", "/faults", api.delete_faults),
        ("GET", "/modes", api.get_modes),
        ("PUT", "/modes", api.set_modes),
        ("PUT", "/latency", api.set_latency),
        ("PUT", "/scenario", api.set_scenario),
        ("GET", "/story", api.get_story),
        ("DELETE", "/tokens", api.revoke_tokens),
        ("GET", "/slack/messages", api.get_slack_messages),
        ("GET", "/slack/received", api.get_slack_received),
        ("GET", "/slack/channels", api.get_slack_channels),
        ("PUT", "/slack/channels", api.set_slack_channels),
        ("GET", "/pagerduty/events", api.get_pagerduty_events),
        ("GET", "/pagerduty/incidents", api.get_pagerduty_incidents),
    )
    return [Route(path, _json_endpoint(handle), methods=[method]) for method, path, handle in handlers]


def _json_endpoint(handle: Callable[[Request], Awaitable[object]]) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            return JSONResponse(await handle(request))
        except (KeyError, TypeError, ValueError) as error:
            return JSONResponse({"error": str(error)}, status_code=400)
        except ApiError as error:
            return JSONResponse({"error": error.message}, status_code=error.status)

    return endpoint


def _after(request: Request) -> int:
    return int(read_query(request, {"after": None}).get("after", "0"))


class ControlApi:
    """One method per route; each returns the current state."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def get_clock(self, _: Request) -> object:
        """Return the simulated instant."""
        return {"now": self._state.clock.now().isoformat()}

    async def set_clock(self, request: Request) -> object:
        """Freeze the clock at an aware instant; null resumes real time."""
        text = (await read_json_object(request))["now"]
        now = None if text is None else datetime.fromisoformat(text)
        if now is not None and now.tzinfo is None:
            raise ApiError(400, "the instant needs a time zone")
        self._state.clock.set(now)
        return await self.get_clock(request)

    async def get_calls(self, _: Request) -> object:
        """Return call counts per service and route."""
        return {service: dict(counts) for service, counts in self._state.calls.items()}

    async def reset_calls(self, request: Request) -> object:
        """Reset the call counts."""
        self._state.calls.clear()
        return await self.get_calls(request)

    async def get_faults(self, _: Request) -> object:
        """Return the planned faults with their remaining counts."""
        return _FAULTS.dump_python(self._state.faults, mode="json")

    async def set_faults(self, request: Request) -> object:
        """Replace the planned faults."""
        self._state.faults = _FAULTS.validate_json(await request.body())
        return await self.get_faults(request)

    async def delete_faults(self, request: Request) -> object:
        """Delete the planned faults."""
        self._state.faults = []
        return await self.get_faults(request)

    async def get_modes(self, _: Request) -> object:
        """Return the modes of ScaleOps."""
        return self._state.modes.model_dump()

    async def set_modes(self, request: Request) -> object:
        """Change some modes; the others are kept."""
        self._state.modes = Modes.model_validate(self._state.modes.model_dump() | await read_json_object(request))
        return await self.get_modes(request)

    async def set_latency(self, request: Request) -> object:
        """Delay every response by this many milliseconds."""
        milliseconds = float((await read_json_object(request))["ms"])
        self._state.latency_s = milliseconds / 1000
        return {"ms": milliseconds}

    async def set_scenario(self, request: Request) -> object:
        """Load another scenario and reset everything else."""
        self._state.load(find_scenario(str((await read_json_object(request))["scenario"])))
        return {"scenario": self._state.scenario.name}

    async def get_story(self, _: Request) -> object:
        """Return dates and names of the scenario's events."""
        return self._state.scenario.story

    async def revoke_tokens(self, _: Request) -> object:
        """Revoke every bearer token that was issued."""
        for token in self._state.tokens:
            self._state.tokens[token] = self._state.clock.now()
        return {"revoked": len(self._state.tokens)}

    async def get_slack_messages(self, request: Request) -> object:
        """Return accepted messages, oldest first; `?after=N` skips the first N."""
        return self._state.slack.messages[_after(request) :]

    async def get_slack_received(self, request: Request) -> object:
        """Return messages as they read after each accepted post and edit, oldest first; `?after=N` skips the first N."""
        return self._state.slack.received[_after(request) :]

    async def get_slack_channels(self, _: Request) -> object:
        """Return channels by id."""
        return self._state.slack.channels

    async def set_slack_channels(self, request: Request) -> object:
        """Replace the channels."""
        self._state.slack.channels = _CHANNELS.validate_json(await request.body())
        return self._state.slack.channels

    async def get_pagerduty_events(self, request: Request) -> object:
        """Return accepted events, oldest first; `?after=N` skips the first N."""
        return self._state.pagerduty.events[_after(request) :]

    async def get_pagerduty_incidents(self, _: Request) -> object:
        """Return incidents, oldest first."""
        return self._state.pagerduty.incidents
