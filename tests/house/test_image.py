"""The image: its content, the hashes of its packages, and what is excluded from the build context."""

import fnmatch
import re
import shlex
import tomllib
from pathlib import Path

import click
import pytest
import yaml

from cli.main import COMMANDS, cli
from hatch_build import VARIABLE

ROOT = Path(__file__).parent.parent.parent
DOCKERFILE = (ROOT / "Dockerfile").read_text()
LOCKED = re.compile(r"^([\w.-]+)==(\S+) \\$((?:\n    --hash=sha256:[0-9a-f]{64}(?: \\)?$)+)", re.MULTILINE)


def instructions(stage: str) -> list[str]:
    runs = re.findall(r"^RUN ((?:.*\\\n)*.*)$", stage, re.MULTILINE)
    return [command.strip() for run in runs for command in run.replace("\\\n", " ").split("&&")]


def test_the_image_runs_unprivileged_and_has_no_build_tools() -> None:
    last = DOCKERFILE.rpartition("\nFROM ")[2]
    user = re.search(r"^USER (\d+):\d+$", last, re.MULTILINE)
    assert user is not None
    assert int(user.group(1)) > 0
    assert not re.search(r"gcc|build-essential|hatchling|pip install", last)
    removed = next(command for command in instructions(last) if "pip uninstall" in command)
    assert {"pip", "setuptools", "wheel"} <= set(removed.split())
    assert "python -m venv --without-pip /opt/scaleops-worker" in instructions(DOCKERFILE)
    copied = [line.split()[1] for line in last.splitlines() if line.startswith("COPY")]
    assert copied == ["--from=build"]
    health = re.search(r"HEALTHCHECK .* CMD (\[.*\])", last)
    assert health is not None
    program, name, *arguments = yaml.safe_load(health.group(1))
    assert program == "scaleops-worker"
    assert name in COMMANDS
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    command.make_context(name, arguments)
    assert 'ENTRYPOINT ["scaleops-worker"]' in last
    assert 'CMD ["standalone"]' in last


def test_the_labels_of_the_image_are_those_of_the_project() -> None:
    last = DOCKERFILE.rpartition("\nFROM ")[2]
    label = re.search(r"^LABEL ((?:.*\\\n)*.*)$", last, re.MULTILINE)
    assert label is not None
    words = shlex.split(label.group(1).replace("\\\n", " "))
    labels = {name.removeprefix("org.opencontainers.image."): value for name, _, value in (word.partition("=") for word in words)}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert labels.pop("description")
    assert labels == {
        "title": project["name"], "licenses": project["license"], "version": project["version"], "revision": "$COMMIT",
    }  # fmt: skip
    assert last.index("ARG COMMIT=") < label.start(), "a build argument is empty in a stage that does not name it"


def test_every_package_of_the_image_has_a_known_hash() -> None:
    commands = instructions(DOCKERFILE)
    brought = [command for command in commands if re.search(r"\bpip\b.* (?<!un)(install|wheel|download) -", command)]
    assert len(brought) == 4
    for command in brought:
        assert "--require-hashes" in command or ("--no-index" in command and "--no-deps" in command), command
        assert " wheel " not in command or "--no-build-isolation" in command


def test_the_build_backend_is_locked() -> None:
    (backend,) = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
    build, dev = ((ROOT / "requirements" / f"{name}.lock").read_text() for name in ("build", "dev"))
    locked = {(name, version): hashes for name, version, hashes in LOCKED.findall(build)}
    assert tuple(backend.split("==")) in locked
    assert len(locked) == build.count("==")
    everything = {(name, version) for name, version, _ in LOCKED.findall(dev)}
    assert set(locked) <= everything


def test_the_image_gets_the_name_of_its_commit() -> None:
    build = next(command for command in instructions(DOCKERFILE) if "pip wheel" in command)
    assert re.search(r"^ARG COMMIT=$", DOCKERFILE, re.MULTILINE)
    assert build.startswith(f"{VARIABLE}=$COMMIT pip wheel")


def is_in_build_context(path: str) -> bool:
    patterns = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    for pattern in patterns:
        anywhere = pattern.removeprefix("**/")
        places = [path, *path.split("/")] if anywhere != pattern else [path]
        if any(fnmatch.fnmatchcase(place, anywhere) or place.startswith(f"{anywhere}/") for place in places):
            return False
    return True


@pytest.mark.parametrize(
    "path",
    [".env", ".env.local", "scaleops-worker.db", "demo-out/demo.db", "x/y.db-wal", "demo-out/index.html", ".git/config",
     ".venv/bin/python", "node_modules/a.js", ".conformance/node_modules/a.js", "standalone-data/lock", "tests/conftest.py",
     "store/__pycache__/a.pyc"],
)  # fmt: skip
def test_no_setting_no_secret_and_no_database_is_in_the_build_context(path: str) -> None:
    assert not is_in_build_context(path)


def test_the_sources_of_the_wheel_are_in_the_build_context() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packages = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    needed = [f"{package}/__init__.py" for package in packages]
    needed += ["pyproject.toml", project["project"]["readme"], *project["project"]["license-files"]]
    needed += [project["tool"]["hatch"]["build"]["hooks"]["custom"]["path"]]
    needed += re.findall(r"requirements/\w+\.lock", DOCKERFILE)
    assert all(is_in_build_context(path) for path in needed)
