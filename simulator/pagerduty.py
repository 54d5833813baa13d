"""The simulated PagerDuty: Events API v2 with validation, deduplication and incidents per routing key.

Sources: PagerDuty/developer-docs, `docs/events-API-v2/` (overview, trigger, acknowledge and resolve, rate limits).
"""

from __future__ import annotations

import json
import uuid
from datetime import datetime
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
        errors = check_event(event, state.pagerduty.known_keys)
        if errors:
            return _invalid("Event object is invalid", errors)
        dedup_key = event.get("dedup_key") or uuid.uuid4().hex
        received_at = state.clock.now().isoformat()
        state.pagerduty.events.append({"received_at": received_at, "event": event})
        _apply(state.pagerduty.incidents, event, dedup_key, received_at)
        return JSONResponse({"status": "success", "message": "Event processed", "dedup_key": dedup_key}, status_code=202)

    async def enqueue_change(request: Request) -> Response:
        raw = await request.body()
        if len(raw) > MAX_EVENT_BYTES:
            return JSONResponse({"status": "payload too large", "message": "Event exceeds 512 KB"}, status_code=413)
        try:
            change = json.loads(raw)
        except ValueError:
            return _invalid("Event object format is unrecognized", ["JSON parse error"])
        errors = check_change(change, state.pagerduty.known_keys)
        if errors:
            return _invalid("Event object is invalid", errors)
        state.pagerduty.changes.append({"received_at": state.clock.now().isoformat(), "event": change})
        return JSONResponse({"status": "success", "message": "Change event processed"}, status_code=202)

    return [Route("/v2/enqueue", enqueue, methods=["POST"]), Route("/v2/change/enqueue", enqueue_change, methods=["POST"])]


def _invalid(message: str, errors: list[str]) -> Response:
    return JSONResponse({"status": "invalid event", "message": message, "errors": errors}, status_code=400)


def check_event(event: object, known_keys: frozenset[str] | None = None) -> list[str]:
    """Return why PagerDuty refuses an event; empty if it accepts it."""
    if not isinstance(event, dict):
        return ["Event must be an object"]
    action, dedup_key = event.get("event_action"), event.get("dedup_key")
    errors = _key_errors(event.get("routing_key"), known_keys)
    if action not in ACTIONS:
        errors.append("'event_action' must be one of trigger, acknowledge, resolve")
    if action in {"acknowledge", "resolve"} and not dedup_key:
        errors.append("'dedup_key' is missing or blank")
    if len(str(dedup_key or "")) > MAX_DEDUP_KEY:
        errors.append("Length of 'dedup_key' is too long (maximum 255 characters)")
    if action == "trigger":
        errors += _payload_errors(event.get("payload"), required=("summary", "source", "severity"))
        errors += _link_errors(event.get("links"))
        errors += [
            "'images' src must be https"
            for image in event.get("images") or []
            if not str(image.get("src")).startswith("https://")
        ]
    return errors


def check_change(event: object, known_keys: frozenset[str] | None = None) -> list[str]:
    """Return why PagerDuty refuses a change event; empty if it accepts it."""
    if not isinstance(event, dict):
        return ["Event must be an object"]
    errors = _key_errors(event.get("routing_key"), known_keys)
    errors += _payload_errors(event.get("payload"), required=("summary",)) + _link_errors(event.get("links"))
    unknown = sorted(set(event) - {"routing_key", "payload", "links", "images"})
    return errors + [f"'{name}' is not a field of a change event" for name in unknown]


def _key_errors(key: object, known_keys: frozenset[str] | None) -> list[str]:
    if not isinstance(key, str) or not key:
        return ["'routing_key' is missing or blank"]
    if len(key) != KEY_LENGTH:
        return ["Length of 'routing_key' is incorrect (should be 32 characters)"]
    return [] if known_keys is None or key in known_keys else ["Invalid routing key"]


def _payload_errors(payload: object, *, required: tuple[str, ...]) -> list[str]:
    if not isinstance(payload, dict):
        return ["'payload' is missing or blank"]
    errors = [f"'payload.{name}' is missing or blank" for name in required if not payload.get(name)]
    if payload.get("severity") and payload["severity"] not in SEVERITIES:
        errors.append("'payload.severity' is invalid (must be one of critical, error, warning, info)")
    if len(str(payload.get("summary", ""))) > MAX_SUMMARY:
        errors.append("Length of 'payload.summary' is too long (maximum 1024 characters)")
    if not _is_timestamp(payload.get("timestamp")):
        errors.append("'payload.timestamp' is not a valid ISO 8601 timestamp")
    if not isinstance(payload.get("custom_details", {}), dict | str):
        errors.append("'payload.custom_details' must be an object")
    return errors


def _is_timestamp(value: object) -> bool:
    try:
        return value is None or datetime.fromisoformat(str(value)) is not None
    except ValueError:
        return False


def _link_errors(links: object) -> list[str]:
    if links is None:
        return []
    if not isinstance(links, list):
        return ["'links' must be an array"]
    is_valid = [isinstance(link, dict) and str(link.get("href") or "").startswith(("https://", "http://")) for link in links]
    return [f"'links[{at}].href' is missing or not a URL" for at, valid in enumerate(is_valid) if not valid]


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
