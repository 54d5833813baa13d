"""Runs mutants of domain/ and alerts/ against the unit tests that cover them, and says how many the tests noticed.

Usage: python -m tests.mutation [--sample N] [--seed N] [--retry]. Results are kept in .tools/mutants, so that an interrupted run
continues; --retry runs again what survived and is not listed as equivalent, after new tests. Exit status: 0 at least 90 % killed, 1 fewer,
2 mutmut failed.
"""

import argparse
import contextlib
import json
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from functools import partial
from hashlib import sha256
from pathlib import Path

from mutmut.mutation.diff_apply import get_diff_for_mutant

from tests.mutation.equivalents import FILE, Change, read_change, read_equivalents
from tests.mutation.properties import with_plain_methods

ROOT = Path(__file__).parents[2]
WORK = ROOT / ".tools" / "mutants"
COPY = WORK / "mutants"
"""What mutmut makes of the sources: all mutants of a function next to it, with their results and the tests that call it."""
CALLS = COPY / "mutmut-stats.json"
LOG = WORK / "session.log"
MUTMUT = Path(sys.executable).parent / "mutmut"
MUTATED = ("domain/", "alerts/")
ANY = "domain.weeks.x_parse_day__mutmut_1"
"""One mutant, which mutmut runs after it has made all of them and recorded which test calls which function."""
GOAL = 0.9
NOTICED = {"killed", "timeout", "segfault", "caught by type check"}
PENDING = {"not checked", "check was interrupted by user"}
NO_TESTS = 33
"""The exit code by which mutmut knows a mutant of a function that no test calls."""
FAILED = 2


def main() -> int:
    arguments = _parse_arguments()
    copy_sources()
    if arguments.retry:
        CALLS.unlink(missing_ok=True)
    _make_mutants()
    known = statuses()
    names = sorted(known)
    chosen = names if arguments.sample is None else sorted(names, key=partial(_rank, seed=arguments.seed))[: arguments.sample]
    todo = [name for name in chosen if known[name] in PENDING]
    if arguments.retry:
        equivalents = read_equivalents()
        missed = [name for name in chosen if known[name] not in NOTICED | PENDING]
        todo += [name for name in missed if read_change(name, _show(name)) not in equivalents]
    print(f"{len(names)} mutants, {len(chosen)} chosen, {len(todo)} to run", flush=True)
    if todo:
        _run_mutants(todo)
    return report(chosen, total=len(names))


def _rank(name: str, *, seed: int) -> bytes:
    """Return the place of a mutant in a draw: by a hash, so that a change elsewhere in the code draws the same ones."""
    return sha256(f"{seed} {name}".encode()).digest()


def report(chosen: Sequence[str], *, total: int) -> int:
    """Print what survived and the score, and return the exit status."""
    known, equivalents = statuses(), read_equivalents()
    missed = [name for name in chosen if known[name] not in NOTICED]
    found: list[Change] = []
    for name in missed:
        shown = _show(name)
        change = read_change(name, shown)
        if change in equivalents:
            found.append(change)
        else:
            print(f"\n{known[name]}: {name}\n{shown.strip()}")
    if len(chosen) == total:
        for change in equivalents.keys() - set(found):
            print(f"\nlisted as equivalent, but killed or gone: {change}")
    noticed, judged = len(chosen) - len(missed), len(chosen) - len(found)
    print(
        f"\n{noticed} of {len(chosen)} mutants killed ({noticed / len(chosen):.1%}), a sample of {total}; {len(found)} survivors are"
    )
    print(f"equivalent by {FILE.relative_to(ROOT)}: without them {noticed / judged:.1%}")
    return 0 if noticed / judged >= GOAL else 1


def _show(name: str) -> str:
    """Return a mutant as a unified diff of its function."""
    with contextlib.chdir(WORK):
        return str(get_diff_for_mutant(name, path=f"{name.rpartition('.')[0].replace('.', '/')}.py"))


def copy_sources() -> None:
    """Bring the copy of the sources up to date. A file that is as it was keeps its time, by which mutmut knows that nothing changed."""
    wanted = set(_tracked())
    for name in wanted:
        source = (ROOT / name).read_bytes()
        if name.startswith(MUTATED) and name.endswith(".py"):
            source = with_plain_methods(source.decode()).encode()
        target = WORK / name
        if not target.exists() or target.read_bytes() != source:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source)


def _tracked() -> Iterator[str]:
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    yield from (name for name in listed.split("\0") if name and (ROOT / name).is_file())


def statuses() -> dict[str, str]:
    """Return every mutant with its status."""
    lines = (line.strip().rpartition(": ") for line in _mutmut("results", "--all", "true").splitlines())
    return {name: status for name, _, status in lines if "__mutmut_" in name}


def _make_mutants() -> None:
    done = subprocess.run([MUTMUT, "run", "--max-children", "1", ANY], cwd=WORK, check=False)
    if done.returncode != 0:
        sys.exit(FAILED)


def _run_mutants(names: Sequence[str]) -> None:
    """Run mutants. Each result is saved at once."""
    calls = json.loads(CALLS.read_text(encoding="utf-8"))["tests_by_mangled_function_name"]
    tests = {name: calls.get(name.partition("__mutmut_")[0], []) for name in names}
    files = {name: file for file in _result_files() for name in _read_results(file)["exit_code_by_key"]}
    for name in names:
        if not tests[name]:
            _save(files[name], name, code=NO_TESTS, seconds=0.0)
    options = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["mutmut"]
    command = [
        sys.executable,
        "-m",
        "tests.mutation.session",
        *options["pytest_add_cli_args_test_selection"],
        *options["pytest_add_cli_args"],
    ]
    with (
        LOG.open("w") as log,
        subprocess.Popen(command, cwd=COPY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True) as session,
    ):
        assert session.stdin is not None
        assert session.stdout is not None
        json.dump({name: found for name, found in tests.items() if found}, session.stdin)
        session.stdin.close()
        for number, line in enumerate(session.stdout):
            name, code, seconds, failed = json.loads(line)
            print(f"{number} {name or 'all tests, no mutant'}: {code} in {seconds} s {failed}", flush=True)
            if name:
                _save(files[name], name, code=code, seconds=seconds)
    if session.returncode != 0:
        print(f"the session of the mutants failed: see {LOG.relative_to(ROOT)}")
        sys.exit(FAILED)


def _result_files() -> Iterator[Path]:
    for package in MUTATED:
        yield from (COPY / package).rglob("*.meta")


def _read_results(file: Path) -> dict[str, dict[str, float | None]]:
    found: dict[str, dict[str, float | None]] = json.loads(file.read_text(encoding="utf-8"))
    return found


def _save(file: Path, name: str, *, code: int, seconds: float) -> None:
    results = _read_results(file)
    results["exit_code_by_key"][name] = code
    results["durations_by_key"][name] = seconds
    new = file.with_suffix(".new")
    new.write_text(json.dumps(results, indent=4), encoding="utf-8")
    new.replace(file)


def _mutmut(*arguments: str) -> str:
    return subprocess.run([MUTMUT, *arguments], cwd=WORK, capture_output=True, text=True, check=True).stdout


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("--sample", type=int, help="how many mutants, drawn at random; all of them if left out")
    parser.add_argument("--seed", type=int, default=1, help="of the draw")
    parser.add_argument("--retry", action="store_true", help="run again what survived")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
