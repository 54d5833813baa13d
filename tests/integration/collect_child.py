"""One collect in its own process, to be killed by a test. It prints a line after each stored batch.

python -m tests.integration.collect_child DATABASE_URL SCALEOPS_URL BACKSTAGE_URL USER PASSWORD
"""

import sys
from datetime import timedelta

from clients.backstage.client import BackstageCatalog
from clients.http.client import HttpClient, HttpOptions
from clients.scaleops.auth import PasswordLogin
from clients.scaleops.client import ScaleOpsClient
from clients.scaleops.tokens import CachedLogin
from simulator.credentials import BACKSTAGE_TOKEN
from store import Store
from tasks.collect.measuring import SweepProgress
from tasks.collect.stage import collect
from tests.factories import SLOT
from tests.stage_factories import FakeServices, make_stage_context


class PrintedProgress(SweepProgress):
    def measured(self, *, known: int, unknown: int) -> None:
        sys.stdout.write(f"{known} {unknown}\n")
        sys.stdout.flush()


def main() -> None:
    database, scaleops_url, backstage_url, user, password = sys.argv[1:]
    now = SLOT + timedelta(minutes=1)
    rules = HttpOptions(max_in_flight=2)
    line = HttpClient("ScaleOps", scaleops_url, rules)
    tokens = CachedLogin(PasswordLogin(http=line, user=user, password=password), clock=lambda: now)
    catalog = BackstageCatalog(HttpClient("Backstage", backstage_url, rules), BACKSTAGE_TOKEN)
    services = FakeServices(scaleops=ScaleOpsClient(line, tokens), catalog=catalog)
    context = make_stage_context(Store.open(database), now, services, max_in_flight=2)
    sys.stdout.write(f"{collect(context, progress=PrintedProgress()).sweep.measured} in all\n")


if __name__ == "__main__":
    main()
