"""All tables. Each has one writer; its unique key makes a repeated write harmless.

The migrations produce exactly these tables; a test compares them on both databases.
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
)

from store.columns import CleanText, CompressedJson, Document, EntityRefType, ExactDecimal, Instants, UtcDateTime

REVISION: Final = "0002"
"""The newest migration. A database with another revision is older or newer than this code."""

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Serial = BigInteger().with_variant(Integer(), "sqlite")  # SQLite generates ids only for an INTEGER column

components = Table(
    "components",
    metadata,
    Column("entity_ref", EntityRefType, primary_key=True),
    Column("spelled_kind", CleanText, nullable=False),
    Column("spelled_namespace", CleanText, nullable=False),
    Column("spelled_name", CleanText, nullable=False),
    Column("title", CleanText, nullable=False),
    Column("team", EntityRefType, nullable=False, index=True),
    Column("lifecycle", CleanText, nullable=False),
    Column("system", CleanText, nullable=False),
    Column("label_selector", CleanText),
    Column("kubernetes_id", CleanText),
    Column("namespace_limit", CleanText),
    Column("cluster_limit", CleanText),
    Column("slack_channels", Document, nullable=False),  # [[annotation key, channel id], ...]
    Column("pagerduty_fingerprint", CleanText),
    Column("runbooks", Document, nullable=False),  # [[title, URL], ...]
    Column("unusable", CleanText, nullable=False),
    Column("problems", Document, nullable=False),
    Column("last_seen", UtcDateTime, nullable=False),
    Column("missed_listings", Integer, nullable=False),
    Column("missed_at", UtcDateTime),  # the last listing that counted as missed: one listing counts once
    Column("gone_at", UtcDateTime),
)

teams = Table(
    "teams",
    metadata,
    Column("entity_ref", EntityRefType, primary_key=True),
    Column("title", CleanText, nullable=False),
    Column("parent", EntityRefType),
    Column("in_catalog", Boolean, nullable=False),
    Column("slack_channels", Document, nullable=False),
    Column("pagerduty_fingerprint", CleanText),
    Column("problems", Document, nullable=False),
)

sweeps = Table(
    "sweeps",
    metadata,
    Column("as_of", UtcDateTime, primary_key=True),
    Column("opened_at", UtcDateTime, nullable=False),
    Column("closed_at", UtcDateTime, index=True),
    Column("evaluated_at", UtcDateTime),
    Column("expected", Integer, nullable=False),
    Column("measured", Integer, nullable=False),
    Column("unknown", Integer, nullable=False),
    Column("listing_complete", Boolean, nullable=False),
    Column("listing_missing", Integer, nullable=False),
    Column("listing_reason", CleanText, nullable=False),
)

workload_points = Table(
    "workload_points",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("as_of", UtcDateTime, nullable=False),
    Column("cluster", CleanText, nullable=False),
    Column("namespace", CleanText, nullable=False),
    Column("type", CleanText, nullable=False),
    Column("name", CleanText, nullable=False),
    Column("policy_name", CleanText),
    # NULL below means unknown, and `unknown` holds the reason under the column's name.
    Column("automated", Boolean),
    Column("under_provisioned", Boolean),
    Column("over_provisioned", Boolean),
    Column("replicas", BigInteger),
    Column("cpu_request_millicores", Float(53)),
    Column("cpu_recommended_millicores", Float(53)),
    Column("memory_request_bytes", Float(53)),
    Column("memory_recommended_bytes", Float(53)),
    Column("cost_7d", ExactDecimal),
    Column("savings_available_per_month", ExactDecimal),
    Column("active_savings_per_month", ExactDecimal),
    Column("oom_kills_24h", BigInteger),
    Column("pod_hours_7d", Float(53)),
    Column("spot_hours_7d", Float(53)),
    Column("network_monitored", Boolean),  # False: ScaleOps does not monitor this cluster's network
    Column("network_as_of", UtcDateTime),  # when the network was measured: in this sweep, or up to a day before it
    Column("network_cost", ExactDecimal),
    Column("network_cross_az_cost", ExactDecimal),
    Column("network_cross_az_traffic_bytes", ExactDecimal),
    Column("unknown", Document, nullable=False),  # {column: reason}
    Column("listed_since", UtcDateTime),  # this and the next three: set when the sweep is closed
    Column("appeared", Boolean),
    Column("mean_cpu_request_millicores", Float(53)),
    Column("mean_memory_request_bytes", Float(53)),
    Column("unknowns", Integer, nullable=False),  # their number
    Column("precedence", BigInteger, nullable=False),  # of two measurements of one workload the one with the smaller is kept
    UniqueConstraint("as_of", "cluster", "namespace", "type", "name"),
)

snapshots = Table(
    "snapshots",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("entity_ref", EntityRefType, nullable=False),
    Column("as_of", UtcDateTime, ForeignKey("sweeps.as_of"), nullable=False),
    Column("team", EntityRefType, nullable=False),
    Column("outcome", CleanText, nullable=False),
    Column("reason", CleanText, nullable=False),
    Column("warnings", Document, nullable=False),
    Column("bulk_clusters", Document, nullable=False),
    Column("cost_7d", ExactDecimal),
    Column("cost_7d_known", Integer, nullable=False),
    Column("cost_7d_parts", Integer, nullable=False),
    Column("savings_available_per_month", ExactDecimal),
    Column("savings_available_per_month_known", Integer, nullable=False),
    Column("savings_available_per_month_parts", Integer, nullable=False),
    Column("active_savings_per_month", ExactDecimal),
    Column("active_savings_per_month_known", Integer, nullable=False),
    Column("active_savings_per_month_parts", Integer, nullable=False),
    Column("unknown", Document, nullable=False),  # {column: reason} of a total of which no part is known
    UniqueConstraint("entity_ref", "as_of"),
    Index("ix_snapshots_as_of_entity_ref", "as_of", "entity_ref"),
    Index("ix_snapshots_as_of_team", "as_of", "team"),
    Index("ix_snapshots_team_as_of", "team", "as_of"),
)

snapshot_points = Table(
    "snapshot_points",
    metadata,
    Column("snapshot_id", Serial, ForeignKey("snapshots.id", ondelete="CASCADE"), nullable=False),
    Column("point_id", Serial, ForeignKey("workload_points.id", ondelete="CASCADE"), nullable=False, index=True),
    PrimaryKeyConstraint("snapshot_id", "point_id"),
)

clusters = Table(
    "clusters",
    metadata,
    Column("name", CleanText, primary_key=True),
    Column("last_seen", UtcDateTime, nullable=False),
    Column("lost_since", UtcDateTime),
    Column("notified_at", UtcDateTime),
    Column("removed_at", UtcDateTime),
)

bulk_checks = Table(
    "bulk_checks",
    metadata,
    Column("as_of", UtcDateTime, nullable=False),
    Column("subject", CleanText, nullable=False),
    Column("cluster", CleanText, nullable=False),
    Column("trusted", Boolean, nullable=False),
    Column("reason", CleanText, nullable=False),
    PrimaryKeyConstraint("as_of", "subject", "cluster"),
)

inventory = Table(
    "inventory",
    metadata,
    Column("cluster", CleanText, nullable=False),
    Column("namespace", CleanText, nullable=False),
    Column("type", CleanText, nullable=False),
    Column("name", CleanText, nullable=False),
    Column("as_of", UtcDateTime, nullable=False),
    Column("cost_7d", ExactDecimal),
    Column("unknown", Document, nullable=False),
    PrimaryKeyConstraint("cluster", "namespace", "type", "name"),
)

namespace_costs = Table(
    "namespace_costs",
    metadata,
    Column("as_of", UtcDateTime, nullable=False),
    Column("cluster", CleanText, nullable=False),
    Column("namespace", CleanText, nullable=False),
    Column("unallocated_7d", ExactDecimal),
    Column("unallocated_known", Integer, nullable=False),
    Column("unallocated_parts", Integer, nullable=False),
    Column("allocated_7d", ExactDecimal),
    Column("allocated_known", Integer, nullable=False),
    Column("allocated_parts", Integer, nullable=False),
    Column("unknown", Document, nullable=False),
    PrimaryKeyConstraint("as_of", "cluster", "namespace"),
)

unallocated_workloads = Table(
    "unallocated_workloads",
    metadata,
    Column("as_of", UtcDateTime, nullable=False),
    Column("cluster", CleanText, nullable=False),
    Column("namespace", CleanText, nullable=False),
    Column("type", CleanText, nullable=False),
    Column("name", CleanText, nullable=False),
    Column("cost_7d", ExactDecimal, nullable=False),
    PrimaryKeyConstraint("as_of", "cluster", "namespace", "type", "name"),
)

watch_sweeps = Table(
    "watch_sweeps",
    metadata,
    Column("as_of", UtcDateTime, primary_key=True),
    Column("opened_at", UtcDateTime, nullable=False),
    Column("alive_at", UtcDateTime, nullable=False),
    Column("closed_at", UtcDateTime, index=True),
    Column("evaluated_at", UtcDateTime),
    Column("source", CleanText, nullable=False),
    Column("failure", CleanText, nullable=False),
)

watch_points = Table(
    "watch_points",
    metadata,
    Column("as_of", UtcDateTime, nullable=False),
    Column("cluster", CleanText, nullable=False),
    Column("namespace", CleanText, nullable=False),
    Column("type", CleanText, nullable=False),
    Column("name", CleanText, nullable=False),
    Column("policy_name", CleanText),
    Column("automated", Boolean),
    Column("under_provisioned", Boolean),
    Column("over_provisioned", Boolean),
    Column("replicas", BigInteger),
    Column("cpu_request_millicores", Float(53)),
    Column("cpu_recommended_millicores", Float(53)),
    Column("memory_request_bytes", Float(53)),
    Column("memory_recommended_bytes", Float(53)),
    Column("oom_kills_24h", BigInteger),
    Column("unknown", Document, nullable=False),  # {column: reason}
    PrimaryKeyConstraint("as_of", "cluster", "namespace", "type", "name"),
)

recommendations = Table(
    "recommendations",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("entity_ref", EntityRefType, nullable=False),
    Column("team", EntityRefType, nullable=False),
    Column("cluster", CleanText, nullable=False),
    Column("namespace", CleanText, nullable=False),
    Column("type", CleanText, nullable=False),
    Column("name", CleanText, nullable=False),
    Column("issue", CleanText, nullable=False),
    Column("opened_at", UtcDateTime, nullable=False),
    Column("last_seen", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    Column("ended_as", CleanText),
    Column("realised_per_month", ExactDecimal),
    Column("judged_at", UtcDateTime),  # NULL while the effect of one that is done is pending
    Column("details", Document, nullable=False),  # the last advice, and why the realised savings are unknown
    # An issue that returns after it ended is another row.
    UniqueConstraint("entity_ref", "cluster", "namespace", "type", "name", "issue", "opened_at"),
    Index("ix_recommendations_ended_at_entity_ref", "ended_at", "entity_ref"),
    Index("ix_recommendations_team_ended_at", "team", "ended_at"),
)

alert_events = Table(
    "alert_events",
    metadata,
    Column("alert", CleanText, nullable=False),
    Column("number", Integer, nullable=False),
    Column("at", UtcDateTime, nullable=False, index=True),
    Column("details", Document, nullable=False),
    PrimaryKeyConstraint("alert", "number"),
)

alert_states = Table(
    "alert_states",
    metadata,
    Column("alert", CleanText, primary_key=True),
    Column("rule", CleanText, nullable=False),
    Column("entity_ref", EntityRefType, nullable=False, index=True),
    Column("team", EntityRefType, nullable=False, index=True),
    Column("status", CleanText, nullable=False, index=True),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("state", Document, nullable=False),
)

report_runs = Table(
    "report_runs",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("team", EntityRefType, nullable=False),
    Column("report", CleanText, nullable=False),
    Column("week", CleanText, nullable=False),
    Column("again", Integer, nullable=False),  # 0: the run of the week; 1, 2, ...: repeated by hand
    Column("status", CleanText, nullable=False),
    Column("due_at", UtcDateTime, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("late_reason", CleanText, nullable=False),
    Column("sweeps_now", Instants),  # that may close the week, when the report was made; NULL: it was skipped
    Column("sweeps_then", Instants),  # and the week before
    Column("content", CompressedJson),
    UniqueConstraint("team", "report", "week", "again"),
    Index("ix_report_runs_report_week", "report", "week"),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("key", CleanText, nullable=False, unique=True),
    Column("stream", CleanText, nullable=False),
    Column("number", Integer, nullable=False),
    Column("channel", CleanText, nullable=False),
    Column("target", CleanText, nullable=False),
    Column("act", CleanText, nullable=False),
    Column("thread_of", CleanText),
    Column("about", CleanText, nullable=False),
    Column("reason", CleanText, nullable=False),
    Column("renderings", Document, nullable=False),  # [{"variant": ..., "payload": {...}}, ...]
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("status", CleanText, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("lease_owner", CleanText),
    Column("lease_until", UtcDateTime),
    Column("not_before", UtcDateTime),
    Column("last_error", CleanText),
    Column("sent_at", UtcDateTime),
    UniqueConstraint("stream", "number"),
    Index("ix_outbox_status_not_before", "status", "not_before"),
    Index("ix_outbox_status_expires_at", "status", "expires_at"),
    Index("ix_outbox_thread_of", "thread_of"),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("message_key", CleanText, ForeignKey("outbox.key", ondelete="CASCADE"), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("at", UtcDateTime, nullable=False, index=True),
    Column("result", CleanText, nullable=False),
    Column("variant", CleanText),
    Column("channel", CleanText),  # as Slack returned it
    Column("ts", CleanText),  # id of the message in Slack, and of its thread
    Column("detail", CleanText, nullable=False),
    PrimaryKeyConstraint("message_key", "attempt"),
)

block_refusals = Table(
    "block_refusals",
    metadata,
    Column("workspace", CleanText, nullable=False),
    Column("kind", CleanText, nullable=False),
    Column("refused_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("reason", CleanText, nullable=False),
    PrimaryKeyConstraint("workspace", "kind"),
)

routing_keys = Table(
    "routing_keys", metadata, Column("fingerprint", CleanText, primary_key=True), Column("sealed", LargeBinary, nullable=False)
)

signing_keys = Table(
    "signing_keys",
    metadata,
    Column("kid", CleanText, primary_key=True),
    Column("public_key", Document, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
)

heartbeats = Table(
    "heartbeats",
    metadata,
    Column("stage", CleanText, primary_key=True),
    Column("kind", CleanText, primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Column("details", Document, nullable=False),
)
