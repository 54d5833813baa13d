"""The demo deletes what an earlier demo wrote, and nothing else."""

from pathlib import Path

import pytest

from cli.demo_folder import DemoFolder, NotOurFolder

MESSAGE = {"channel": "C0GENERAL01", "text": "hello"}


def test_a_file_of_a_person_survives_the_next_demo(tmp_path: Path) -> None:
    DemoFolder(tmp_path / "out").write_messages([MESSAGE, MESSAGE])
    notes = tmp_path / "out" / "slack" / "notes.txt"
    notes.write_text("mine", encoding="utf-8")
    DemoFolder(tmp_path / "out").write_messages([MESSAGE])

    assert notes.read_text(encoding="utf-8") == "mine"
    assert sorted(file.name for file in notes.parent.iterdir()) == ["0001-C0GENERAL01.json", "notes.txt"]


def test_a_file_of_a_person_is_not_overwritten(tmp_path: Path) -> None:
    folder = DemoFolder(tmp_path / "out")
    page = tmp_path / "out" / "slack" / "0001-C0GENERAL01.json"
    page.parent.mkdir()
    page.write_text("mine", encoding="utf-8")
    with pytest.raises(NotOurFolder, match=r"was not written by the demo"):
        folder.write_messages([MESSAGE])


def test_a_mark_deletes_nothing_outside_its_folder(tmp_path: Path) -> None:
    outside = tmp_path / "outside.txt"
    outside.touch()
    DemoFolder(tmp_path / "out")
    (tmp_path / "out" / ".made-by-scaleops-worker-demo").write_text(f"../outside.txt\n{outside}\n\n", encoding="utf-8")
    DemoFolder(tmp_path / "out")

    assert outside.exists()


def test_an_interrupted_demo_is_replaced(tmp_path: Path) -> None:
    first = DemoFolder(tmp_path / "out")
    first.database.touch()
    first.write_messages([MESSAGE])

    assert not DemoFolder(tmp_path / "out").database.exists()


def test_a_folder_with_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    with pytest.raises(NotOurFolder, match="choose another folder with --out"):
        DemoFolder(tmp_path)
    with pytest.raises(NotOurFolder, match="is a file"):
        DemoFolder(tmp_path / "notes.txt")
