"""The status page: what the command `status` prints. Callers who may not see everything get it without names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from actions.history.view import HistoryView
from domain.messages import Json
from domain.refs import PLATFORM, EntityRef
from gateway.web.alert_forms import SNOOZES
from gateway.web.alert_lines import AlertLine, alert_table, read_alert_lines
from gateway.web.alert_pages import PageVisit
from gateway.web.reader_links import ReaderLinks, export_query
from reports.render.tables import PageTable
from reports.render.templating import environment
from tasks.context import KeySealer, Policy
from tasks.maintenance.service_errors import LastError, last_errors
from tasks.maintenance.status import InstallationStatus, status_of
from tasks.maintenance.status_json import status_as_json
from tasks.maintenance.status_sections import StatusSection, status_sections, status_tables


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusPage:
    """The status as one caller may see it, with the alerts about the installation."""

    found: InstallationStatus
    errors: Sequence[LastError]
    """Of each service that has one; read only for callers who see everything."""
    sections: tuple[StatusSection, ...]
    alerts: Sequence[AlertLine]
    policy: Policy
    visit: PageVisit
    has_names: bool

    @classmethod
    def read(cls, view: HistoryView, visit: PageVisit, policy: Policy, sealer: KeySealer | None) -> StatusPage:
        """Read the page as a caller may see it."""
        now, has_names = view.history.clock(), view.sees_everything
        found = status_of(view.rows, policy, now=now, sealer=sealer)
        errors = last_errors(view.rows, found) if has_names else ()
        return cls(
            found=found,
            errors=errors,
            sections=status_sections(found, errors, policy.currency, with_names=has_names),
            alerts=read_alert_lines(view, PLATFORM, visit.forms, visit.caller, now=now) if has_names else (),
            policy=policy,
            visit=visit,
            has_names=has_names,
        )

    @property
    def about(self) -> EntityRef:
        """The installation."""
        return PLATFORM

    def tables(self) -> tuple[PageTable, ...]:
        """Return the tables of the page; the first has its lines."""
        alerts = [alert_table(self.alerts, "the installation", as_of=self.found.now)] if self.alerts else []
        return (*status_tables(self.sections, self.found), *alerts)

    def as_json(self) -> Mapping[str, Json]:
        """Return what the command `status --json` prints."""
        return status_as_json(self.found, self.errors, self.policy.currency, with_names=self.has_names)

    def render(self, *, problem: str) -> str:
        """Return the HTML."""
        problems, links = self.found.problems, ReaderLinks.of(self.visit.request, self.policy.page_links)
        return (
            environment("html")
            .get_template("pages/status.html")
            .render(
                page=self,
                problem=problem,
                snoozes=list(SNOOZES),
                export_query=export_query(self.visit.request),
                instance=self.policy.instance,
                now=self.found.now,
                sections=self.sections,
                docs_url=self.found.docs_url,
                problems=problems if self.has_names else (),
                hidden_problems=0 if self.has_names else len(problems),
                overview=links.overview,
            )
        )
