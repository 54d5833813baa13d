"""The memory of a process, from /proc: unlike `getrusage`, the peak of a child does not begin with the memory of its parent.

Where there is no /proc (macOS), a process can read its own peak only, from `getrusage`, which begins at zero there.
"""

from __future__ import annotations

import resource
from pathlib import Path
from typing import Final

from benchmarks.results import CannotMeasure

_PROC: Final = Path("/proc")


def require_proc() -> None:
    """Raise CannotMeasure where there is no /proc."""
    if not _PROC.exists():
        message = "reads the CPU time and memory of processes from /proc, which this machine does not have"
        raise CannotMeasure(message)


def resident_mib(pid: int | str = "self") -> float:
    """Return the resident memory of a process."""
    return _status_mib(pid, "VmRSS:")


def peak_mib(pid: int | str = "self") -> float:
    """Return the highest resident memory of a process since it began."""
    return _status_mib(pid, "VmHWM:")


def _status_mib(pid: int | str, name: str) -> float:
    if pid == "self" and not _PROC.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    status = (_PROC / str(pid) / "status").read_text(encoding="ascii", errors="replace")
    return int(status.partition(name)[2].split()[0]) / 1024
