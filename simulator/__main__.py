"""`python -m simulator --port N --scenario NAME`: serve until interrupted; one JSON line tells where, once it listens."""

from __future__ import annotations

import argparse
import json
import sys
import threading

import uvicorn

from simulator.scenarios import UnknownScenario, find_scenario
from simulator.serving import addresses_at, bind, build_server, settings_for
from simulator.state import State


def main(arguments: list[str] | None = None) -> int:
    """Serve. Answers 2 when the scenario or the port cannot be had."""
    parser = argparse.ArgumentParser(
        prog="python -m simulator", description="Stand-in ScaleOps, Backstage, Slack and PagerDuty servers."
    )
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 takes any free one")
    parser.add_argument("--scenario", default="demo", help="demo, crowd:N, or a folder with upstream.json and catalog.yaml")
    parser.add_argument(
        "--with-parent", action="store_true", help="end when standard input does, that is with whoever started it"
    )
    given = parser.parse_args(arguments)
    try:
        state = State(find_scenario(given.scenario))
        taken = bind(given.port)
    except (UnknownScenario, OSError) as error:
        print(f"simulator: {error}", file=sys.stderr)  # noqa: T201 - a command's last word
        return 2
    taken.listen()
    addresses = addresses_at(taken.getsockname()[1])
    print(json.dumps({**addresses, "settings": settings_for(addresses, state.world())}), flush=True)  # noqa: T201 - the line that a parent process waits for
    server = build_server(state)
    if given.with_parent:
        threading.Thread(target=_end_with_parent, args=(server,), daemon=True).start()
    server.run(sockets=[taken])
    return 0


def _end_with_parent(server: uvicorn.Server) -> None:
    """Stop when the parent is gone, however it ended: its end of the pipe closes with it."""
    while sys.stdin.buffer.read(1):
        pass
    server.should_exit = True


if __name__ == "__main__":
    sys.exit(main())
