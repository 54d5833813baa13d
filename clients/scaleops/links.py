"""Links into the ScaleOps dashboard."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, urlencode


@dataclass(frozen=True, slots=True)
class DashboardLinks:
    """Answers the address of a workload in the dashboard at `base_url`. Called as `actions.ports.DashboardLink`."""

    base_url: str

    def __call__(self, workload_name: str, labels: tuple[str, ...]) -> str | None:
        """Build the cost report's address, searched for the workload's name among what carries these labels."""
        query = [
            ("searchTerms", workload_name),
            ("selectedTable", "Workloads"),
            ("groupByCluster", "0"),
            ("groupByNamespace", "0"),
            ("logicalLabel", "AND"),
            *(("labels", label) for label in labels),
        ]
        return f"{self.base_url.rstrip('/')}/cost-report/compute?{urlencode(query, quote_via=quote)}"
