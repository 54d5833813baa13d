"""What every test may ask for: the simulator served for real, and real databases, and the command line."""

import os

import pytest
import structlog
from hypothesis import HealthCheck, Phase, settings

from tests.services.temporary import use_for_temporary_files

use_for_temporary_files()

# No test has a time limit: the machine may be busy.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
# make mutation: once for each mutant, and only whether an example fails.
settings.register_profile(
    "mutation",
    settings.get_profile("patient"),
    max_examples=15,
    phases=[Phase.explicit, Phase.generate],
    report_multiple_bugs=False,
    database=None,
)
settings.load_profile("patient")

pytest_plugins = [
    "tests.services.simulated",
    "tests.services.databases",
    "tests.services.commands",
    "tests.services.gateways",
    "tests.services.queues",
    "tests.services.certificates",
]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Return the number of processes of `-n auto`: two more than processors, because tests of servers and processes often wait."""
    return (os.cpu_count() or 1) + 2


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the tests of whole installations, which take longest: at the end they would leave processors idle."""
    items.sort(key=lambda item: "acceptance" not in item.path.parts)


@pytest.fixture(autouse=True)
def _log_events_reach_caplog() -> None:
    """Make each log event a record: the event is its message, each field an attribute. A command run in-process reconfigures logs."""
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, structlog.stdlib.render_to_log_kwargs],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
