"""The simulated PagerDuty: Events API v2 with validation, deduplication and incidents per routing key.

Sources: PagerDuty/developer-docs, `docs/events-API-v2/` (overview, trigger, acknowledge and resolve, rate limits).
"""

from __future__ import annotations

import json
import uuid
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulator.state import State
from simulator.world import Record

KEY_LENGTH: Final = 32
MAX_EVENT_BYTES: Final = 512_000
MAX_SUMMARY: Final = 1024
MAX_DEDUP_KEY: Final = 255
SEVERITIES: Final = frozenset({"critical", "error", "warning", "info"})
ACTIONS: Final = frozenset({"trigger", "acknowledge", "resolve"})


def routes(state: State) -> list[Route]:
    """Return the route of the Events API."""

    async def enqueue(request: Request) -> Response:
        raw = await request.body()
        if len(raw) > MAX_EVENT_BYTES:
            return JSONResponse({"status": "payload too large", "message": "Event exceeds 512 KB"}, status_code=413)
        try:
            event = json.loads(raw)
        except ValueError:
            return _invalid("Event object format is unrecognized", ["JSON parse error"])
        errors = _event_errors(event, state.pagerduty.known_keys)
        if errors:
            return _invalid("Event object is invalid", errors)
        dedup_key = event.get("dedup_key") or uuid.uuid4().hex
        received_at = state.clock.now().isoformat()
        state.pagerduty.events.append({"received_at": received_at, "event": event})
        _apply(state.pagerduty.incidents, event, dedup_key, received_at)
        return JSONResponse({"status": "success", "message": "Event processed", "dedup_key": dedup_key}, status_code=202)

    return [Route("/v2/enqueue", enqueue, methods=["POST"])]


def _invalid(message: str, errors: list[str]) -> Response:
    return JSONResponse({"status": "invalid event", "message": message, "errors": errors}, status_code=400)


def _event_errors(event: object, known_keys: frozenset[str] | None) -> list[str]:
    if not isinstance(event, dict):
        return ["Event must be an object"]
    errors = []
    key, action = event.get("routing_key"), event.get("event_action")
    if not isinstance(key, str):
        errors.append("'routing_key' is missing or blank")
    elif len(key) != KEY_LENGTH:
        errors.append("Length of 'routing_key' is incorrect (should be 32 characters)")
    elif known_keys is not None and key not in known_keys:
        errors.append("Invalid routing key")
    if action not in ACTIONS:
        errors.append("'event_action' must be one of trigger, acknowledge, resolve")
    dedup_key = event.get("dedup_key")
    if action in {"acknowledge", "resolve"} and not dedup_key:
        errors.append("'dedup_key' is missing or blank")
    if len(str(dedup_key or "")) > MAX_DEDUP_KEY:
        errors.append("Length of 'dedup_key' is too long (maximum 255 characters)")
    if action == "trigger":
        errors += _payload_errors(event.get("payload"))
        errors += [
            "'images' src must be https"
            for image in event.get("images") or []
            if not str(image.get("src")).startswith("https://")
        ]
    return errors


def _payload_errors(payload: object) -> list[str]:
    if not isinstance(payload, dict):
        return ["'payload' is missing or blank"]
    errors = [f"'payload.{name}' is missing or blank" for name in ("summary", "source", "severity") if not payload.get(name)]
    if payload.get("severity") and payload["severity"] not in SEVERITIES:
        errors.append("'payload.severity' is invalid (must be one of critical, error, warning, info)")
    if len(str(payload.get("summary", ""))) > MAX_SUMMARY:
        errors.append("Length of 'payload.summary' is too long (maximum 1024 characters)")
    return errors


def _apply(incidents: list[Record], event: Record, dedup_key: str, at: str) -> None:
    """Open, deduplicate, acknowledge or resolve. Without an open incident the last two have no effect, as in PagerDuty."""
    key, action = event["routing_key"], event["event_action"]
    matching = (one for one in incidents if (one["routing_key"], one["dedup_key"], one["resolved_at"]) == (key, dedup_key, None))
    incident = next(matching, None)
    if incident is None:
        if action == "trigger":
            incidents.append(_new_incident(event, dedup_key, at))
        return
    match action:
        case "trigger":
            incident["triggers"] += 1
        case "acknowledge":
            incident["status"], incident["acknowledged_at"] = "acknowledged", at
        case "resolve":
            incident["status"], incident["resolved_at"] = "resolved", at


def _new_incident(event: Record, dedup_key: str, at: str) -> Record:
    return {
        "routing_key": event["routing_key"],
        "dedup_key": dedup_key,
        "status": "triggered",
        "summary": event["payload"]["summary"],
        "severity": event["payload"]["severity"],
        "source": event["payload"]["source"],
        "triggers": 1,
        "opened_at": at,
        "acknowledged_at": None,
        "resolved_at": None,
    }
