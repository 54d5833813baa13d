"""Looks up every locked package in the database of known vulnerabilities. Usage: python -m tests.supply_chain.audit PIP_AUDIT.

Exit status: 0 none is known, 1 one is, 3 the database could not be reached, so nothing is known.
"""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.supply_chain.locks import LOCKS, requirements_of

NOT_REACHED = 3
_MAX_NAMED = 5


def audit(pip_audit: str) -> int:
    """Print what is known, and return the exit status."""
    with TemporaryDirectory() as folder:
        pinned = Path(folder) / "requirements.txt"
        pinned.write_text("\n".join(sorted(everything_locked())), encoding="utf-8")
        command = [pip_audit, "-f", "json", "--progress-spinner", "off", "--no-deps", "--disable-pip", "-r", str(pinned)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    return report(done.stdout, done.stderr)


def everything_locked() -> set[str]:
    """Return the packages of all locks, each once: the locks agree on versions, because each is made with dev.lock as its constraint."""
    return {str(one) for file in LOCKS.glob("*.lock") for one in requirements_of(file.stem)}


def report(output: str, errors: str) -> int:
    """Print the findings in the output of pip-audit, and return the exit status. It exits with 1 for findings and for errors alike."""
    try:
        packages = json.loads(output)["dependencies"]
    except (ValueError, KeyError):
        reason = errors.strip().splitlines()[-1] if errors.strip() else "pip-audit wrote nothing"
        return _not_audited(f"the database of vulnerabilities gave no result: {reason}")
    unread = [one for one in packages if "skip_reason" in one]
    findings = sorted({_describe(one, found) for one in packages for found in one.get("vulns", ())})
    for line in findings:
        print(line)
    print(f"{len(packages) - len(unread)} packages audited, {len(findings)} known vulnerabilities, {len(unread)} not audited")
    if not unread:
        return 1 if findings else 0
    names = ", ".join(one["name"] for one in unread[:_MAX_NAMED])
    status = _not_audited(f"{len(unread)} of {len(packages)} packages: {unread[0]['skip_reason']} ({names} ...)")
    return 1 if findings else status


def _not_audited(reason: str) -> int:
    print(f"NOT AUDITED: {reason}", file=sys.stderr)
    return NOT_REACHED


def _describe(package: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    fixed = ", ".join(found["fix_versions"]) or "no release"
    name, version = package["name"], package["version"]
    return f"{name} {version}: {found['id']}, fixed in {fixed}; in {', '.join(_locks_with(name, version)) or 'no lock'}"


def _locks_with(name: str, version: str) -> list[str]:
    locks = sorted(file.stem for file in LOCKS.glob("*.lock"))
    return [
        lock for lock in locks if any(one.name == name and str(one.specifier) == f"=={version}" for one in requirements_of(lock))
    ]


if __name__ == "__main__":
    sys.exit(audit(sys.argv[1]))
