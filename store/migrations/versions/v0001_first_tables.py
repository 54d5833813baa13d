"""The first tables.

A migration names plain types and never imports `store.schema`: it stands for what the tables were on its day.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
EXACT = sa.Numeric().with_variant(sa.Text(), "sqlite")
DOCUMENT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    """Make them."""
    op.create_table(
        "alert_events",
        sa.Column("alert", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("details", DOCUMENT, nullable=False),
        sa.PrimaryKeyConstraint("alert", "number", name=op.f("pk_alert_events")),
    )
    op.create_index(op.f("ix_alert_events_at"), "alert_events", ["at"], unique=False)
    op.create_table(
        "alert_states",
        sa.Column("alert", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("entity_ref", sa.Text(), nullable=False),
        sa.Column("team", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True)),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", DOCUMENT, nullable=False),
        sa.PrimaryKeyConstraint("alert", name=op.f("pk_alert_states")),
    )
    op.create_index(op.f("ix_alert_states_entity_ref"), "alert_states", ["entity_ref"], unique=False)
    op.create_index(op.f("ix_alert_states_status"), "alert_states", ["status"], unique=False)
    op.create_index(op.f("ix_alert_states_team"), "alert_states", ["team"], unique=False)
    op.create_table(
        "clusters",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("last_seen", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lost_since", sa.DateTime(timezone=True)),
        sa.Column("notified_at", sa.DateTime(timezone=True)),
        sa.Column("removed_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_clusters")),
    )
    op.create_table(
        "components",
        sa.Column("entity_ref", sa.Text(), nullable=False),
        sa.Column("spelled_kind", sa.Text(), nullable=False),
        sa.Column("spelled_namespace", sa.Text(), nullable=False),
        sa.Column("spelled_name", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("team", sa.Text(), nullable=False),
        sa.Column("lifecycle", sa.Text(), nullable=False),
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("label_selector", sa.Text()),
        sa.Column("kubernetes_id", sa.Text()),
        sa.Column("namespace_limit", sa.Text()),
        sa.Column("cluster_limit", sa.Text()),
        sa.Column("slack_channels", DOCUMENT, nullable=False),
        sa.Column("pagerduty_fingerprint", sa.Text()),
        sa.Column("first_seen", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen", sa.DateTime(timezone=True), nullable=False),
        sa.Column("missed_listings", sa.Integer(), nullable=False),
        sa.Column("missed_at", sa.DateTime(timezone=True)),
        sa.Column("gone_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("entity_ref", name=op.f("pk_components")),
    )
    op.create_index(op.f("ix_components_team"), "components", ["team"], unique=False)
    op.create_table(
        "outbox",
        sa.Column("id", SERIAL, autoincrement=True, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("thread_of", sa.Text()),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("renderings", DOCUMENT, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lease_owner", sa.Text()),
        sa.Column("lease_until", sa.DateTime(timezone=True)),
        sa.Column("not_before", sa.DateTime(timezone=True)),
        sa.Column("last_error", sa.Text()),
        sa.Column("expiry_told", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("key", name=op.f("uq_outbox_key")),
        sa.UniqueConstraint("stream", "number", name=op.f("uq_outbox_stream_number")),
    )
    op.create_index(op.f("ix_outbox_status_expires_at"), "outbox", ["status", "expires_at"], unique=False)
    op.create_index(op.f("ix_outbox_status_not_before"), "outbox", ["status", "not_before"], unique=False)
    op.create_table(
        "heartbeats",
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("details", DOCUMENT, nullable=False),
        sa.PrimaryKeyConstraint("stage", "kind", name=op.f("pk_heartbeats")),
    )
    op.create_table(
        "raw_answers",
        sa.Column("as_of", sa.DateTime(timezone=True), nullable=False),
        sa.Column("entity_ref", sa.Text(), nullable=False),
        sa.Column("answers", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("as_of", "entity_ref", name=op.f("pk_raw_answers")),
    )
    op.create_table(
        "recommendations",
        sa.Column("id", SERIAL, autoincrement=True, nullable=False),
        sa.Column("entity_ref", sa.Text(), nullable=False),
        sa.Column("team", sa.Text(), nullable=False),
        sa.Column("cluster", sa.Text(), nullable=False),
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("issue", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("ended_as", sa.Text()),
        sa.Column("realised_per_month", EXACT),
        sa.Column("details", DOCUMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recommendations")),
        sa.UniqueConstraint(
            "entity_ref",
            "cluster",
            "namespace",
            "type",
            "name",
            "issue",
            "opened_at",
            name=op.f("uq_recommendations_entity_ref_cluster_namespace_type_name_issue_opened_at"),
        ),
    )
    op.create_index(op.f("ix_recommendations_ended_at_entity_ref"), "recommendations", ["ended_at", "entity_ref"], unique=False)
    op.create_index(op.f("ix_recommendations_team_ended_at"), "recommendations", ["team", "ended_at"], unique=False)
    op.create_table(
        "report_runs",
        sa.Column("id", SERIAL, autoincrement=True, nullable=False),
        sa.Column("team", sa.Text(), nullable=False),
        sa.Column("report", sa.Text(), nullable=False),
        sa.Column("week", sa.Text(), nullable=False),
        sa.Column("again", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("late_reason", sa.Text(), nullable=False),
        sa.Column("as_of_now", sa.DateTime(timezone=True)),
        sa.Column("as_of_then", sa.DateTime(timezone=True)),
        sa.Column("content", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_runs")),
        sa.UniqueConstraint("team", "report", "week", "again", name=op.f("uq_report_runs_team_report_week_again")),
    )
    op.create_index(op.f("ix_report_runs_report_week"), "report_runs", ["report", "week"], unique=False)
    op.create_table(
        "routing_keys",
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("last_seen", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("fingerprint", name=op.f("pk_routing_keys")),
    )
    op.create_table(
        "signing_keys",
        sa.Column("kid", sa.Text(), nullable=False),
        sa.Column("public_key", DOCUMENT, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("kid", name=op.f("pk_signing_keys")),
    )
    op.create_table(
        "sweeps",
        sa.Column("as_of", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True)),
        sa.Column("evaluated_at", sa.DateTime(timezone=True)),
        sa.Column("expected", sa.Integer(), nullable=False),
        sa.Column("measured", sa.Integer(), nullable=False),
        sa.Column("unknown", sa.Integer(), nullable=False),
        sa.Column("listing_complete", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("as_of", name=op.f("pk_sweeps")),
    )
    op.create_index(op.f("ix_sweeps_closed_at"), "sweeps", ["closed_at"], unique=False)
    op.create_table(
        "teams",
        sa.Column("entity_ref", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("parent", sa.Text()),
        sa.Column("in_catalog", sa.Boolean(), nullable=False),
        sa.Column("slack_channels", DOCUMENT, nullable=False),
        sa.Column("pagerduty_fingerprint", sa.Text()),
        sa.Column("last_seen", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("entity_ref", name=op.f("pk_teams")),
    )
    op.create_table(
        "workload_points",
        sa.Column("id", SERIAL, autoincrement=True, nullable=False),
        sa.Column("as_of", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cluster", sa.Text(), nullable=False),
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("policy_name", sa.Text()),
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
        sa.Column("network_watched", sa.Boolean()),
        sa.Column("network_cost", EXACT),
        sa.Column("network_cross_az_cost", EXACT),
        sa.Column("network_traffic_bytes", EXACT),
        sa.Column("network_cross_az_traffic_bytes", EXACT),
        sa.Column("unknown", DOCUMENT, nullable=False),
        sa.Column("unknowns", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workload_points")),
        sa.UniqueConstraint(
            "as_of", "cluster", "namespace", "type", "name", name=op.f("uq_workload_points_as_of_cluster_namespace_type_name")
        ),
    )
    op.create_table(
        "deliveries",
        sa.Column("message_key", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("variant", sa.Text()),
        sa.Column("channel", sa.Text()),
        sa.Column("ts", sa.Text()),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("message_key", "attempt", name=op.f("pk_deliveries")),
        sa.ForeignKeyConstraint(["message_key"], ["outbox.key"], name=op.f("fk_deliveries_message_key"), ondelete="CASCADE"),
    )
    op.create_index(op.f("ix_deliveries_at"), "deliveries", ["at"], unique=False)
    op.create_table(
        "snapshots",
        sa.Column("id", SERIAL, autoincrement=True, nullable=False),
        sa.Column("entity_ref", sa.Text(), nullable=False),
        sa.Column("as_of", sa.DateTime(timezone=True), nullable=False),
        sa.Column("team", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("warnings", DOCUMENT, nullable=False),
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
        sa.PrimaryKeyConstraint("id", name=op.f("pk_snapshots")),
        sa.ForeignKeyConstraint(["as_of"], ["sweeps.as_of"], name=op.f("fk_snapshots_as_of")),
        sa.UniqueConstraint("entity_ref", "as_of", name=op.f("uq_snapshots_entity_ref_as_of")),
    )
    op.create_index(op.f("ix_snapshots_as_of_entity_ref"), "snapshots", ["as_of", "entity_ref"], unique=False)
    op.create_index(op.f("ix_snapshots_team_as_of"), "snapshots", ["team", "as_of"], unique=False)
    op.create_table(
        "snapshot_points",
        sa.Column("snapshot_id", SERIAL, nullable=False),
        sa.Column("point_id", SERIAL, nullable=False),
        sa.PrimaryKeyConstraint("snapshot_id", "point_id", name=op.f("pk_snapshot_points")),
        sa.ForeignKeyConstraint(
            ["point_id"], ["workload_points.id"], name=op.f("fk_snapshot_points_point_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["snapshot_id"], ["snapshots.id"], name=op.f("fk_snapshot_points_snapshot_id"), ondelete="CASCADE"
        ),
    )
    op.create_index(op.f("ix_snapshot_points_point_id"), "snapshot_points", ["point_id"], unique=False)
