"""How `make mutation` rewrites sources and names what a mutant changes."""

from functools import cached_property
from pathlib import Path
from typing import Any

from tests.mutation.equivalents import Change, function_of, read_change, read_equivalents
from tests.mutation.properties import with_plain_methods

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
