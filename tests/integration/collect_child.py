"""One collect in a process of its own, to be killed by a test. It prints a line after each batch it has stored.

python -m tests.integration.collect_child DATABASE_URL SCALEOPS_URL BACKSTAGE_URL USER PASSWORD
"""

from __future__ import annotations

import sys
from datetime import timedelta

from clients.backstage.client import BackstageCatalog
from clients.calls import Line, Rules
from clients.scaleops.client import ScaleOpsClient
from clients.scaleops.logins import PasswordLogin
from clients.scaleops.tokens import LoginTokens
from simulator.credentials import BACKSTAGE_TOKEN
from store import Store
from tasks.collect import collect
from tasks.parts import Parts
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
    rules = Rules(max_in_flight=2)
    line = Line("ScaleOps", scaleops_url, rules)
    tokens = LoginTokens(PasswordLogin(line=line, user=user, password=password), clock=lambda: now)
    catalog = BackstageCatalog(Line("Backstage", backstage_url, rules), BACKSTAGE_TOKEN)
    parts = Parts(
        store=Store.open(database),
        services=Outside(ScaleOpsClient(line, tokens), catalog),
        clock=lambda: now,
        policy=policy(max_in_flight=2),
    )
    sys.stdout.write(f"{collect(parts, progress=Loud()).sweep.measured} in all\n")


if __name__ == "__main__":
    main()
