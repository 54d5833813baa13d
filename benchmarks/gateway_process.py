"""One gateway process under load: settings from the environment, the real server, an unused catalog.

`python -m benchmarks.gateway_process FOLDER`; the folder holds its database and its audit log.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from actions.context import LiveContext
from clients.backstage.client import BackstageCatalog
from clients.http.client import HttpClient, HttpOptions
from clients.scaleops.client import ScaleOpsClient
from clients.scaleops.tokens import FixedToken
from gateway.factory import GatewayDependencies, build_gateway
from gateway.server import serve
from store import Store
from wiring.clock import utc_now
from wiring.config_file import read_config_file
from wiring.contexts import history_context
from wiring.environment import resolve_settings
from wiring.policy import build_policy


def main(folder: Path) -> None:
    """Serve until stopped, with an audit line for each call."""
    settings = resolve_settings(os.environ, None).settings
    credentials = FixedToken("a-token-of-scaleops")
    scaleops = ScaleOpsClient(HttpClient("ScaleOps", settings.scaleops_base_url or "", HttpOptions()), credentials)
    catalog = BackstageCatalog(HttpClient("Backstage", settings.backstage_base_url or "", HttpOptions()), None)
    store = Store.open(f"sqlite:///{folder / f'gateway-{settings.gateway_port}.db'}")
    policy = build_policy(settings, read_config_file(settings.worker_config_file))
    dependencies = GatewayDependencies(
        settings=settings,
        store=store,
        history=history_context(store, policy, clock=utc_now),
        policy=policy,
        live=LiveContext(scaleops=scaleops, catalog=catalog, clock=utc_now, currency="USD"),
        credentials=credentials,
    )
    with (folder / f"audit-{settings.gateway_port}.log").open("w", encoding="utf-8") as audit:
        serve(build_gateway(dependencies, write_audit=audit.write), settings, announce=lambda _: None)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
