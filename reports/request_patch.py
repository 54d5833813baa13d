"""The change of a workload's requests, ready to copy: the YAML, and the kubectl command. Quantities as Kubernetes writes them.

Used wherever requests are advised (report, incident), so that the rules of what may be advised hold everywhere: no less memory where
the workload was OOM-killed or may have been, no request of nothing, no container that ScaleOps did not name (it names none).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from domain.advice import must_keep_memory
from domain.workload import WorkloadKey
from reports.formatting import UNKNOWN

CONTAINERS: Final = (
    "Requests are per pod, and ScaleOps names no container: kubectl sets every container of the pod. "
    "If there are several, name one with -c and divide the requests among them."
)
LIMITS: Final = "Raise a limit that is lower, too, or Kubernetes refuses the change."

_KIB: Final = 1024
_MIB: Final = 1024**2
_SETTABLE: Final = frozenset({"deployment", "statefulset", "daemonset", "cronjob"})
"""Kinds whose pod template `kubectl set resources` changes with a lasting effect. That of a Job or Pod cannot be changed, that of a
ReplicaSet belongs to its Deployment; https://kubernetes.io/docs/reference/kubectl/generated/kubectl_set/kubectl_set_resources"""
_LABEL: Final = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?")
_NAME: Final = re.compile(r"[a-z0-9](?:[-.a-z0-9]{0,251}[a-z0-9])?")

ResourceName = Literal["cpu", "memory"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestChange:
    """A request per pod, now and recommended: CPU in millicores, memory in bytes. None: not known."""

    resource: ResourceName
    now: float | None
    recommended: float | None

    @property
    def is_known(self) -> bool:
        """True if it can be carried out."""
        return self.now is not None and self.recommended is not None

    @property
    def is_rise(self) -> bool:
        """True if more is recommended."""
        return self.now is not None and self.recommended is not None and self.recommended > self.now


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestPatch:
    """What to copy. Without a command, `no_command_reason` says why."""

    yaml: str
    command: str
    no_command_reason: str = ""
    note: str = ""


def request_changes(
    *, cpu: tuple[float | None, float | None], memory: tuple[float | None, float | None], oom_kills: int | None
) -> tuple[RequestChange, ...]:
    """Return what to change of requests per pod, each given as (now, recommended): without what stays as it is.

    Args:
        cpu: in millicores.
        memory: in bytes.
        oom_kills: in the last 24 hours; None: not known, and so there may have been some.
    """
    keeps_memory = must_keep_memory(oom_kills=oom_kills, memory_request=memory[0], memory_recommended=memory[1])
    sizes: tuple[tuple[ResourceName, tuple[float | None, float | None]], ...] = (("cpu", cpu), ("memory", memory))
    changes = (
        RequestChange(resource=resource, now=now, recommended=recommended or None)  # nothing would remove the request
        for resource, (now, recommended) in sizes
        if not (resource == "memory" and keeps_memory)
    )
    return tuple(
        one
        for one in changes
        if not one.is_known or format_quantity(one.resource, one.now) != format_quantity(one.resource, one.recommended)
    )


def patch_requests(workload: WorkloadKey, changes: Iterable[RequestChange]) -> RequestPatch | None:
    """Return what to copy to carry out changes; None if nothing of them is known."""
    known = [one for one in changes if one.is_known]
    if not known:
        return None
    quantities = {one.resource: format_quantity(one.resource, one.recommended) for one in known}
    yaml = "\n".join(["resources:", "  requests:", *(f"    {resource}: {size}" for resource, size in quantities.items())])
    note = LIMITS if any(one.is_rise for one in known) else ""
    reason = _no_command_reason(workload)
    if reason:
        return RequestPatch(yaml=yaml, command="", no_command_reason=reason, note=note)
    requests = ",".join(f"{resource}={size}" for resource, size in quantities.items())
    target = f"{workload.type.lower()}/{workload.name}"
    command = f"kubectl -n {workload.namespace} set resources {target} --requests={requests}"
    return RequestPatch(yaml=yaml, command=command, note=note)


def _no_command_reason(workload: WorkloadKey) -> str:
    if workload.type.lower() not in _SETTABLE:
        return f"kubectl cannot set the requests of a {workload.type}: change them where it is defined."
    if _NAME.fullmatch(workload.name) is None or _LABEL.fullmatch(workload.namespace) is None:
        return "Its name or namespace is not a valid Kubernetes name, so there is no kubectl command."
    return ""


def format_quantity(resource: str, size: float | None, *, pods: int = 1) -> str:
    """Format a request as Kubernetes writes it, rounded up per pod: `475m`, `1229Mi`; or `unknown`."""
    if size is None:
        return UNKNOWN
    if resource == "cpu":
        return f"{_round_up(size) * pods}m"
    return f"{_round_up(size / _MIB) * pods}Mi" if size >= _MIB else f"{_round_up(size / _KIB) * pods}Ki"


def _round_up(number: float) -> int:
    """Round up, but for what is no more than an error of floating point; never to nothing."""
    return max(math.ceil(round(number, 3)), 1 if number > 0 else 0)


def format_changes(changes: Iterable[RequestChange], *, pods: int = 1) -> str:
    """Format changes as `CPU 2000m -> 500m, memory unknown` (with arrows), of one pod or of several together; empty without any."""
    return ", ".join(_format_change(one, pods) for one in changes)


def _format_change(change: RequestChange, pods: int) -> str:
    label = "CPU" if change.resource == "cpu" else "memory"
    if change.now is None and change.recommended is None:
        return f"{label} {UNKNOWN}"
    now, recommended = (format_quantity(change.resource, size, pods=pods) for size in (change.now, change.recommended))
    return f"{label} {now} \N{RIGHTWARDS ARROW} {recommended}"
