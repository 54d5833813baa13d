"""Writes the files of a new installation, and never replaces one without keeping it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from itertools import chain, count
from pathlib import Path
from typing import Final

from wiring.config_file import DEFAULT_NAME
from wiring.environment import read_dotenv
from wiring.settings import SettingsError

ENV_NAME: Final = ".env"
BACKUP_SUFFIX: Final = ".bak"
_PRIVATE: Final = 0o600
_SHARED: Final = 0o644


def check_folder(folder: Path, *, replaces: bool) -> None:
    """Raise SettingsError if the files cannot be written to a folder."""
    if folder.exists() and not folder.is_dir():
        message = f"{folder} is not a folder; name the folder that the files are written to"
        raise SettingsError(message)
    nearest = next(one for one in (folder.absolute(), *folder.absolute().parents) if one.exists())
    if not os.access(nearest, os.W_OK | os.X_OK):
        message = f"{nearest} is not writable for you; --dir names another folder"
        raise SettingsError(message)
    there = [name for name in (ENV_NAME, DEFAULT_NAME) if os.path.lexists(folder / name)]
    if there and not replaces:
        verb = "exists" if len(there) == 1 else "exist"
        message = (
            f"{' and '.join(there)} {verb} in {folder.absolute()}; --force replaces both files, with the values of the present "
            f".env as defaults, and keeps the present ones as *{BACKUP_SUFFIX}, *{BACKUP_SUFFIX}.1 and so on; --dir names another folder"
        )
        raise SettingsError(message)


def present_settings(folder: Path) -> Mapping[str, str]:
    """Return what the `.env` of a folder sets. Raises SettingsError if it cannot be read."""
    return {name: value.strip() for name, value in read_dotenv(folder / ENV_NAME).items() if value.strip()}


def write_files(folder: Path, *, env_text: str, config_text: str) -> tuple[Path, Path]:
    """Write `.env`, which only its owner may read, and the configuration file; a present one is renamed first.

    Raises:
        SettingsError: a file cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return (
            _write_new(folder / ENV_NAME, env_text, mode=_PRIVATE),
            _write_new(folder / DEFAULT_NAME, config_text, mode=_SHARED),
        )
    except OSError as error:
        message = f"{error.filename or folder} cannot be written: {error.strerror or type(error).__name__}"
        raise SettingsError(message) from error


def _write_new(path: Path, text: str, *, mode: int) -> Path:
    if os.path.lexists(path):
        kept = path.rename(_free_backup_name(path))
        if mode == _PRIVATE and not kept.is_symlink():
            kept.chmod(_PRIVATE)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="utf-8") as file:
        file.write(text)
    return path


def _free_backup_name(path: Path) -> Path:
    """Return the first name for a backup that no file has: `.env.bak`, then `.env.bak.1`, `.env.bak.2` and so on."""
    backup = path.with_name(path.name + BACKUP_SUFFIX)
    numbered = (backup.with_name(f"{backup.name}.{number}") for number in count(1))
    return next(name for name in chain([backup], numbered) if not os.path.lexists(name))
