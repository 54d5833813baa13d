"""The wheel is built, installed into a clean environment, and used; and the demo's story comes out the same in every run.

Compared are the run of the wheel and one of this checkout.
"""

import filecmp
import os
import subprocess
import sys
from pathlib import Path

from cli.commit import built_from
from tests.acceptance.demo_runs import TEAMS, live

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent


def test_the_wheel_installs_clean_and_runs_and_the_same_story_comes_out_the_same(tmp_path: Path) -> None:
    def ran(*command: str | Path) -> str:
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("COVERAGE", "PYTEST", "PYTHONPATH"))
        }
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    ran(
        BIN / "python",
        "-c",
        f"import os; os.chdir({str(ROOT)!r}); import hatchling.build as b; print(b.build_wheel({str(tmp_path)!r}))",
    )
    wheel = next(tmp_path.glob("*.whl"))
    ran(BIN / "uv", "venv", "-q", "--python", sys.executable, tmp_path / "clean")
    clean = tmp_path / "clean" / "bin"
    install = (BIN / "uv", "pip", "install", "-q", "--python", clean / "python")
    ran(*install, "--require-hashes", "-r", ROOT / "requirements" / "runtime.lock")
    ran(*install, "--no-deps", wheel)

    assert ran(clean / "scaleops-worker", "--version") == f"scaleops-worker, version 0.1.0, commit {built_from()}\n"
    ran(clean / "scaleops-worker", "migrate")
    assert (tmp_path / "scaleops-worker.db").exists()
    output = ran(clean / "scaleops-worker", "demo", "--out", tmp_path / "demo-out", "--weeks", "1")
    assert "weekly reports" in output
    assert (tmp_path / "demo-out" / "index.html").exists()

    (tmp_path / "again").mkdir()
    one, two = tmp_path / "demo-out", live(tmp_path / "again" / "demo-out", weeks=1).path
    names = sorted(str(path.relative_to(one)) for path in one.rglob("*") if path.is_file() and "demo.db" not in path.name)
    same, different, missing = filecmp.cmpfiles(one, two, names, shallow=False)
    assert (different, missing) == ([], [])
    assert len(same) > len(TEAMS)
