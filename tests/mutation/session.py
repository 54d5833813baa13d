"""A pytest session that collects the tests once and then runs each mutant in a forked child, with the tests that call its function.

Usage: python -m tests.mutation.session PYTEST_ARGUMENT..., in the copy that holds the mutants. Standard input is JSON: the tests of each
mutant. Standard output is a line of JSON for each mutant: name, exit code, seconds. The first is all these tests without a mutant: its
name is empty. What pytest prints goes to standard error.
"""

import gc
import json
import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from typing import TextIO

import pytest

VARIABLE = "MUTANT_UNDER_TEST"
"""The environment variable that selects a mutant; mutmut makes each function look at it."""
NO_MUTANT = ""
KILLED = 1
TIMEOUT = -signal.SIGXCPU
"""The exit code by which mutmut knows a mutant that loops."""
MIN_LIMIT_S = 3.0
MAX_LIMIT_S = 300.0
LIMIT_FACTOR = 20
"""How much longer than without a mutant a test may compute before the mutant counts as a loop."""
WAIT_FACTOR = 12
"""How much longer than it may compute a test may take: the machine may be busy."""


class MutantLoop:
    """Plugin that forks a child for each mutant. The child goes on as a session of that mutant's tests, the parent waits for it."""

    def __init__(self, tests: Mapping[str, Sequence[str]], results: TextIO) -> None:
        self.tests = tests
        self.results = results
        self.seconds: dict[str, float] = {}
        self.killers: dict[str, str] = {}
        """Which test killed the last mutant of a function; it often kills the next."""
        self.is_child = False
        self.failed = ""
        self.started = 0.0

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        """Return None in a child, by which pytest runs the items of its session."""
        used = {test for tests in self.tests.values() for test in tests}
        items = {item.nodeid: item for item in session.items if item.nodeid in used}
        session.items = list(items.values())
        gc.freeze()
        code = self._fork(NO_MUTANT)
        if self.is_child:
            return None
        if code != 0:
            pytest.exit("a test fails without a mutant", returncode=KILLED)
        for mutant in sorted(self.tests, key=lambda one: sum(self.seconds.get(test, 0.0) for test in self.tests[one])):
            self._fork(mutant)
            if self.is_child:
                session.items = [items[test] for test in self._order(mutant) if test in items]
                return None
        return True

    def _order(self, mutant: str) -> list[str]:
        killer = self.killers.get(_function_of(mutant))
        return sorted(self.tests[mutant], key=lambda test: (test != killer, self.seconds.get(test, 0.0), test))

    def _fork(self, mutant: str) -> int:
        """Return the exit code of a child, once it ended; 0 in the child."""
        started = time.monotonic()
        reader, self.writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(reader)
            self.is_child = True
            os.environ[VARIABLE] = mutant
            return 0
        os.close(self.writer)
        with os.fdopen(reader) as pipe:
            failed, seconds = json.loads(pipe.read() or '["", {}]')
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        if mutant == NO_MUTANT:
            self.seconds = seconds
        elif failed:
            self.killers[_function_of(mutant)] = failed
        if code in {-signal.SIGPROF, -signal.SIGALRM}:
            code = TIMEOUT
        print(json.dumps([mutant, code, round(time.monotonic() - started, 3), failed]), file=self.results, flush=True)
        return code

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Limit what the test may compute. The process ends if it exceeds that."""
        usual = self.seconds.get(nodeid, MAX_LIMIT_S)
        limit = min(max(MIN_LIMIT_S, LIMIT_FACTOR * usual), MAX_LIMIT_S)
        signal.setitimer(signal.ITIMER_PROF, limit)
        signal.setitimer(signal.ITIMER_REAL, limit * WAIT_FACTOR)
        self.started = time.process_time()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed = report.nodeid

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        self.seconds[nodeid] = time.process_time() - self.started

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self) -> None:
        if self.is_child:
            seconds = {} if self.failed else self.seconds
            with os.fdopen(self.writer, "w") as pipe:
                json.dump([self.failed, seconds], pipe)


def _function_of(mutant: str) -> str:
    return mutant.partition("__mutmut_")[0]


def main() -> int:
    tests = json.load(sys.stdin)
    results = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    loop = MutantLoop(tests, results)
    code = pytest.main(
        ["-x", "-q", "--no-header", "--no-summary", "--tb=native", "-p", "no:randomly", *sys.argv[1:]], plugins=[loop]
    )
    os._exit(code)


if __name__ == "__main__":
    main()
