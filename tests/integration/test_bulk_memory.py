"""A hundred thousand workloads, or cost rows, in one response: what reading them adds to the memory of a process."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

import pytest

from benchmarks import scale_data
from tests.house.test_floor_plan import ROOT

ROWS: Final = 100_000
_MIB: Final = 2**20
_ROWS_KEPT_MIB: Final = 120
_READ: Final = """
import json, sys
from benchmarks.process_memory import peak_mib, resident_mib
from clients.http.client import HttpClient, HttpOptions
from clients.scaleops.client import ScaleOpsClient
from clients.scaleops.tokens import FixedToken

scaleops = ScaleOpsClient(HttpClient("ScaleOps", sys.argv[1], HttpOptions()), FixedToken("a-token"))
before = resident_mib()
match sys.argv[2]:
    case "workloads":
        rows = sum(1 for _ in scaleops.all_workloads())
    case "costs":
        rows = len(scaleops.all_costs("scale-a", cost_range="7d"))
print(json.dumps([rows, peak_mib() - before]))
"""


@pytest.fixture(scope="module")
def bodies() -> dict[str, bytes]:
    """Return the responses, by the last part of their path."""
    workload = json.loads(scale_data.workloads_body(0))["workloads"][0]
    cost = json.loads(scale_data.costs_body(0, scale_data.CLUSTERS[0]))["aggregatedWorkloads"][0]
    rows = {"byNamespace": ("workloads", workload), "getWorkloads": ("aggregatedWorkloads", cost)}
    found = {}
    for path, (member, row) in rows.items():
        text = json.dumps(row)
        numbered = (
            text.replace("service-00000", f"service-{number:06}").replace("SERVICE-00000", f"SERVICE-{number:06}")
            for number in range(ROWS)
        )
        found[path] = f'{{"{member}": [{",".join(numbered)}]}}'.encode()
    return found


@pytest.fixture(scope="module")
def large_scaleops(bodies: dict[str, bytes]) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))  # what is unread when the connection is closed resets it
            body = bodies[self.path.partition("?")[0].rpartition("/")[2]]
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("what", "path", "kept_mib"), [("workloads", "byNamespace", 0), ("costs", "getWorkloads", _ROWS_KEPT_MIB)]
)
def test_reading_100_000_rows_takes_the_body_once_and_what_is_kept(
    large_scaleops: str, bodies: dict[str, bytes], what: str, path: str, kept_mib: int
) -> None:
    command = [sys.executable, "-c", _READ, large_scaleops, what]
    read = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True)
    rows, grown_mib = json.loads(read.stdout)
    assert rows == ROWS
    assert grown_mib < 1.3 * len(bodies[path]) / _MIB + 16 + kept_mib
    assert grown_mib < 600
