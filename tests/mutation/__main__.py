"""Runs mutants of domain/ and alerts/ against the unit tests that cover them, and says how many the tests noticed.

Usage: python -m tests.mutation [--sample N] [--seed N] [--retry]. Results are kept in .tools/mutants, so that an interrupted run
continues; --retry runs again what survived, after new tests. Exit status: 0 at least 90 % killed, 1 fewer, 2 mutmut failed.
"""

import argparse
import subprocess
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from hashlib import sha256
from pathlib import Path

from tests.mutation.equivalents import FILE, read_change, read_equivalents
from tests.mutation.properties import with_plain_methods

ROOT = Path(__file__).parents[2]
WORK = ROOT / ".tools" / "mutants"
MUTMUT = Path(sys.executable).parent / "mutmut"
MUTATED = ("domain/", "alerts/")
ANY = "domain.weeks.x_parse_day__mutmut_1"
"""One mutant, to run while the others are generated and the coverage of each test is recorded."""
GOAL = 0.9
NOTICED = {"killed", "timeout", "segfault", "caught by type check"}
PENDING = {"not checked", "check was interrupted by user"}
FAILED = 2


def main() -> int:
    arguments = _parse_arguments()
    copy_sources()
    _run_mutants(ANY)
    known = statuses()
    names = sorted(known)
    chosen = names if arguments.sample is None else sorted(names, key=partial(_rank, seed=arguments.seed))[: arguments.sample]
    todo = [name for name in chosen if known[name] in PENDING or (arguments.retry and known[name] not in NOTICED)]
    print(f"{len(names)} mutants, {len(chosen)} chosen, {len(todo)} to run", flush=True)
    if todo:
        _run_mutants(*(() if len(todo) == len(names) else todo))
    return report(chosen, total=len(names))


def _rank(name: str, *, seed: int) -> bytes:
    """Return the place of a mutant in a draw: by a hash, so that a change elsewhere in the code draws the same ones."""
    return sha256(f"{seed} {name}".encode()).digest()


def report(chosen: Sequence[str], *, total: int) -> int:
    """Print what survived and the score, and return the exit status."""
    known, equivalents = statuses(), read_equivalents()
    missed = [name for name in chosen if known[name] not in NOTICED]
    equivalent = 0
    for name in missed:
        shown = _mutmut("show", name)
        if read_change(name, shown) in equivalents:
            equivalent += 1
        else:
            print(f"\n{known[name]}: {shown.strip()}")
    noticed, judged = len(chosen) - len(missed), len(chosen) - equivalent
    print(
        f"\n{noticed} of {len(chosen)} mutants killed ({noticed / len(chosen):.1%}), a sample of {total}; {equivalent} survivors are"
    )
    print(f"equivalent by {FILE.relative_to(ROOT)}: without them {noticed / judged:.1%}")
    return 0 if noticed / judged >= GOAL else 1


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


def _run_mutants(*names: str) -> None:
    """Run mutants, or all that were not run yet. Each result is saved at once."""
    done = subprocess.run([MUTMUT, "run", "--max-children", "1", *names], cwd=WORK, check=False)
    if done.returncode != 0:
        sys.exit(FAILED)


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
