"""The architecture is one of the checks."""

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
ROOMS = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
NAMELESS = {"utils", "util", "helpers", "common", "core", "manager", "misc", "base"}


def modules() -> list[Path]:
    return [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]


def test_every_room_ships_in_the_wheel_and_is_held_by_the_import_contracts() -> None:
    folders = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests", "benchmarks"}
    assert folders == set(ROOMS) == set(PROJECT["tool"]["importlinter"]["root_packages"])


def test_imports_point_down_only() -> None:
    found = subprocess.run([Path(sys.executable).parent / "lint-imports"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout


def test_every_module_says_what_its_job_is() -> None:
    silent = [
        str(path.relative_to(ROOT)) for path in modules() if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert silent == []


def test_no_module_hides_behind_an_empty_name() -> None:
    assert [path for path in modules() if path.stem in NAMELESS] == []


def test_the_locks_and_the_project_name_no_package_index() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    offenders = [
        name
        for name in tracked
        if name.startswith("requirements/") or name == "pyproject.toml"
        for line in (ROOT / name).read_text(encoding="utf-8").splitlines()
        if "index-url" in line.replace("--no-emit-index-url", "")
        or "--find-links" in line
        or "http://" in line
        or "https://" in line
    ]
    assert offenders == []
