"""Build hook of hatchling: adds the file that names the commit to wheel and sdist, where `cli/commit.py` reads it.

The commit is what SCALEOPS_WORKER_COMMIT says (an image is built without `.git`), else that of the sdist or the checkout.
"""

from __future__ import annotations

import os
import runpy
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

VARIABLE: Final = "SCALEOPS_WORKER_COMMIT"


class CommitBuildHook(BuildHookInterface[Any]):
    """Adds the file. An editable installation has none: its commit changes with the checkout."""

    _folder: TemporaryDirectory[str] | None = None

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Write the file into a temporary folder, and include it.

        Raises:
            ValueError: SCALEOPS_WORKER_COMMIT is not the name of a commit.
        """
        reader = runpy.run_path(str(Path(self.root) / "cli" / "commit.py"))
        target = f"cli/{reader['FILE_NAME']}"
        if version == "editable":
            return
        commit = None
        if given := os.environ.get(VARIABLE):
            commit = reader["checked"](given)
            if commit is None:
                message = f"{VARIABLE} must be the hexadecimal name of a commit, not {given!r}"
                raise ValueError(message)
        elif not (Path(self.root) / target).exists():
            commit = reader["commit_of_checkout"](Path(self.root))
        if commit is not None:
            self._folder = TemporaryDirectory()
            file = Path(self._folder.name) / reader["FILE_NAME"]
            file.write_text(f"{commit}\n", encoding="ascii")
            build_data["force_include"][str(file)] = target

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove the temporary folder after the build."""
        del version, build_data, artifact_path
        if self._folder is not None:
            self._folder.cleanup()
