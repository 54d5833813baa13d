"""Time zones come from the pinned tzdata package, whatever zone files the machine has."""

import subprocess
import sys
import zoneinfo
from datetime import datetime, timedelta

import pytest

from domain.weeks import parse_zone
from domain.zones import TZDATA_VERSION

CHANGED_IN_2026 = {
    "America/Vancouver": -7,
    "America/Edmonton": -6,
    "America/Winnipeg": -5,
    "Africa/Casablanca": 0,
    "America/Havana": -4,
}
"""Zones whose law changed in 2026, and their offset in the winter after it."""


@pytest.mark.parametrize(("zone", "hours"), CHANGED_IN_2026.items())
def test_a_zone_whose_law_changed_has_its_new_offset(zone: str, hours: int) -> None:
    assert datetime(2026, 12, 20, 9, tzinfo=parse_zone(zone)).utcoffset() == timedelta(hours=hours)


def test_no_zone_file_of_the_system_is_read() -> None:
    assert zoneinfo.TZPATH == ()
    assert TZDATA_VERSION >= "2026f"


@pytest.mark.parametrize("package", ["store", "worker.app", "reports.formatting", "gateway.app"])
def test_a_child_process_reads_the_same_zones(package: str) -> None:
    script = f"import zoneinfo, {package}; raise SystemExit(len(zoneinfo.TZPATH))"

    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
