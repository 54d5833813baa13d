"""The list of mutants that no test can kill, because they behave as the code does."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

FILE = Path(__file__).parents[2] / "docs" / "equivalent-mutants.toml"


@dataclass(frozen=True, kw_only=True)
class Change:
    """One mutant, named by what it changes: mutmut's numbers move whenever a function does."""

    function: str
    before: str
    after: str


def read_equivalents(file: Path = FILE) -> dict[Change, str]:
    """Return the listed mutants, each with the reason why it is equivalent."""
    listed = tomllib.loads(file.read_text(encoding="utf-8")).get("mutant", [])
    return {
        Change(function=one["function"], before=one["before"].strip(), after=one["after"].strip()): one["reason"].strip()
        for one in listed
    }


def read_change(mutant: str, shown: str) -> Change:
    """Return the change in the output of `mutmut show`: a unified diff of one function."""
    lines = shown.splitlines()
    removed = [line[1:].strip() for line in lines if line.startswith("-") and not line.startswith("---")]
    added = [line[1:].strip() for line in lines if line.startswith("+") and not line.startswith("+++")]
    return Change(function=function_of(mutant), before="\n".join(removed), after="\n".join(added))


def function_of(mutant: str) -> str:
    """Return the name of the function in the name of a mutant: `domain.money.xǁMoneyǁadd__mutmut_3` is of `domain.money.Money.add`."""
    path, _, key = mutant.partition("__mutmut_")[0].rpartition(".")
    name = key.removeprefix("x").replace("ǁ", ".").removeprefix(".")
    return f"{path}.{name.removeprefix('_') if key.startswith('x_') else name}"
