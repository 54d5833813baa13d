"""The demo's company: an online shop of seven teams on three clusters, and its events in twelve weeks."""

from simulator.company.scenario import SCENARIO
from simulator.company.story import STORY

__all__ = ["SCENARIO", "STORY"]
