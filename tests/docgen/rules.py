"""The page of the alert rules: their defaults from the policy."""

from alerts.policy import PLATFORM_RULE_SETTINGS, Rule, Rules, RuleSettings
from tests.docgen.field_docs import field_docs
from tests.docgen.markdown import code, page, table
from tests.docgen.settings import spelled

DESTINATIONS = {
    Rule.UNDER_PROVISIONED: "Slack channel of the owner; PagerDuty with evidence",
    Rule.OVER_PROVISIONED: "Slack channel of the owner",
    Rule.COST_INCREASE: "Slack channel of the owner",
    Rule.BUDGET: "Slack channel of the owner",
    Rule.UNMEASURED: "platform channel",
    Rule.STORM: "one page in place of many, to the team or the platform",
    Rule.OUTAGE: "platform channel",
    Rule.CATALOG: "platform channel",
}


def render_rules() -> str:
    """Return the page."""
    docs = field_docs(Rule)
    overview = table(["rule", "condition", "goes to"], [[code(rule), docs[rule.name], DESTINATIONS[rule]] for rule in Rule])
    sections = [
        f"## {rule}\n\n{_table_of(Rules().settings_of(rule))}"
        for rule in Rule
        if Rules().settings_of(rule) is not PLATFORM_RULE_SETTINGS
    ]
    platform = f"## storm, outage, catalog\n\n{_ABOUT_PLATFORM}\n\n{_table_of(PLATFORM_RULE_SETTINGS)}"
    return page("Alert rules", _INTRODUCTION, overview, *sections, platform)


def _table_of(settings: RuleSettings) -> str:
    docs = field_docs(type(settings))
    rows = [
        [code(name), code(spelled(getattr(settings, name))), docs.get(name, "")] for name in type(settings).__dataclass_fields__
    ]
    return table(["parameter", "default", "meaning"], rows)


_INTRODUCTION = """\
A rule is evaluated for each component when a full sweep closes; `under-provisioned` also by every watch sweep. [Priorities](../explanation/priorities.md) explains when an
alert pages, repeats and resolves. [The configuration file](configuration.md) sets the parameters that have a key there, for all components or for one."""
_ABOUT_PLATFORM = "About the installation: opened and resolved by the first sweep that shows it, and not configurable."
