"""The wheel: the same bytes from two builds of a commit, and the commit in it."""

import os
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import hatchling.build
import pytest

from cli.commit import FILE_NAME, built_from, checked, commit_of_checkout
from hatch_build import VARIABLE
from tests.services.commands import Run

ROOT = Path(__file__).parents[2]
COMMIT = "0123456789abcdef0123456789abcdef01234567"
INSTANT = "1780000000"

Build = Callable[[Path], Path]


@pytest.fixture
def build(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Build:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", INSTANT)
    monkeypatch.setenv(VARIABLE, COMMIT)

    def build_wheel(root: Path) -> Path:
        folder = tmp_path / f"dist of {root.name}"
        monkeypatch.chdir(root)
        return folder / hatchling.build.build_wheel(str(folder))

    return build_wheel


def copy_of_the_sources(folder: Path) -> Path:
    """Copy what git knows, as another checkout would have it: other times, other permissions, another order of creation."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for name in sorted(filter(None, listed.split("\0")), reverse=True):
        if not name.startswith(("tests/", "docs/", "benchmarks/")) and (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)
            (folder / name).chmod(0o600)
            os.utime(folder / name, (1, 1))
    return folder


def test_two_builds_of_a_commit_have_the_same_bytes(build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = build(ROOT), build(copy_of_the_sources(tmp_path / "other"))
    assert sha256(first.read_bytes()).hexdigest() == sha256(second.read_bytes()).hexdigest()

    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1790000000")
    assert build(ROOT).read_bytes() != second.read_bytes()


def test_the_wheel_names_its_commit(build: Build, tmp_path: Path) -> None:
    with zipfile.ZipFile(build(ROOT)) as wheel:
        assert wheel.read(f"cli/{FILE_NAME}").decode() == f"{COMMIT}\n"
        wheel.extract(f"cli/{FILE_NAME}", tmp_path)
    assert built_from(tmp_path / "cli") == COMMIT


def test_the_variable_takes_precedence_over_the_file_of_an_sdist(build: Build, tmp_path: Path) -> None:
    sdist = copy_of_the_sources(tmp_path / "sdist")
    (sdist / "cli" / FILE_NAME).write_text("fedcba9876543210\n", encoding="ascii")
    with zipfile.ZipFile(build(sdist)) as wheel:
        assert [wheel.read(name).decode() for name in wheel.namelist() if name == f"cli/{FILE_NAME}"] == [f"{COMMIT}\n"]


def test_a_build_refuses_what_is_no_commit(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "main; rm -rf")
    with pytest.raises(ValueError, match=f"{VARIABLE} must be the hexadecimal name of a commit, not 'main; rm -rf'"):
        build(ROOT)


@pytest.mark.parametrize(
    ("text", "commit"),
    [
        (f"{COMMIT}\n", COMMIT),
        (f"{COMMIT}-modified", f"{COMMIT}-modified"),
        ("0123456", "0123456"),
        ("012345", None),
        ("HEAD", None),
        ("", None),
        (f"{COMMIT} and more", None),
    ],
)
def test_a_commit_is_a_hexadecimal_name(text: str, commit: str | None) -> None:
    assert checked(text) == commit


def test_a_folder_without_git_has_no_commit(tmp_path: Path) -> None:
    assert commit_of_checkout(tmp_path) is None
    (tmp_path / ".git").mkdir()
    assert commit_of_checkout(tmp_path) is None
    assert built_from(tmp_path / "cli") is None


def test_the_version_of_a_checkout_names_its_commit(run: Run) -> None:
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    ran = run("--version")

    assert ran.out.rstrip("\n").removesuffix("-modified") == f"scaleops-worker, version 0.1.0, commit {head}"
    assert ran.status == 0
