"""The events of the company. Everything else follows from these instants; the demo reads them at `/control/story`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Final

from simulator.world import Record

US: Final = "prod-us-east-1"
EDGE: Final = "edge-admin@eu-west-1"
STAGING: Final = "staging"
CLUSTERS: Final = (US, EDGE, STAGING)


def _utc(month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=timezone.utc)


BEGIN: Final = _utc(8, 24)
END: Final = _utc(11, 16)
EVENTFUL_WEEK: Final = "2026-W45"
EVENTFUL_BEGIN: Final = _utc(11, 2)
EVENTFUL_END: Final = _utc(11, 9)

ARCHIVED_FROM: Final = _utc(8, 31, 6, 30)
ARCHIVED_UNTIL: Final = _utc(8, 31, 8, 30)

REMOVED_AT: Final = _utc(10, 28, 9)
NEW_AT: Final = _utc(10, 20, 8)
RIGHTSIZED_AT: Final = _utc(10, 6, 10)

COST_JUMP_FROM: Final = _utc(11, 3)
COST_JUMP_UNTIL: Final = _utc(11, 11, 12)
COST_JUMP_FACTOR: Final = 2.5

OOM_FROM: Final = _utc(11, 3, 7)
OOM_UNTIL: Final = _utc(11, 4, 11)
OOM_KILLS: Final = tuple(
    day + timedelta(minutes=minutes) for day in (_utc(11, 3, 7), _utc(11, 4, 7)) for minutes in (5, 20, 50, 75)
)
"""Four at the morning peak of each day: the count of the last 24 hours stays at four until a day after the fix."""

ACKNOWLEDGED_AT: Final = _utc(11, 3, 7, 24)

BAD_RELEASE_FROM: Final = _utc(10, 14, 13)
BAD_RELEASE_UNTIL: Final = _utc(10, 14, 14, 30)
BAD_RELEASE_PARTS: Final = ("frontend", "cartservice", "recommendationservice", "adservice", "reviews-api", "wishlistservice")
BAD_RELEASE_KILLS: Final = tuple(BAD_RELEASE_FROM + timedelta(minutes=minutes) for minutes in (5, 10, 25, 40))

LOST_FROM: Final = _utc(11, 5, 10)
LOST_UNTIL: Final = _utc(11, 6, 4)


@dataclass(frozen=True, kw_only=True)
class StoryEvent:
    """An event: what happens, when, and to which component. Without an end it is permanent."""

    name: str
    what: str
    begins: datetime | None = None
    ends: datetime | None = None
    ending: str = ""
    """What happens at its end."""
    component: str = ""
    team: str = ""
    cluster: str = ""

    def to_record(self) -> Record:
        """Return the event as JSON."""
        return {
            "name": self.name,
            "what": self.what,
            "ending": self.ending,
            "from": None if self.begins is None else self.begins.isoformat(),
            "until": None if self.ends is None else self.ends.isoformat(),
            "component": self.component,
            "team": self.team,
            "cluster": self.cluster,
        }


EVENTS: Final = (
    StoryEvent(
        name="archived-channel",
        what="The identity team archives its Slack channel by mistake: a message for it goes to the platform channel.",
        begins=ARCHIVED_FROM,
        ends=ARCHIVED_UNTIL,
        ending="The channel of the identity team can be used again.",
        team="group:default/identity",
    ),
    StoryEvent(
        name="rightsizing",
        what="The search team lets ScaleOps automate search-indexer: its requests fall to the recommended values.",
        begins=RIGHTSIZED_AT,
        component="component:default/search-indexer",
        team="group:default/search",
    ),
    StoryEvent(
        name="bad-release",
        what="A faulty library reaches all services of the storefront team at once; they are OOM-killed until it is rolled back.",
        begins=BAD_RELEASE_FROM,
        ends=BAD_RELEASE_UNTIL,
        ending="The faulty library is rolled back.",
        team="group:default/storefront",
        cluster=US,
    ),
    StoryEvent(
        name="new-component",
        what="The payments team puts giftcardservice into the catalog and into production.",
        begins=NEW_AT,
        component="component:default/giftcardservice",
        team="group:default/payments",
    ),
    StoryEvent(
        name="removed-component",
        what="The storefront team takes wishlistservice out of production and out of the catalog.",
        begins=REMOVED_AT,
        component="component:default/wishlistservice",
        team="group:default/storefront",
    ),
    StoryEvent(
        name="cost-jump",
        what="A release of recommendationservice runs two and a half times as many pods, until it is fixed.",
        begins=COST_JUMP_FROM,
        ends=COST_JUMP_UNTIL,
        ending="The release of recommendationservice is fixed: it runs as many pods as before.",
        component="component:default/recommendationservice",
        team="group:default/storefront",
    ),
    StoryEvent(
        name="oom-kills",
        what="checkoutservice requests too little memory and is OOM-killed, until its memory is raised.",
        begins=OOM_FROM,
        ends=OOM_UNTIL,
        ending="The payments team raises the memory of checkoutservice.",
        component="component:default/checkoutservice",
        team="group:default/payments",
        cluster=US,
    ),
    StoryEvent(
        name="lost-cluster",
        what="The cluster edge-admin@eu-west-1 is disconnected for 18 hours.",
        begins=LOST_FROM,
        ends=LOST_UNTIL,
        ending="The cluster edge-admin@eu-west-1 is connected again.",
        cluster=EDGE,
    ),
    StoryEvent(
        name="several-clusters",
        what="frontend runs on all three clusters.",
        component="component:default/frontend",
        team="group:default/storefront",
    ),
    StoryEvent(name="no-owner", what="image-resizer has no owner.", component="component:default/image-resizer"),
    StoryEvent(
        name="no-workloads",
        what="loyalty-api is in the catalog but has no workloads.",
        component="component:default/loyalty-api",
        team="group:default/storefront",
    ),
    StoryEvent(
        name="set-selector",
        what="shippingservice selects its workloads by a set of names.",
        component="component:default/shippingservice",
        team="group:default/fulfilment",
    ),
    StoryEvent(
        name="claimed-twice",
        what="The workload redis-cart is claimed by cartservice and by shared-redis of another team.",
        component="component:default/cartservice",
        team="group:default/storefront",
    ),
    StoryEvent(
        name="staging-oom",
        what="load-generator is OOM-killed too, but on staging, which does not page.",
        component="component:default/load-generator",
        team="group:default/platform",
        cluster=STAGING,
    ),
)

STORY: Final[Record] = {
    "begin": BEGIN.isoformat(),
    "end": END.isoformat(),
    "weeks": [f"2026-W{number}" for number in range(35, 47)],
    "eventful_week": EVENTFUL_WEEK,
    "clusters": list(CLUSTERS),
    "non_production": [STAGING],
    "events": {event.name: event.to_record() for event in EVENTS},
    "kills": {
        "component:default/checkoutservice": [at.isoformat() for at in OOM_KILLS],
        "group:default/storefront": [at.isoformat() for at in BAD_RELEASE_KILLS],
    },
    "faults": [
        {
            "from": ARCHIVED_FROM.isoformat(),
            "until": ARCHIVED_UNTIL.isoformat(),
            "fault": {
                "service": "slack",
                "route": "/chat.postMessage",
                "contains": "C0IDENTITY",
                "times": 1,
                "status": 200,
                "body": {"ok": False, "error": "is_archived"},
            },
        }
    ],
    "acknowledged": {
        "alert": "under-provisioned:component:default/checkoutservice",
        "at": ACKNOWLEDGED_AT.isoformat(),
        "by": "ana",
    },
}
"""The story as JSON: the twelve weeks, the clusters, every event by name, when pods of which component or team were killed, which
faults the services have, and what on-call acknowledges. Instants are in ISO 8601."""
