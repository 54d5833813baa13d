"""JSON from outside, read so that it can mean one thing only: each key once, and no NaN or Infinity."""

from __future__ import annotations

import json
from typing import Any

from gateway.responses import bad_request


def parse_strictly(body: bytes) -> Any:  # noqa: ANN401 - any JSON
    """Read a body.

    Raises:
        Refused: 400, it is no JSON, or JSON that readers understand differently.
    """
    try:
        return json.loads(body.decode("utf-8"), object_pairs_hook=_each_key_once, parse_constant=_no_constant)
    except _Unacceptable as why:
        raise bad_request(str(why)) from None
    except (ValueError, RecursionError):
        message = "the body is no JSON"
        raise bad_request(message) from None


class _Unacceptable(Exception):
    """JSON, but not of a kind that is read."""


def _each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        message = "the body holds a key twice"
        raise _Unacceptable(message)
    return found


def _no_constant(name: str) -> None:
    message = f"the body holds {name}, which is no JSON"
    raise _Unacceptable(message)
