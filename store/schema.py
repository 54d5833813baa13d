"""All tables. Each has one writer; the unique key of each makes a repeat harmless.

The migrations in `store.migrations` yield exactly this; a test compares them on both databases.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
    false,
)

from store.columns import Document, Exact, Instant, Packed, Reference, Words

REVISION: Final = "0001"
"""The newest migration; a database that names another one is older or newer than this code."""

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Serial = BigInteger().with_variant(Integer(), "sqlite")  # SQLite numbers rows by itself only in a column called INTEGER

components = Table(
    "components",
    metadata,
    Column("entity_ref", Reference, primary_key=True),
    Column("spelled_kind", Words, nullable=False),
    Column("spelled_namespace", Words, nullable=False),
    Column("spelled_name", Words, nullable=False),
    Column("title", Words, nullable=False),
    Column("team", Reference, nullable=False, index=True),
    Column("lifecycle", Words, nullable=False),
    Column("system", Words, nullable=False),
    Column("label_selector", Words),
    Column("kubernetes_id", Words),
    Column("namespace_limit", Words),
    Column("cluster_limit", Words),
    Column("slack_channels", Document, nullable=False),  # [[annotation key, channel id], ...]
    Column("pagerduty_fingerprint", Words),
    Column("first_seen", Instant, nullable=False),
    Column("last_seen", Instant, nullable=False),
    Column("missed_listings", Integer, nullable=False),
    Column("missed_at", Instant),  # the as_of that counted last, so that a repeat of it does not count again
    Column("gone_at", Instant),
)

teams = Table(
    "teams",
    metadata,
    Column("entity_ref", Reference, primary_key=True),
    Column("title", Words, nullable=False),
    Column("parent", Reference),
    Column("in_catalog", Boolean, nullable=False),
    Column("slack_channels", Document, nullable=False),
    Column("pagerduty_fingerprint", Words),
    Column("last_seen", Instant, nullable=False),
)

sweeps = Table(
    "sweeps",
    metadata,
    Column("as_of", Instant, primary_key=True),
    Column("opened_at", Instant, nullable=False),
    Column("closed_at", Instant, index=True),
    Column("evaluated_at", Instant),
    Column("expected", Integer, nullable=False),
    Column("measured", Integer, nullable=False),
    Column("unknown", Integer, nullable=False),
    Column("listing_complete", Boolean, nullable=False),
)

workload_points = Table(
    "workload_points",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("as_of", Instant, nullable=False),
    Column("cluster", Words, nullable=False),
    Column("namespace", Words, nullable=False),
    Column("type", Words, nullable=False),
    Column("name", Words, nullable=False),
    Column("policy_name", Words),
    # NULL below means unknown, and `unknown` holds the reason under the column's name.
    Column("automated", Boolean),
    Column("under_provisioned", Boolean),
    Column("over_provisioned", Boolean),
    Column("replicas", BigInteger),
    Column("cpu_request_millicores", Float(53)),
    Column("cpu_recommended_millicores", Float(53)),
    Column("memory_request_bytes", Float(53)),
    Column("memory_recommended_bytes", Float(53)),
    Column("cost_7d", Exact),
    Column("savings_available_per_month", Exact),
    Column("active_savings_per_month", Exact),
    Column("oom_kills_24h", BigInteger),
    Column("network_watched", Boolean),  # False: ScaleOps does not watch this cluster's network
    Column("network_cost", Exact),
    Column("network_cross_az_cost", Exact),
    Column("network_traffic_bytes", Exact),
    Column("network_cross_az_traffic_bytes", Exact),
    Column("unknown", Document, nullable=False),  # {column: reason}
    Column("unknowns", Integer, nullable=False),  # how many; of two answers about one workload the fuller one is kept
    UniqueConstraint("as_of", "cluster", "namespace", "type", "name"),
)

snapshots = Table(
    "snapshots",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("entity_ref", Reference, nullable=False),
    Column("as_of", Instant, ForeignKey("sweeps.as_of"), nullable=False),
    Column("team", Reference, nullable=False),
    Column("outcome", Words, nullable=False),
    Column("reason", Words, nullable=False),
    Column("warnings", Document, nullable=False),
    Column("cost_7d", Exact),
    Column("cost_7d_known", Integer, nullable=False),
    Column("cost_7d_parts", Integer, nullable=False),
    Column("savings_available_per_month", Exact),
    Column("savings_available_per_month_known", Integer, nullable=False),
    Column("savings_available_per_month_parts", Integer, nullable=False),
    Column("active_savings_per_month", Exact),
    Column("active_savings_per_month_known", Integer, nullable=False),
    Column("active_savings_per_month_parts", Integer, nullable=False),
    Column("unknown", Document, nullable=False),  # {column: reason} of a total of which no part is known
    UniqueConstraint("entity_ref", "as_of"),
    Index("ix_snapshots_as_of_entity_ref", "as_of", "entity_ref"),
    Index("ix_snapshots_team_as_of", "team", "as_of"),
)

snapshot_points = Table(
    "snapshot_points",
    metadata,
    Column("snapshot_id", Serial, ForeignKey("snapshots.id", ondelete="CASCADE"), nullable=False),
    Column("point_id", Serial, ForeignKey("workload_points.id", ondelete="CASCADE"), nullable=False, index=True),
    PrimaryKeyConstraint("snapshot_id", "point_id"),
)

raw_answers = Table(
    "raw_answers",
    metadata,
    Column("as_of", Instant, nullable=False),
    Column("entity_ref", Reference, nullable=False),
    Column("answers", Packed, nullable=False),  # {action name: its answer}
    PrimaryKeyConstraint("as_of", "entity_ref"),
)

clusters = Table(
    "clusters",
    metadata,
    Column("name", Words, primary_key=True),
    Column("last_seen", Instant, nullable=False),
    Column("lost_since", Instant),
    Column("notified_at", Instant),
    Column("removed_at", Instant),
)

recommendations = Table(
    "recommendations",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("entity_ref", Reference, nullable=False),
    Column("team", Reference, nullable=False),
    Column("cluster", Words, nullable=False),
    Column("namespace", Words, nullable=False),
    Column("type", Words, nullable=False),
    Column("name", Words, nullable=False),
    Column("issue", Words, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("last_seen", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("ended_as", Words),
    Column("realised_per_month", Exact),
    Column("details", Document, nullable=False),  # what was advised, and why the realised savings are not known
    # The same issue may come back after it ended: that is another row, with its own opening.
    UniqueConstraint("entity_ref", "cluster", "namespace", "type", "name", "issue", "opened_at"),
    Index("ix_recommendations_ended_at_entity_ref", "ended_at", "entity_ref"),
    Index("ix_recommendations_team_ended_at", "team", "ended_at"),
)

alert_events = Table(
    "alert_events",
    metadata,
    Column("alert", Words, nullable=False),
    Column("number", Integer, nullable=False),
    Column("kind", Words, nullable=False),  # observed, acknowledged, snoozed, noticed
    Column("at", Instant, nullable=False, index=True),
    Column("details", Document, nullable=False),
    PrimaryKeyConstraint("alert", "number"),
)

alert_states = Table(
    "alert_states",
    metadata,
    Column("alert", Words, primary_key=True),
    Column("rule", Words, nullable=False),
    Column("entity_ref", Reference, nullable=False, index=True),
    Column("team", Reference, nullable=False, index=True),
    Column("status", Words, nullable=False, index=True),
    Column("opened_at", Instant),
    Column("updated_at", Instant, nullable=False),
    Column("state", Document, nullable=False),
)

report_runs = Table(
    "report_runs",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("team", Reference, nullable=False),
    Column("report", Words, nullable=False),
    Column("week", Words, nullable=False),
    Column("again", Integer, nullable=False),  # 0: the run of the week; 1, 2, ...: made again by hand
    Column("status", Words, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("late_reason", Words, nullable=False),
    Column("as_of_now", Instant),
    Column("as_of_then", Instant),
    Column("content", Packed),
    UniqueConstraint("team", "report", "week", "again"),
    Index("ix_report_runs_report_week", "report", "week"),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("key", Words, nullable=False, unique=True),
    Column("stream", Words, nullable=False),
    Column("number", Integer, nullable=False),
    Column("channel", Words, nullable=False),
    Column("target", Words, nullable=False),
    Column("act", Words, nullable=False),
    Column("thread_of", Words),
    Column("about", Words, nullable=False),
    Column("reason", Words, nullable=False),
    Column("renderings", Document, nullable=False),  # [{"variant": ..., "payload": {...}}, ...]
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("status", Words, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("lease_owner", Words),
    Column("lease_until", Instant),
    Column("not_before", Instant),
    Column("last_error", Words),
    Column("expiry_told", Boolean, nullable=False, server_default=false()),
    Column("sent_at", Instant),
    UniqueConstraint("stream", "number"),
    Index("ix_outbox_status_not_before", "status", "not_before"),
    Index("ix_outbox_status_expires_at", "status", "expires_at"),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("message_key", Words, ForeignKey("outbox.key", ondelete="CASCADE"), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("at", Instant, nullable=False, index=True),
    Column("result", Words, nullable=False),
    Column("variant", Words),
    Column("channel", Words),  # where Slack says it stands
    Column("ts", Words),  # Slack's name of the message: what a thread hangs on
    Column("detail", Words, nullable=False),
    PrimaryKeyConstraint("message_key", "attempt"),
)

routing_keys = Table(
    "routing_keys",
    metadata,
    Column("fingerprint", Words, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("last_seen", Instant, nullable=False),
)

signing_keys = Table(
    "signing_keys",
    metadata,
    Column("kid", Words, primary_key=True),
    Column("public_key", Document, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
)

pulses = Table(
    "pulses",
    metadata,
    Column("name", Words, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("details", Document, nullable=False),
)
