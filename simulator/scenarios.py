"""Scenarios by name: `demo`, `crowd:<number of components>`, or a folder with known upstream data."""

from __future__ import annotations

from pathlib import Path

import yaml

from simulator import company, crowd, parity
from simulator.world import Scenario


class UnknownScenario(ValueError):
    """No scenario has this name, or its folder cannot be read; the message lists the valid names."""


def find_scenario(name: str) -> Scenario:
    """Return a scenario by name, or read it from a folder."""
    if name == company.SCENARIO.name:
        return company.SCENARIO
    kind, _, size = name.partition(":")
    if kind == "crowd" and size.isdecimal() and int(size) > 0:
        return crowd.build_scenario(int(size))
    folder = Path(name)
    if not (folder / "upstream.json").is_file():
        message = f"{name!r} is not a scenario; use demo, crowd:200, or a folder with upstream.json and catalog.yaml"
        raise UnknownScenario(message)
    try:
        return parity.load_scenario(folder)
    except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError) as error:
        message = f"the scenario in {name!r} cannot be read: {error}"
        raise UnknownScenario(message) from error
