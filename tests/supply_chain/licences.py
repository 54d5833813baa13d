"""Checks the licences of an SBOM against the list of allowed ones. Usage: python -m tests.supply_chain.licences SBOM.

Exit status: 0 allowed, 1 a package has another licence or none, or the SBOM does not list what the lock does.
"""

import json
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import canonicalize_name

from tests.supply_chain.locks import LOCKS, versions_here

PLAIN_COLUMNS = "{:<28} {:<18} {}"


@dataclass(frozen=True, kw_only=True)
class LicencePolicy:
    """The content of requirements/licences.toml."""

    allowed: frozenset[str]
    classifiers: Mapping[str, str]
    exceptions: Mapping[str, str]
    """The licence of a package that was decided on by itself."""
    undeclared: Mapping[str, str]
    """The licence of a package whose own declaration an SBOM leaves out, because it is no SPDX identifier."""

    def problem_of(self, package: str, declared: Sequence[str]) -> str:
        """Return why a package may not be used, or an empty text. Each declared licence has to be allowed."""
        accepted = self.allowed | {licence for name, licence in self.exceptions.items() if name == package}
        names = [self.classifiers.get(one, one) for one in declared or filter(None, [self.undeclared.get(package)])]
        if not names:
            return "declares no licence"
        return next((f"has the licence {name}" for name in names if not _is_allowed(name, accepted)), "")


def _is_allowed(expression: str, accepted: frozenset[str]) -> bool:
    """Return True if an SPDX expression without parentheses can be met by accepted licences."""
    return all(accepted.intersection(part.split(" OR ")) for part in expression.split(" AND "))


def read_policy() -> LicencePolicy:
    found = tomllib.loads((LOCKS / "licences.toml").read_text(encoding="utf-8"))
    exceptions = {package: exception["licence"] for package, exception in found["exceptions"].items()}
    return LicencePolicy(
        allowed=frozenset(found["allowed"]),
        classifiers=found["classifiers"],
        exceptions=exceptions,
        undeclared=found["undeclared"],
    )


def main(sbom: Path) -> int:
    components = json.loads(sbom.read_text(encoding="utf-8"))["components"]
    declared: dict[str, list[str]] = {
        canonicalize_name(one["name"]): [_name_of(licence) for licence in one.get("licenses", ())] for one in components
    }
    versions: dict[str, str] = {canonicalize_name(one["name"]): one["version"] for one in components}
    policy = read_policy()
    for name in sorted(versions):
        print(PLAIN_COLUMNS.format(name, versions[name], ", ".join(policy.classifiers.get(one, one) for one in declared[name])))
    problems = [f"{name} {problem}" for name in sorted(versions) if (problem := policy.problem_of(name, declared[name]))]
    locked = versions_here("runtime")
    problems += [f"{name} differs between {sbom.name} and the lock" for name in sorted(_differing(versions, locked))]
    for problem in problems:
        print(f"{problem}; requirements/licences.toml has what is allowed", file=sys.stderr)
    print(f"{len(versions)} packages of requirements/runtime.lock in {sbom}, {len(problems)} problems")
    return 1 if problems else 0


def _name_of(entry: Mapping[str, object]) -> str:
    licence = entry.get("license")
    found = licence.get("id") or licence.get("name") if isinstance(licence, dict) else entry.get("expression")
    return str(found)


def _differing(some: Mapping[str, str], others: Mapping[str, str]) -> set[str]:
    return {name for name, _ in set(some.items()) ^ set(others.items())}


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
