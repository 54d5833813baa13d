"""Where the tests keep temporary files: in memory where there is room, because the suite syncs thousands of small databases."""

import os
import shutil
import tempfile
from pathlib import Path
from typing import Final

_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - every file is in a folder of its own
_NEEDED_BYTES: Final = 2 * 2**30
"""A run of the whole suite writes less than a fifth of it."""


def _has_room() -> bool:
    """Return True if programs can run there, too: PostgreSQL is copied for a user of its own."""
    if not _MEMORY.is_dir() or not os.access(_MEMORY, os.W_OK):
        return False
    return shutil.disk_usage(_MEMORY).free >= _NEEDED_BYTES and not os.statvfs(_MEMORY).f_flag & os.ST_NOEXEC


FOLDER: Final = str(_MEMORY) if _has_room() else "/tmp"  # noqa: S108 - as above
"""Short, because the path of a Unix socket has about a hundred characters."""


def use_for_temporary_files() -> None:
    """Make it the folder of `tempfile`, and so of pytest and of child processes, unless TMPDIR names another."""
    if str(_MEMORY) == FOLDER and "TMPDIR" not in os.environ:
        os.environ["TMPDIR"] = FOLDER
        tempfile.tempdir = None
