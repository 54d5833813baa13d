"""The made-up credentials that the simulated services accept."""

from typing import Final

SCALEOPS_USER: Final = "report"
SCALEOPS_PASSWORD: Final = "simulated-scaleops-password"
SCALEOPS_TOKEN: Final = "simulated-scaleops-static-token"
"""A bearer token that never expires."""

AZURE_TENANT: Final = "simulated-tenant"
AZURE_CLIENT_ID: Final = "simulated-client"
AZURE_CLIENT_SECRET: Final = "simulated-azure-secret"

BACKSTAGE_TOKEN: Final = "simulated-backstage-token"
SLACK_BOT_TOKEN: Final = "xoxb-simulated-slack-token"

PAGERDUTY_ROUTING_KEY: Final = "simulateddefaultroutingkey000001"
"""The key of the platform team; the demo's company has more in its annotations. Events v2 requires 32 characters."""

SLACK_DEFAULT_CHANNEL: Final = "C0GENERAL01"
SLACK_PLATFORM_CHANNEL: Final = "C0PLATFORM1"
