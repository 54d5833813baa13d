"""The network usage of a component's workloads."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from actions.context import LiveContext
from actions.live import outputs
from actions.live.inputs import NetworkInput
from actions.live.outputs import fields_of, name_of, sum_known
from actions.live.upstream import (
    ComponentWorkloads,
    Network,
    NotMonitored,
    Unmeasured,
    fetch_own_workloads,
    network_calls,
    set_aside_warning,
)
from domain.component import Component
from domain.workload import Destination, Flow, WorkloadKey, set_aside_of

_FLOWS = ("total_cost", "intra_az_cost", "cross_az_cost", "total_traffic", "intra_az_traffic", "cross_az_traffic")


def get_network_usage(live: LiveContext, component: Component, query: NetworkInput) -> outputs.NetworkOutput:
    """Return the network usage of a component; sums cover what was measured, and are null if every measurement failed."""
    as_of, network = live.clock(), Network()
    owned = fetch_own_workloads(component, live, workload_name=query.workload_name)
    start = as_of - timedelta(hours=query.time_range_hours)
    live.fan_out(network_calls(owned, live.scaleops, start=start, end=as_of, into=network))
    measured = {key: peers for key, peers in network.items() if isinstance(peers, tuple)}
    nothing_known = not measured and any(isinstance(peers, Unmeasured) for peers in network.values())
    peers = [destination for destinations in measured.values() for destination in destinations]
    return outputs.NetworkOutput(
        entity=outputs.Entity.of(component),
        currency=live.currency,
        as_of=as_of,
        period=f"{query.time_range_hours:g}h",
        warnings=[*owned.warnings, *network_warnings(network)],
        workload_network_data=[_network_row(live, owned, key, network) for key in owned.keys],
        summary=outputs.NetworkSummary(
            total_workloads=len(owned.workloads),
            measured_workloads=len(measured),
            total_network_cost=None if nothing_known else sum_known(_total(peer.total_cost) for peer in peers),
            total_traffic=None if nothing_known else sum_known(_total(peer.total_traffic) for peer in peers),
        ),
    )


def network_warnings(network: Network) -> list[str]:
    """Return warnings about workloads whose network is unknown, and about figures that ScaleOps left out."""
    warnings: dict[str, None] = {}
    for key, peers in network.items():
        if isinstance(peers, Unmeasured):
            warnings[f"the network of {name_of(key)} could not be measured: {peers.reason}"] = None
        elif not isinstance(peers, NotMonitored):
            if lacking := _count_lacking(peers):
                warnings[f"no network figures for {name_of(key)} ({lacking} of {len(peers)} peers)"] = None
            warnings |= dict.fromkeys(set_aside_warning(set_aside_of(peers), f"the network of {name_of(key)}"))
    return list(warnings)


def incomplete_network_warnings(network: Network) -> list[str]:
    """Return a warning for each cluster with a workload that has network figures, but not all of them."""
    clusters = {
        key.cluster
        for key, peers in network.items()
        if not isinstance(peers, Unmeasured | NotMonitored) and (_count_lacking(peers) or set_aside_of(peers))
    }
    return [
        f"network traffic on {cluster} is incomplete: ScaleOps left out figures, or sent them in a form that cannot be read"
        for cluster in sorted(clusters)
    ]


def _count_lacking(peers: tuple[Destination, ...]) -> int:
    return sum(1 for peer in peers if any(_lacks(getattr(peer, flow)) for flow in _FLOWS))


def _network_row(live: LiveContext, owned: ComponentWorkloads, key: WorkloadKey, network: Network) -> outputs.NetworkRow:
    peers = network[key]
    measured = peers if isinstance(peers, tuple) else ()
    return outputs.NetworkRow(
        **fields_of(key),
        network_cost_enabled=peers.is_monitored if isinstance(peers, Unmeasured) else not isinstance(peers, NotMonitored),
        total_network_cost=sum_known(_total(peer.total_cost) for peer in measured) if isinstance(peers, tuple) else None,
        total_traffic=sum_known(_total(peer.total_traffic) for peer in measured) if isinstance(peers, tuple) else None,
        error=peers.reason if isinstance(peers, Unmeasured) else None,
        dashboard_url=live.link(key.name, owned.found_by[key]),
        destinations=[outputs.DestinationRow.model_validate(peer, from_attributes=True) for peer in measured],
    )


def _lacks(flow: Flow | None) -> bool:
    return flow is None or flow.total is None or flow.egress is None or flow.ingress is None


def _total(flow: Flow | None) -> Decimal | None:
    return None if flow is None else flow.total
