"""How `make mutation` rewrites sources and names what a mutant changes."""

import json
import subprocess
import sys
from functools import cached_property
from pathlib import Path
from typing import Any

from tests.mutation.equivalents import Change, function_of, read_change, read_equivalents
from tests.mutation.properties import with_plain_methods

ROOT = Path(__file__).parents[2]

SOURCE = '''
class Weight(Protocol):
    @property
    def kilograms(self) -> int: ...

class Parcel:
    @property
    def weight(self) -> int:
        """Return the weight."""
        return self.net + 1

    @cached_property
    def label(self) -> str:
        return f"{self.weight} kg"

    @classmethod
    def empty(cls) -> "Parcel":
        return cls()

    net = 6
'''


def test_a_property_becomes_a_method_that_works_as_before() -> None:
    rewritten = with_plain_methods(SOURCE)
    found: dict[str, Any] = {"Protocol": object, "cached_property": cached_property}
    exec(rewritten, found)  # noqa: S102 - the sources above
    parcel = found["Parcel"].empty()

    assert (parcel.weight, parcel.label) == (7, "7 kg")
    assert "@property\n    def kilograms(self)" in rewritten
    assert rewritten.count("@property") == 1
    assert "def weight_getter(self)" in rewritten
    assert "    label = cached_property(label_getter)" in rewritten


def test_a_module_without_properties_stays_as_it_is() -> None:
    assert with_plain_methods("X = 1\n\ndef f():\n    return X  # a reason\n") == "X = 1\n\ndef f():\n    return X  # a reason\n"


SHOWN = """# domain.money.xǁMoneyǁadd__mutmut_3: survived
--- domain/money.py
+++ domain/money.py
@@ -1,3 +1,3 @@
 def add(self, other):
-    return self.amount + other.amount
+    return self.amount - other.amount
"""


def test_a_mutant_is_named_by_what_it_changes() -> None:
    change = read_change("domain.money.xǁMoneyǁadd__mutmut_3", SHOWN)

    assert change == Change(
        function="domain.money.Money.add", before="return self.amount + other.amount", after="return self.amount - other.amount"
    )
    assert function_of("domain.weeks.x_parse_week__mutmut_12") == "domain.weeks.parse_week"
    assert function_of("domain.weeks.x__first_day__mutmut_1") == "domain.weeks._first_day"


def test_equivalent_mutants_are_listed_with_a_reason(tmp_path: Path) -> None:
    file = tmp_path / "equivalent.toml"
    file.write_text('[[mutant]]\nfunction = "a.b"\nbefore = "x < 1"\nafter = " x <= 1 "\nreason = "x is never 1"\n')

    assert read_equivalents(file) == {Change(function="a.b", before="x < 1", after="x <= 1"): "x is never 1"}
    assert all(len(reason) > 10 for reason in read_equivalents().values())


PARCELS = """
import os

def price(weight):
    match os.environ["MUTANT_UNDER_TEST"]:
        case "parcels.x_price__mutmut_1":
            return weight * 2
        case "parcels.x_price__mutmut_2":
            while True:
                weight += 1
    return weight * 3
"""
PRICES = """
from parcels import price

def test_nothing_costs_nothing():
    assert price(0) == 0

def test_each_kilogram_costs_three():
    assert price(2) == 6
"""


def test_each_mutant_runs_the_tests_of_its_function(tmp_path: Path) -> None:
    tests = {
        "parcels.x_price__mutmut_1": [
            "test_prices.py::test_nothing_costs_nothing",
            "test_prices.py::test_each_kilogram_costs_three",
        ],
        "parcels.x_price__mutmut_2": ["test_prices.py::test_nothing_costs_nothing"],
        "parcels.x_price__mutmut_3": ["test_prices.py::test_each_kilogram_costs_three"],
    }

    results = _run_session(tmp_path, PRICES, tests)

    assert results == {
        "": (0, ""),
        "parcels.x_price__mutmut_1": (1, "test_prices.py::test_each_kilogram_costs_three"),
        "parcels.x_price__mutmut_2": (-24, ""),
        "parcels.x_price__mutmut_3": (0, ""),
    }


def test_no_mutant_counts_as_killed_by_a_test_that_fails_without_it(tmp_path: Path) -> None:
    failing = PRICES + "\ndef test_two_cost_more():\n    assert price(2) == 8\n"
    tests = {"parcels.x_price__mutmut_1": ["test_prices.py::test_two_cost_more"]}

    assert _run_session(tmp_path, failing, tests) == {"": (1, "test_prices.py::test_two_cost_more")}


def _run_session(folder: Path, tests: str, plan: dict[str, list[str]]) -> dict[str, tuple[int, str]]:
    (folder / "parcels.py").write_text(PARCELS)
    (folder / "test_prices.py").write_text(tests)
    command = [sys.executable, "-m", "tests.mutation.session", f"--rootdir={folder}", "-c", "/dev/null", str(folder)]
    environment = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, input=json.dumps(plan), capture_output=True, text=True, check=False)
    found = [json.loads(line) for line in done.stdout.splitlines()]
    return {mutant: (code, killer) for mutant, code, _, killer in found}
