"""What the gateway holds in memory while it receives, parses, compresses and sends large responses."""

import gzip
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from clients.http.byte_budget import ByteBudget
from clients.http.errors import ServiceError
from gateway.compression import Compression
from gateway.proxy.body_worker import MAX_BODY_BYTES, MAX_HELD_BYTES, BodyWorker
from gateway.proxy.cache import MAX_BYTES
from gateway.responses import JSON_TYPE, PIECE_BYTES, GatewayResponse

BODY = b'{"workloads":[' + b'{"name":"checkout"},' * 500 + b"{}]}"
JSON = GatewayResponse(status=200, headers=(JSON_TYPE,), body=BODY)


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), max_size=60))
def test_the_budget_counts_each_body_once_and_never_more_than_its_limit(steps: list[tuple[int, bool]]) -> None:
    budget = ByteBudget(100)
    bodies = [bytes(10 * number + 10) for number in range(6)]
    held: list[tuple[int, Any]] = []
    for number, is_taken in steps:
        if is_taken:
            holding = budget.holding(bodies[number])
            try:
                holding.__enter__()
            except ServiceError:
                continue
            held.append((number, holding))
        elif held:
            held.pop(number % len(held))[1].__exit__(None, None, None)
        assert budget.held_bytes == sum(len(bodies[number]) for number in {number for number, _ in held}) <= 100


def test_what_is_held_fits_into_the_memory_limit_of_the_chart() -> None:
    values = yaml.safe_load((Path(__file__).parents[2] / "deploy" / "chart" / "values.yaml").read_text(encoding="utf-8"))
    limit = values["gateway"]["resources"]["limits"]["memory"]
    process, parsed = 140 * 2**20, 8 * MAX_BODY_BYTES

    assert process + MAX_BYTES + MAX_HELD_BYTES + parsed <= int(limit.removesuffix("Mi")) * 2**20


@pytest.mark.anyio
@pytest.mark.parametrize("length", [0, 1, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 2 * PIECE_BYTES, 5 * PIECE_BYTES + 7])
async def test_a_body_is_sent_in_pieces_that_a_slow_reader_bounds(length: int) -> None:
    body = bytes(number % 251 for number in range(length))
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    await GatewayResponse(status=200, body=body)({}, receive, send)

    pieces = [message["body"] for message in sent[1:]]
    assert b"".join(pieces) == body
    assert max(map(len, pieces)) <= PIECE_BYTES
    assert [message.get("more_body", False) for message in sent[1:]] == [True] * (len(pieces) - 1) + [False]


def a_compression(*, ttl_s: float = 15) -> Compression:
    return Compression(BodyWorker(ByteBudget(2**20)), ttl_s=ttl_s, timer=lambda: 0.0)


@pytest.mark.anyio
@pytest.mark.parametrize("accepted", [b"gzip", b"gzip, deflate, br", b"br;q=1.0, gzip;q=0.8"])
async def test_json_is_compressed_for_clients_that_accept_it(accepted: bytes) -> None:
    response = await a_compression().apply(JSON, [(b"accept-encoding", accepted)])

    assert (b"content-encoding", b"gzip") in response.headers
    assert gzip.decompress(response.body) == BODY
    assert len(response.body) < len(BODY) / 10


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("response", "accepted"),
    [
        (JSON, b"identity"),
        (JSON, b"gzip;q=0, br"),
        (JSON, b"gzip; q=0.0"),
        (GatewayResponse(status=200, headers=(JSON_TYPE,), body=b"{}"), b"gzip"),
        (GatewayResponse(status=200, headers=((b"content-type", b"image/png"),), body=BODY), b"gzip"),
    ],
)
async def test_other_responses_pass_unchanged(response: GatewayResponse, accepted: bytes) -> None:
    assert await a_compression().apply(response, [(b"accept-encoding", accepted)]) is response


@pytest.mark.anyio
async def test_a_cached_body_is_compressed_once() -> None:
    kept, anew = a_compression(), a_compression(ttl_s=0)
    accept = [(b"accept-encoding", b"gzip")]

    first, second = [await kept.apply(JSON, accept) for _ in range(2)]
    third, fourth = [await anew.apply(JSON, accept) for _ in range(2)]

    assert first.body is second.body
    assert third.body is not fourth.body
