"""Runs the demo as a user does, and reads what it wrote."""

import json
import subprocess
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

COMMAND: Final = Path(sys.executable).parent / "scaleops-worker"
TEAMS: Final = {"storefront", "payments", "fulfilment", "search", "identity", "data", "platform", "unowned"}


@dataclass(frozen=True, kw_only=True)
class Lived:
    path: Path
    output: str

    @cached_property
    def received(self) -> list[dict[str, Any]]:
        """Messages as they read after each post and edit."""
        return [json.loads(path.read_text(encoding="utf-8")) for path in sorted((self.path / "slack").iterdir())]

    @property
    def messages(self) -> list[dict[str, Any]]:
        """Messages as they were posted."""
        return [message for message in self.received if "edited" not in message]

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(path.read_text(encoding="utf-8")) for path in sorted((self.path / "pagerduty").iterdir())]


def live(path: Path, *, weeks: int) -> Lived:
    """Run the demo as a user does, in a folder of its own and with settings around that it must not read."""
    done = subprocess.run(
        [COMMAND, "demo", "--out", str(path), "--weeks", str(weeks)],
        capture_output=True,
        text=True,
        check=False,
        cwd=path.parent,
        env={"PATH": "/usr/bin:/bin", "SCALEOPS_BASE_URL": "https://scaleops.example.com", "SLACK_BOT_TOKEN": "xoxb-of-somebody"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return Lived(path=path, output=done.stdout)
