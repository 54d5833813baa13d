"""The first tables.

A migration uses plain types and never imports `store.schema`, which changes with later versions. Constraints and indexes get
their names from the naming convention of the metadata in `env.py`.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TEXT = sa.Text()
INSTANT = sa.DateTime(timezone=True)
SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
EXACT = sa.Numeric().with_variant(sa.Text(), "sqlite")
DOCUMENT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "inventory",
        sa.Column("cluster", TEXT, nullable=False),
        sa.Column("namespace", TEXT, nullable=False),
        sa.Column("type", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("as_of", INSTANT, nullable=False),
        sa.Column("cost_7d", EXACT),
        sa.Column("unknown", DOCUMENT, nullable=False),
        sa.PrimaryKeyConstraint("cluster", "namespace", "type", "name"),
    )
    op.create_table(
        "namespace_costs",
        sa.Column("as_of", INSTANT, nullable=False),
        sa.Column("cluster", TEXT, nullable=False),
        sa.Column("namespace", TEXT, nullable=False),
        sa.Column("unallocated_7d", EXACT),
        sa.Column("unallocated_known", sa.Integer(), nullable=False),
        sa.Column("unallocated_parts", sa.Integer(), nullable=False),
        sa.Column("allocated_7d", EXACT),
        sa.Column("allocated_known", sa.Integer(), nullable=False),
        sa.Column("allocated_parts", sa.Integer(), nullable=False),
        sa.Column("unknown", DOCUMENT, nullable=False),
        sa.PrimaryKeyConstraint("as_of", "cluster", "namespace"),
    )
    op.create_table(
        "unallocated_workloads",
        sa.Column("as_of", INSTANT, nullable=False),
        sa.Column("cluster", TEXT, nullable=False),
        sa.Column("namespace", TEXT, nullable=False),
        sa.Column("type", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("cost_7d", EXACT, nullable=False),
        sa.PrimaryKeyConstraint("as_of", "cluster", "namespace", "type", "name"),
    )
    op.create_table(
        "watch_sweeps",
        sa.Column("as_of", INSTANT, primary_key=True),
        sa.Column("opened_at", INSTANT, nullable=False),
        sa.Column("alive_at", INSTANT, nullable=False),
        sa.Column("closed_at", INSTANT, index=True),
        sa.Column("evaluated_at", INSTANT),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("failure", TEXT, nullable=False),
    )
    op.create_table(
        "watch_points",
        sa.Column("as_of", INSTANT, nullable=False),
        sa.Column("cluster", TEXT, nullable=False),
        sa.Column("namespace", TEXT, nullable=False),
        sa.Column("type", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("policy_name", TEXT),
        sa.Column("automated", sa.Boolean()),
        sa.Column("under_provisioned", sa.Boolean()),
        sa.Column("over_provisioned", sa.Boolean()),
        sa.Column("replicas", sa.BigInteger()),
        sa.Column("cpu_request_millicores", sa.Float(53)),
        sa.Column("cpu_recommended_millicores", sa.Float(53)),
        sa.Column("memory_request_bytes", sa.Float(53)),
        sa.Column("memory_recommended_bytes", sa.Float(53)),
        sa.Column("oom_kills_24h", sa.BigInteger()),
        sa.Column("unknown", DOCUMENT, nullable=False),
        sa.PrimaryKeyConstraint("as_of", "cluster", "namespace", "type", "name"),
    )
    op.create_table(
        "bulk_checks",
        sa.Column("as_of", INSTANT, nullable=False),
        sa.Column("subject", TEXT, nullable=False),
        sa.Column("cluster", TEXT, nullable=False),
        sa.Column("trusted", sa.Boolean(), nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("as_of", "subject", "cluster"),
    )
    op.create_table(
        "alert_events",
        sa.Column("alert", TEXT, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", INSTANT, nullable=False, index=True),
        sa.Column("details", DOCUMENT, nullable=False),
        sa.PrimaryKeyConstraint("alert", "number"),
    )
    op.create_table(
        "alert_states",
        sa.Column("alert", TEXT, primary_key=True),
        sa.Column("rule", TEXT, nullable=False),
        sa.Column("entity_ref", TEXT, nullable=False, index=True),
        sa.Column("team", TEXT, nullable=False, index=True),
        sa.Column("status", TEXT, nullable=False, index=True),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.Column("state", DOCUMENT, nullable=False),
    )
    op.create_table(
        "clusters",
        sa.Column("name", TEXT, primary_key=True),
        sa.Column("last_seen", INSTANT, nullable=False),
        sa.Column("lost_since", INSTANT),
        sa.Column("notified_at", INSTANT),
        sa.Column("removed_at", INSTANT),
    )
    op.create_table(
        "components",
        sa.Column("entity_ref", TEXT, primary_key=True),
        sa.Column("spelled_kind", TEXT, nullable=False),
        sa.Column("spelled_namespace", TEXT, nullable=False),
        sa.Column("spelled_name", TEXT, nullable=False),
        sa.Column("title", TEXT, nullable=False),
        sa.Column("team", TEXT, nullable=False, index=True),
        sa.Column("lifecycle", TEXT, nullable=False),
        sa.Column("system", TEXT, nullable=False),
        sa.Column("label_selector", TEXT),
        sa.Column("kubernetes_id", TEXT),
        sa.Column("namespace_limit", TEXT),
        sa.Column("cluster_limit", TEXT),
        sa.Column("slack_channels", DOCUMENT, nullable=False),
        sa.Column("pagerduty_fingerprint", TEXT),
        sa.Column("runbooks", DOCUMENT, nullable=False),
        sa.Column("unusable", TEXT, nullable=False),
        sa.Column("problems", DOCUMENT, nullable=False),
        sa.Column("last_seen", INSTANT, nullable=False),
        sa.Column("missed_listings", sa.Integer(), nullable=False),
        sa.Column("missed_at", INSTANT),
        sa.Column("gone_at", INSTANT),
    )
    op.create_table(
        "outbox",
        sa.Column("id", SERIAL, primary_key=True, autoincrement=True),
        sa.Column("key", TEXT, nullable=False),
        sa.Column("stream", TEXT, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("channel", TEXT, nullable=False),
        sa.Column("target", TEXT, nullable=False),
        sa.Column("act", TEXT, nullable=False),
        sa.Column("thread_of", TEXT),
        sa.Column("about", TEXT, nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.Column("renderings", DOCUMENT, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("status", TEXT, nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lease_owner", TEXT),
        sa.Column("lease_until", INSTANT),
        sa.Column("not_before", INSTANT),
        sa.Column("last_error", TEXT),
        sa.Column("sent_at", INSTANT),
        sa.UniqueConstraint("key"),
        sa.UniqueConstraint("stream", "number"),
        sa.Index("ix_outbox_status_expires_at", "status", "expires_at"),
        sa.Index("ix_outbox_status_not_before", "status", "not_before"),
        sa.Index("ix_outbox_thread_of", "thread_of"),
    )
    op.create_table(
        "heartbeats",
        sa.Column("stage", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("details", DOCUMENT, nullable=False),
        sa.PrimaryKeyConstraint("stage", "kind"),
    )
    op.create_table(
        "recommendations",
        sa.Column("id", SERIAL, primary_key=True, autoincrement=True),
        sa.Column("entity_ref", TEXT, nullable=False),
        sa.Column("team", TEXT, nullable=False),
        sa.Column("cluster", TEXT, nullable=False),
        sa.Column("namespace", TEXT, nullable=False),
        sa.Column("type", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("issue", TEXT, nullable=False),
        sa.Column("opened_at", INSTANT, nullable=False),
        sa.Column("last_seen", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT),
        sa.Column("ended_as", TEXT),
        sa.Column("realised_per_month", EXACT),
        sa.Column("judged_at", INSTANT),
        sa.Column("details", DOCUMENT, nullable=False),
        sa.UniqueConstraint("entity_ref", "cluster", "namespace", "type", "name", "issue", "opened_at"),
        sa.Index("ix_recommendations_ended_at_entity_ref", "ended_at", "entity_ref"),
        sa.Index("ix_recommendations_team_ended_at", "team", "ended_at"),
    )
    op.create_table(
        "report_runs",
        sa.Column("id", SERIAL, primary_key=True, autoincrement=True),
        sa.Column("team", TEXT, nullable=False),
        sa.Column("report", TEXT, nullable=False),
        sa.Column("week", TEXT, nullable=False),
        sa.Column("again", sa.Integer(), nullable=False),
        sa.Column("status", TEXT, nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("late_reason", TEXT, nullable=False),
        sa.Column("sweeps_now", DOCUMENT),
        sa.Column("sweeps_then", DOCUMENT),
        sa.Column("content", sa.LargeBinary()),
        sa.UniqueConstraint("team", "report", "week", "again"),
        sa.Index("ix_report_runs_report_week", "report", "week"),
    )
    op.create_table(
        "routing_keys", sa.Column("fingerprint", TEXT, primary_key=True), sa.Column("sealed", sa.LargeBinary(), nullable=False)
    )
    op.create_table(
        "signing_keys",
        sa.Column("kid", TEXT, primary_key=True),
        sa.Column("public_key", DOCUMENT, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
    )
    op.create_table(
        "sweeps",
        sa.Column("as_of", INSTANT, primary_key=True),
        sa.Column("opened_at", INSTANT, nullable=False),
        sa.Column("closed_at", INSTANT, index=True),
        sa.Column("evaluated_at", INSTANT),
        sa.Column("expected", sa.Integer(), nullable=False),
        sa.Column("measured", sa.Integer(), nullable=False),
        sa.Column("unknown", sa.Integer(), nullable=False),
        sa.Column("listing_complete", sa.Boolean(), nullable=False),
        sa.Column("listing_missing", sa.Integer(), nullable=False),
        sa.Column("listing_reason", TEXT, nullable=False),
    )
    op.create_table(
        "teams",
        sa.Column("entity_ref", TEXT, primary_key=True),
        sa.Column("title", TEXT, nullable=False),
        sa.Column("parent", TEXT),
        sa.Column("in_catalog", sa.Boolean(), nullable=False),
        sa.Column("slack_channels", DOCUMENT, nullable=False),
        sa.Column("pagerduty_fingerprint", TEXT),
        sa.Column("problems", DOCUMENT, nullable=False),
    )
    op.create_table(
        "workload_points",
        sa.Column("id", SERIAL, primary_key=True, autoincrement=True),
        sa.Column("as_of", INSTANT, nullable=False),
        sa.Column("cluster", TEXT, nullable=False),
        sa.Column("namespace", TEXT, nullable=False),
        sa.Column("type", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("policy_name", TEXT),
        sa.Column("automated", sa.Boolean()),
        sa.Column("under_provisioned", sa.Boolean()),
        sa.Column("over_provisioned", sa.Boolean()),
        sa.Column("replicas", sa.BigInteger()),
        sa.Column("cpu_request_millicores", sa.Float(53)),
        sa.Column("cpu_recommended_millicores", sa.Float(53)),
        sa.Column("memory_request_bytes", sa.Float(53)),
        sa.Column("memory_recommended_bytes", sa.Float(53)),
        sa.Column("cost_7d", EXACT),
        sa.Column("savings_available_per_month", EXACT),
        sa.Column("active_savings_per_month", EXACT),
        sa.Column("oom_kills_24h", sa.BigInteger()),
        sa.Column("pod_hours_7d", sa.Float(53)),
        sa.Column("spot_hours_7d", sa.Float(53)),
        sa.Column("network_monitored", sa.Boolean()),
        sa.Column("network_as_of", INSTANT),
        sa.Column("network_cost", EXACT),
        sa.Column("network_cross_az_cost", EXACT),
        sa.Column("network_cross_az_traffic_bytes", EXACT),
        sa.Column("unknown", DOCUMENT, nullable=False),
        sa.Column("listed_since", INSTANT),
        sa.Column("appeared", sa.Boolean()),
        sa.Column("mean_cpu_request_millicores", sa.Float(53)),
        sa.Column("mean_memory_request_bytes", sa.Float(53)),
        sa.Column("unknowns", sa.Integer(), nullable=False),
        sa.Column("precedence", sa.BigInteger(), nullable=False),
        sa.UniqueConstraint("as_of", "cluster", "namespace", "type", "name"),
    )
    op.create_table(
        "deliveries",
        sa.Column("message_key", TEXT, nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("at", INSTANT, nullable=False, index=True),
        sa.Column("result", TEXT, nullable=False),
        sa.Column("variant", TEXT),
        sa.Column("channel", TEXT),
        sa.Column("ts", TEXT),
        sa.Column("detail", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("message_key", "attempt"),
        sa.ForeignKeyConstraint(["message_key"], ["outbox.key"], ondelete="CASCADE"),
    )
    op.create_table(
        "snapshots",
        sa.Column("id", SERIAL, primary_key=True, autoincrement=True),
        sa.Column("entity_ref", TEXT, nullable=False),
        sa.Column("as_of", INSTANT, nullable=False),
        sa.Column("team", TEXT, nullable=False),
        sa.Column("outcome", TEXT, nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.Column("warnings", DOCUMENT, nullable=False),
        sa.Column("bulk_clusters", DOCUMENT, nullable=False),
        sa.Column("cost_7d", EXACT),
        sa.Column("cost_7d_known", sa.Integer(), nullable=False),
        sa.Column("cost_7d_parts", sa.Integer(), nullable=False),
        sa.Column("savings_available_per_month", EXACT),
        sa.Column("savings_available_per_month_known", sa.Integer(), nullable=False),
        sa.Column("savings_available_per_month_parts", sa.Integer(), nullable=False),
        sa.Column("active_savings_per_month", EXACT),
        sa.Column("active_savings_per_month_known", sa.Integer(), nullable=False),
        sa.Column("active_savings_per_month_parts", sa.Integer(), nullable=False),
        sa.Column("unknown", DOCUMENT, nullable=False),
        sa.ForeignKeyConstraint(["as_of"], ["sweeps.as_of"]),
        sa.UniqueConstraint("entity_ref", "as_of"),
        sa.Index("ix_snapshots_as_of_entity_ref", "as_of", "entity_ref"),
        sa.Index("ix_snapshots_as_of_team", "as_of", "team"),
        sa.Index("ix_snapshots_team_as_of", "team", "as_of"),
    )
    op.create_table(
        "snapshot_points",
        sa.Column("snapshot_id", SERIAL, nullable=False),
        sa.Column("point_id", SERIAL, nullable=False, index=True),
        sa.PrimaryKeyConstraint("snapshot_id", "point_id"),
        sa.ForeignKeyConstraint(["point_id"], ["workload_points.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["snapshot_id"], ["snapshots.id"], ondelete="CASCADE"),
    )
