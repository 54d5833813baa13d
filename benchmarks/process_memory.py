"""The memory of a process, from /proc: unlike `getrusage`, the peak of a child does not begin with the memory of its parent."""

from __future__ import annotations

from pathlib import Path

from benchmarks.results import CannotMeasure


def require_proc() -> None:
    """Raise CannotMeasure where there is no /proc."""
    if not Path("/proc/self/stat").exists():
        message = "reads the CPU time and memory of processes from /proc, which this machine does not have"
        raise CannotMeasure(message)


def resident_mib(pid: int | str = "self") -> float:
    """Return the resident memory of a process."""
    return _status_mib(pid, "VmRSS:")


def peak_mib(pid: int | str = "self") -> float:
    """Return the highest resident memory of a process since it began."""
    return _status_mib(pid, "VmHWM:")


def _status_mib(pid: int | str, name: str) -> float:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    return int(status.partition(name)[2].split()[0]) / 1024
