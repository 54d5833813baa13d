"""Names the commit that this installation was built from. A wheel and an image have it in a file; in a checkout it comes from git.

Imports nothing of ours: the build reads it before anything is installed.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Final

FILE_NAME: Final = "commit.txt"
"""Written by the build alongside this module; no checkout has it."""
_COMMIT: Final = re.compile(r"[0-9a-f]{7,64}(-modified)?")
_DESCRIBE: Final = ("describe", "--always", "--dirty=-modified", "--abbrev=40", "--exclude=*")
_FOLDER: Final = Path(__file__).parent


def built_from(folder: Path = _FOLDER) -> str | None:
    """Return the commit, with `-modified` if the files differed from it; None if it is unknown."""
    try:
        return checked((folder / FILE_NAME).read_text(encoding="ascii"))
    except OSError:
        return commit_of_checkout(folder.parent)


def commit_of_checkout(root: Path) -> str | None:
    """Return the commit that git names for a folder with a `.git` of its own; None for any other folder, and without git."""
    if not (root / ".git").exists():
        return None
    try:
        done = subprocess.run(["git", "-C", root, *_DESCRIBE], capture_output=True, encoding="utf-8", check=True)  # noqa: S603, S607 - no input
    except (OSError, subprocess.SubprocessError):
        return None
    return checked(done.stdout)


def checked(text: str) -> str | None:
    """Return the text if it names a commit, else None."""
    found = text.strip()
    return found if _COMMIT.fullmatch(found) else None
