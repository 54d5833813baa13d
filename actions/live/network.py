"""The answer about the network of a component's workloads. Pure."""

from __future__ import annotations

from decimal import Decimal

from actions.live import outputs
from actions.live.output_context import OutputContext, name_of, sum_known
from actions.live.outputs import number
from actions.live.upstream import ComponentWorkloads, Network, NotMonitored, Unmeasured
from domain.workload import Destination, Flow, WorkloadKey


def network_answer(frame: OutputContext, claim: ComponentWorkloads, network: Network, *, hours: float) -> outputs.NetworkOutput:
    """Answer the network of a component; sums are over what was measured, and null when nothing watched could be."""
    measured = {key: peers for key, peers in network.items() if isinstance(peers, tuple)}
    failed = sum(1 for peers in network.values() if isinstance(peers, Unmeasured))
    nothing_known = failed > 0 and not measured
    peers = [destination for destinations in measured.values() for destination in destinations]
    return outputs.NetworkOutput(
        entity=outputs.Entity.of(frame.component),
        currency=frame.currency,
        as_of=frame.as_of,
        period=f"{hours:g}h",
        warnings=[*claim.warnings, *network_warnings(network)],
        workload_network_data=[_network_row(frame, claim, workload.key, network) for workload in claim.workloads],
        summary=outputs.NetworkSummary(
            total_workloads=len(claim.workloads),
            measured_workloads=len(measured),
            total_network_cost=None if nothing_known else sum_known(_total(peer.total_cost) for peer in peers),
            total_traffic=None if nothing_known else sum_known(_total(peer.total_traffic) for peer in peers),
        ),
    )


def network_warnings(network: Network) -> list[str]:
    """Name workloads whose network is not known, and numbers that were left out of the rest."""
    sentences: dict[str, None] = {}
    for key, peers in network.items():
        if isinstance(peers, Unmeasured):
            sentences[f"the network of {name_of(key)} could not be measured: {peers.reason}"] = None
        elif not isinstance(peers, NotMonitored):
            lacking = sum(1 for peer in peers if any(_lacks(flow) for flow in _flows_of(peer)))
            if lacking:
                sentences[f"ScaleOps left out figures of {lacking} of {len(peers)} network peers of {name_of(key)}"] = None
    return list(sentences)


def _network_row(frame: OutputContext, claim: ComponentWorkloads, key: WorkloadKey, network: Network) -> outputs.NetworkRow:
    peers = network[key]
    measured = peers if isinstance(peers, tuple) else ()
    return outputs.NetworkRow(
        workload_name=key.name,
        cluster_name=key.cluster,
        namespace=key.namespace,
        type=key.type,
        network_cost_enabled=peers.is_watched if isinstance(peers, Unmeasured) else not isinstance(peers, NotMonitored),
        total_network_cost=sum_known(_total(peer.total_cost) for peer in measured) if isinstance(peers, tuple) else None,
        total_traffic=sum_known(_total(peer.total_traffic) for peer in measured) if isinstance(peers, tuple) else None,
        error=peers.reason if isinstance(peers, Unmeasured) else None,
        dashboard_url=frame.link_to(key, claim),
        destinations=[_destination_row(peer) for peer in measured],
    )


def _destination_row(peer: Destination) -> outputs.DestinationRow:
    return outputs.DestinationRow(
        name=peer.name,
        namespace=peer.namespace,
        workload_type=peer.workload_type,
        replicas=peer.replicas,
        total_cost=_flow_figures(peer.total_cost),
        intra_az_cost=_flow_figures(peer.intra_az_cost),
        cross_az_cost=_flow_figures(peer.cross_az_cost),
        total_traffic=_flow_figures(peer.total_traffic),
        intra_az_traffic=_flow_figures(peer.intra_az_traffic),
        cross_az_traffic=_flow_figures(peer.cross_az_traffic),
    )


def _flow_figures(flow: Flow | None) -> outputs.FlowFigures | None:
    if flow is None:
        return None
    return outputs.FlowFigures(total=number(flow.total), egress=number(flow.egress), ingress=number(flow.ingress))


def _flows_of(peer: Destination) -> tuple[Flow | None, ...]:
    return (
        peer.total_cost,
        peer.intra_az_cost,
        peer.cross_az_cost,
        peer.total_traffic,
        peer.intra_az_traffic,
        peer.cross_az_traffic,
    )


def _lacks(flow: Flow | None) -> bool:
    return flow is None or flow.total is None or flow.egress is None or flow.ingress is None


def _total(flow: Flow | None) -> Decimal | None:
    return None if flow is None else flow.total
