"""One collect in a process of its own, to be killed by a test. It prints a line after each batch it has stored.

python -m tests.integration.collect_child DATABASE_URL SCALEOPS_URL BACKSTAGE_URL USER PASSWORD
"""

from __future__ import annotations

import sys
from datetime import timedelta

from clients.backstage.client import BackstageCatalog
from clients.http.client import HttpClient, HttpOptions
from clients.scaleops.auth import PasswordLogin
from clients.scaleops.client import ScaleOpsClient
from clients.scaleops.tokens import CachedLogin
from simulator.credentials import BACKSTAGE_TOKEN
from store import Store
from tasks.collect.stage import collect
from tasks.context import StageContext
from tests.integration.collecting import SLOT, Outside, policy


class Loud:
    """Says a line a batch."""

    def listed(self, components: int) -> None:
        """Say nothing of the listing."""

    def started(self, *, total: int, done: int) -> None:
        """Say nothing of the beginning."""

    def measured(self, *, known: int, unknown: int) -> None:
        """Say what was stored."""
        sys.stdout.write(f"{known} {unknown}\n")
        sys.stdout.flush()


def main() -> None:
    database, scaleops_url, backstage_url, user, password = sys.argv[1:]
    now = SLOT + timedelta(minutes=1)
    rules = HttpOptions(max_in_flight=2)
    line = HttpClient("ScaleOps", scaleops_url, rules)
    tokens = CachedLogin(PasswordLogin(http=line, user=user, password=password), clock=lambda: now)
    catalog = BackstageCatalog(HttpClient("Backstage", backstage_url, rules), BACKSTAGE_TOKEN)
    context = StageContext(
        store=Store.open(database),
        services=Outside(ScaleOpsClient(line, tokens), catalog),
        clock=lambda: now,
        policy=policy(max_in_flight=2),
    )
    sys.stdout.write(f"{collect(context, progress=Loud()).sweep.measured} in all\n")


if __name__ == "__main__":
    main()
