"""Responses of `workload-network`: per destination the cost and traffic of the requested period, split by zone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from simulator.world import Record

DAY_MS: Final = 24 * 3600 * 1000
_MONEY_PLACES: Final = 6


def describe_network(destinations: Iterable[Record], mode: str, *, milliseconds: int) -> Record | list[Record]:
    """Return the body: an object with `destinations`, or in mode `array` the bare list."""
    days = milliseconds / DAY_MS
    rows = [_row(destination, days, partial=mode == "partial") for destination in destinations]
    if mode == "array":
        return rows
    return {"destinations": None if mode == "null" else rows}


def _row(destination: Record, days: float, *, partial: bool) -> Record:
    row: Record = {name: destination[name] for name in ("Name", "Namespace", "WorkloadType", "replicas") if name in destination}
    for name, share in _shares(destination["intra"], partial=partial):
        money = [round(destination[key] * share * days, _MONEY_PLACES) for key in ("cegress", "cingress")]
        traffic = [int(destination[key] * share * days) for key in ("egress", "ingress")]
        row[f"{name}Cost"] = {"total": round(sum(money), _MONEY_PLACES), "egress": money[0], "ingress": money[1]}
        row[f"{name}Traffic"] = {"total": sum(traffic), "egress": traffic[0], "ingress": traffic[1]}
    return row


def _shares(intra: float, *, partial: bool) -> tuple[tuple[str, float], ...]:
    within = (("total", 1.0), ("intraAZ", intra))
    return within if partial else (*within, ("crossAZ", 1 - intra))
