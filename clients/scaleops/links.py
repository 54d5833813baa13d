"""Links into the ScaleOps dashboard."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, urlencode


@dataclass(frozen=True, slots=True)
class DashboardLinks:
    """Implements `actions.ports.DashboardLink` for the dashboard at `base_url`."""

    base_url: str

    def __call__(self, workload_name: str, labels: tuple[str, ...]) -> str | None:
        """Return the URL of the cost report, filtered by these labels and searched for the workload's name if there is one."""
        query = [
            *((("searchTerms", workload_name),) if workload_name else ()),
            ("selectedTable", "Workloads"),
            ("groupByCluster", "0"),
            ("groupByNamespace", "0"),
            ("logicalLabel", "AND"),
            *(("labels", label) for label in labels),
        ]
        return f"{self.base_url.rstrip('/')}/cost-report/compute?{urlencode(query, quote_via=quote)}"
