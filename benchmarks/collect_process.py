"""One process that calls ScaleOps: the collect stage, or a bare client that repeats the calls of a collect.

`python -m benchmarks.collect_process collect|record|bare FILE`, with the settings as JSON on stdin. Prints one line of JSON:
seconds, CPU seconds, peak resident memory in MiB. `record` writes the calls of a collect to FILE, `bare` makes those of FILE.
"""

from __future__ import annotations

import json
import resource
import ssl
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Lock
from typing import Any, Final

import httpx

from benchmarks.process_memory import peak_mib
from clients.http.client import HttpClient, HttpOptions, TimeLeft, unlimited
from clients.http.messages import HttpRequest, HttpResponse
from clients.scaleops.client import ScaleOpsClient
from tasks.collect.stage import collect
from tasks.context import StageContext
from wiring.config_file import ConfigFile
from wiring.contexts import build_stage_context
from wiring.environment import resolve_settings
from wiring.loaded_config import LoadedConfig
from wiring.services import LiveServices

IN_FLIGHT: Final = 16


class RecordingHttpClient(HttpClient):
    """Keeps the requests that it sent."""

    def __init__(self, base_url: str) -> None:
        super().__init__("ScaleOps", base_url, HttpOptions(max_in_flight=IN_FLIGHT))
        self.sent: list[HttpRequest] = []

    def send(self, request: HttpRequest, *, time_left: TimeLeft = unlimited) -> HttpResponse:
        """Send a request and record it."""
        self.sent.append(request)
        return super().send(request, time_left=time_left)


def main() -> int:
    """Run the task that the arguments name, and print what it used."""
    what, file = sys.argv[1], Path(sys.argv[2])
    settings: dict[str, str] = json.load(sys.stdin)
    with tempfile.TemporaryDirectory() as folder:
        values = {
            **settings,
            "DATABASE_URL": f"sqlite:///{folder}/bench.db",
            "WORKER_SECRET_KEY": "a-secret-of-the-benchmark",
            "SCALEOPS_MAX_CONCURRENCY": str(IN_FLIGHT),
        }
        config = LoadedConfig(resolved=resolve_settings(values, None), config=ConfigFile())
        with build_stage_context(config) as context:
            match what:
                case "collect":
                    usage = timed(lambda: collect(context))
                case "record":
                    usage = timed(lambda: record(context, settings["SCALEOPS_BASE_URL"], file))
                case "bare":
                    calls = json.loads(file.read_text(encoding="utf-8"))
                    usage = timed(lambda: repeat_bare(calls, settings["SCALEOPS_BASE_URL"]))
                case _:
                    return 2
    print(json.dumps(usage))
    return 0


def timed(work: Callable[[], object]) -> dict[str, float]:
    """Run `work` and return its wall time, CPU time and peak memory."""
    before = resource.getrusage(resource.RUSAGE_SELF)
    started = time.perf_counter()
    work()
    seconds = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"seconds": seconds, "cpu_s": cpu, "peak_mib": peak_mib()}


def record(context: StageContext, base_url: str, file: Path) -> None:
    """Collect, and write every call to ScaleOps except the login to a file."""
    services = context.services
    if not isinstance(services, LiveServices):
        raise TypeError(services)
    http = RecordingHttpClient(base_url)
    login = HttpClient("ScaleOps", base_url, HttpOptions())
    services.scaleops = ScaleOpsClient(http, services.scaleops_credentials(login))
    with closing(http), closing(login):
        collect(context)
    calls = [
        {"method": sent.method, "target": sent.target, "headers": dict(sent.headers), "body": (sent.body or b"").decode()}
        for sent in http.sent
    ]
    file.write_text(json.dumps(calls), encoding="utf-8")


def repeat_bare(calls: list[dict[str, Any]], base_url: str) -> None:
    """Make the calls in order with one client per thread, and read the bodies without parsing them."""
    remaining = iter(calls)
    lock = Lock()

    def work() -> None:
        with httpx.Client(trust_env=False, verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)) as client:
            while True:
                with lock:
                    call = next(remaining, None)
                if call is None:
                    return
                address = base_url + call["target"]
                response = client.request(call["method"], address, headers=call["headers"], content=call["body"] or None)
                response.raise_for_status()

    with ThreadPoolExecutor(IN_FLIGHT) as pool:
        for worker in [pool.submit(work) for _ in range(IN_FLIGHT)]:
            worker.result()


if __name__ == "__main__":
    sys.exit(main())
