"""`python -m simulator --port N --scenario NAME`: serves until interrupted; prints one JSON line with its URLs once it listens."""

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
    """Serve. Return 2 if the scenario or the port is not available."""
    parser = argparse.ArgumentParser(
        prog="python -m simulator", description="Simulated ScaleOps, Backstage, Slack and PagerDuty servers."
    )
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0: any free port")
    parser.add_argument("--scenario", default="demo", help="demo, crowd:N, or a folder with upstream.json and catalog.yaml")
    parser.add_argument(
        "--with-parent", action="store_true", help="exit when standard input closes, that is with the parent process"
    )
    options = parser.parse_args(arguments)
    try:
        state = State(find_scenario(options.scenario))
        listener = bind(options.port)
    except (UnknownScenario, OSError) as error:
        print(f"simulator: {error}", file=sys.stderr)  # noqa: T201 - the output of a command
        return 2
    listener.listen()
    addresses = addresses_at(listener.getsockname()[1])
    print(json.dumps({**addresses, "settings": settings_for(addresses, state.world())}), flush=True)  # noqa: T201 - a parent process waits for this line
    server = build_server(state)
    if options.with_parent:
        threading.Thread(target=_exit_with_parent, args=(server,), daemon=True).start()
    server.run(sockets=[listener])
    return 0


def _exit_with_parent(server: uvicorn.Server) -> None:
    """Stop when the parent has ended in any way: that closes its end of the pipe."""
    while sys.stdin.buffer.read(1):
        pass
    server.should_exit = True


if __name__ == "__main__":
    sys.exit(main())
