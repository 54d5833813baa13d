"""Plausible ranges of measured values: a number outside its range is a fault of its source, and counts as unknown.

The bounds are far above any real installation, and far below what a column, a float or 28 decimal digits can hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Final, NamedTuple

MAX_MONEY: Final = Decimal(10) ** 12
"""Of one workload."""
MAX_TOTAL: Final = Decimal(10) ** 18
"""A sum over workloads. With three decimals it has 22 digits, which `decimal` still rounds exactly."""


class PlausibleRange(NamedTuple):
    """The values from `low` to `high`, both included."""

    low: Decimal
    high: Decimal

    def accepts(self, value: Decimal | float) -> bool:
        """Return True for a finite number within the range."""
        try:
            return self.low <= value <= self.high  # False for infinity, and for NaN as a float
        except InvalidOperation:  # NaN as a Decimal
            return False


MONEY: Final = PlausibleRange(-MAX_MONEY, MAX_MONEY)
TOTAL: Final = PlausibleRange(-MAX_TOTAL, MAX_TOTAL)
MILLICORES: Final = PlausibleRange(Decimal(0), Decimal(10) ** 9)
"""Of one pod: up to a million cores."""
BYTES: Final = PlausibleRange(Decimal(0), Decimal(10) ** 18)
COUNT: Final = PlausibleRange(Decimal(0), Decimal(10) ** 7)
POD_HOURS: Final = PlausibleRange(Decimal(0), Decimal(10) ** 11)
PERCENT: Final = PlausibleRange(Decimal(0), Decimal(101))
"""With room for rounding upstream."""

OF_MEASURES: Final[Mapping[str, PlausibleRange]] = {
    "replicas": COUNT,
    "oom_kills_24h": COUNT,
    "pod_hours_7d": POD_HOURS,
    "spot_hours_7d": POD_HOURS,
    "cpu_request_millicores": MILLICORES,
    "cpu_recommended_millicores": MILLICORES,
    "memory_request_bytes": BYTES,
    "memory_recommended_bytes": BYTES,
    "cost_7d": MONEY,
    "savings_available_per_month": MONEY,
    "active_savings_per_month": MONEY,
    "network_cost": TOTAL,
    "network_cross_az_cost": TOTAL,
    "network_cross_az_traffic_bytes": PlausibleRange(Decimal(0), Decimal(10) ** 24),
}
"""Of the measures of a workload, by their names in a point and in a row of the database."""
