"""What names contain is shown, never obeyed, and an encoding that lacks a character does not end a command."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cli.output import say, say_json, show_table

HOSTILE = "shop\x1b[31m\x9b2J\x07\u202ered"


def test_control_characters_of_names_never_reach_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    say(f"## {HOSTILE}\n\ttext")
    show_table([HOSTILE], [[HOSTILE]])
    say_json({"name": HOSTILE})
    out = capsys.readouterr().out

    assert not {"\x1b", "\x9b", "\x07", "\u202e"}.intersection(out)
    assert "\n\ttext" in out
    assert json.loads(out.splitlines()[-1]) == {"name": HOSTILE}


def test_an_unexpected_argument_with_control_characters_is_shown_without_them() -> None:
    ran = run_command("trend", HOSTILE, encoding="utf-8")

    assert ran.returncode == 2
    assert not {"\x1b", "\x9b"}.intersection(ran.stderr)


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_an_encoding_that_lacks_a_character_escapes_it(encoding: str, tmp_path: Path) -> None:
    (tmp_path / "scaleops-worker.yaml").write_text("teams: {}\n", encoding="utf-8")
    ran = run_command("check-config", encoding=encoding, WORKER_INSTANCE="\u5009-\U0001f680", cwd=str(tmp_path))
    as_json = run_command("check-config", "--json", encoding=encoding, WORKER_INSTANCE="\u5009-\U0001f680", cwd=str(tmp_path))

    assert "\\u5009-\\U0001f680" in ran.stdout
    assert json.loads(as_json.stdout)["settings"]["WORKER_INSTANCE"]["value"] == "\u5009-\U0001f680"
    assert (ran.returncode, as_json.returncode) == (0, 0)


def run_command(*arguments: str, encoding: str, cwd: str | None = None, **settings: str) -> subprocess.CompletedProcess[str]:
    code = "from cli.main import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=cwd,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parents[2]), "PYTHONIOENCODING": encoding, **settings},
        capture_output=True,
        encoding=encoding,
        check=False,
    )
