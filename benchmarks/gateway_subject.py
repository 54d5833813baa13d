"""One gateway process to be measured: real settings from the environment, the real server, and a catalog that nobody asks.

`python -m benchmarks.gateway_subject FOLDER`; its database and its audit log are in the folder.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from actions.desk import Desk
from clients.backstage.client import BackstageCatalog
from clients.calls import Line, Rules
from clients.scaleops.client import ScaleOpsClient
from clients.scaleops.tokens import FixedToken
from gateway.building import Materials, build_gateway
from gateway.server import serve
from store import Store
from wiring.clocks import present
from wiring.environment import resolve_settings


def main(folder: Path) -> None:
    """Serve until stopped, with one audit line a call as in production."""
    settings = resolve_settings(os.environ, None).settings
    credentials = FixedToken("a-token-of-scaleops")
    scaleops = ScaleOpsClient(Line("ScaleOps", settings.scaleops_base_url or "", Rules()), credentials)
    catalog = BackstageCatalog(Line("Backstage", settings.backstage_base_url or "", Rules()), None)
    materials = Materials(
        settings=settings,
        store=Store.open(f"sqlite:///{folder / f'gateway-{settings.gateway_port}.db'}"),
        desk=Desk(scaleops=scaleops, catalog=catalog, clock=present, currency="USD"),
        credentials=credentials,
    )
    with (folder / f"audit-{settings.gateway_port}.log").open("w", encoding="utf-8") as audit:
        serve(build_gateway(materials, write_audit=audit.write, sections_of=()), settings, announce=lambda _: None)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
