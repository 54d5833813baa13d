CREATE TABLE public.alembic_version (
    version_num character varying(32) NOT NULL
);
CREATE TABLE public.alert_events (
    alert text NOT NULL,
    number integer NOT NULL,
    at timestamp with time zone NOT NULL,
    details jsonb NOT NULL
);
CREATE TABLE public.alert_states (
    alert text NOT NULL,
    rule text NOT NULL,
    entity_ref text NOT NULL,
    team text NOT NULL,
    status text NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    state jsonb NOT NULL
);
CREATE TABLE public.bulk_checks (
    as_of timestamp with time zone NOT NULL,
    subject text NOT NULL,
    cluster text NOT NULL,
    trusted boolean NOT NULL,
    reason text NOT NULL
);
CREATE TABLE public.clusters (
    name text NOT NULL,
    last_seen timestamp with time zone NOT NULL,
    lost_since timestamp with time zone,
    notified_at timestamp with time zone,
    removed_at timestamp with time zone
);
CREATE TABLE public.components (
    entity_ref text NOT NULL,
    spelled_kind text NOT NULL,
    spelled_namespace text NOT NULL,
    spelled_name text NOT NULL,
    title text NOT NULL,
    team text NOT NULL,
    lifecycle text NOT NULL,
    system text NOT NULL,
    label_selector text,
    kubernetes_id text,
    namespace_limit text,
    cluster_limit text,
    slack_channels jsonb NOT NULL,
    pagerduty_fingerprint text,
    runbooks jsonb NOT NULL,
    unusable text NOT NULL,
    problems jsonb NOT NULL,
    last_seen timestamp with time zone NOT NULL,
    missed_listings integer NOT NULL,
    missed_at timestamp with time zone,
    gone_at timestamp with time zone
);
CREATE TABLE public.deliveries (
    message_key text NOT NULL,
    attempt integer NOT NULL,
    at timestamp with time zone NOT NULL,
    result text NOT NULL,
    variant text,
    channel text,
    ts text,
    detail text NOT NULL
);
CREATE TABLE public.heartbeats (
    stage text NOT NULL,
    kind text NOT NULL,
    at timestamp with time zone NOT NULL,
    details jsonb NOT NULL
);
CREATE TABLE public.inventory (
    cluster text NOT NULL,
    namespace text NOT NULL,
    type text NOT NULL,
    name text NOT NULL,
    as_of timestamp with time zone NOT NULL,
    cost_7d numeric,
    unknown jsonb NOT NULL
);
CREATE TABLE public.namespace_costs (
    as_of timestamp with time zone NOT NULL,
    cluster text NOT NULL,
    namespace text NOT NULL,
    unallocated_7d numeric,
    unallocated_known integer NOT NULL,
    unallocated_parts integer NOT NULL,
    allocated_7d numeric,
    allocated_known integer NOT NULL,
    allocated_parts integer NOT NULL,
    unknown jsonb NOT NULL
);
CREATE TABLE public.outbox (
    id bigint NOT NULL,
    key text NOT NULL,
    stream text NOT NULL,
    number integer NOT NULL,
    channel text NOT NULL,
    target text NOT NULL,
    act text NOT NULL,
    thread_of text,
    about text NOT NULL,
    reason text NOT NULL,
    renderings jsonb NOT NULL,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    status text NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    lease_owner text,
    lease_until timestamp with time zone,
    not_before timestamp with time zone,
    last_error text,
    sent_at timestamp with time zone
);
CREATE SEQUENCE public.outbox_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.outbox_id_seq OWNED BY public.outbox.id;
CREATE TABLE public.recommendations (
    id bigint NOT NULL,
    entity_ref text NOT NULL,
    team text NOT NULL,
    cluster text NOT NULL,
    namespace text NOT NULL,
    type text NOT NULL,
    name text NOT NULL,
    issue text NOT NULL,
    opened_at timestamp with time zone NOT NULL,
    last_seen timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    ended_as text,
    realised_per_month numeric,
    judged_at timestamp with time zone,
    details jsonb NOT NULL
);
CREATE SEQUENCE public.recommendations_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.recommendations_id_seq OWNED BY public.recommendations.id;
CREATE TABLE public.report_runs (
    id bigint NOT NULL,
    team text NOT NULL,
    report text NOT NULL,
    week text NOT NULL,
    again integer NOT NULL,
    status text NOT NULL,
    due_at timestamp with time zone NOT NULL,
    created_at timestamp with time zone NOT NULL,
    late_reason text NOT NULL,
    sweeps_now jsonb,
    sweeps_then jsonb,
    content bytea
);
CREATE SEQUENCE public.report_runs_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.report_runs_id_seq OWNED BY public.report_runs.id;
CREATE TABLE public.routing_keys (
    fingerprint text NOT NULL,
    sealed bytea NOT NULL
);
CREATE TABLE public.signing_keys (
    kid text NOT NULL,
    public_key jsonb NOT NULL,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL
);
CREATE TABLE public.snapshot_points (
    snapshot_id bigint NOT NULL,
    point_id bigint NOT NULL
);
CREATE TABLE public.snapshots (
    id bigint NOT NULL,
    entity_ref text NOT NULL,
    as_of timestamp with time zone NOT NULL,
    team text NOT NULL,
    outcome text NOT NULL,
    reason text NOT NULL,
    warnings jsonb NOT NULL,
    bulk_clusters jsonb NOT NULL,
    cost_7d numeric,
    cost_7d_known integer NOT NULL,
    cost_7d_parts integer NOT NULL,
    savings_available_per_month numeric,
    savings_available_per_month_known integer NOT NULL,
    savings_available_per_month_parts integer NOT NULL,
    active_savings_per_month numeric,
    active_savings_per_month_known integer NOT NULL,
    active_savings_per_month_parts integer NOT NULL,
    unknown jsonb NOT NULL
);
CREATE SEQUENCE public.snapshots_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.snapshots_id_seq OWNED BY public.snapshots.id;
CREATE TABLE public.sweeps (
    as_of timestamp with time zone NOT NULL,
    opened_at timestamp with time zone NOT NULL,
    closed_at timestamp with time zone,
    evaluated_at timestamp with time zone,
    expected integer NOT NULL,
    measured integer NOT NULL,
    unknown integer NOT NULL,
    listing_complete boolean NOT NULL,
    listing_missing integer NOT NULL,
    listing_reason text NOT NULL
);
CREATE TABLE public.teams (
    entity_ref text NOT NULL,
    title text NOT NULL,
    parent text,
    in_catalog boolean NOT NULL,
    slack_channels jsonb NOT NULL,
    pagerduty_fingerprint text,
    problems jsonb NOT NULL
);
CREATE TABLE public.unallocated_workloads (
    as_of timestamp with time zone NOT NULL,
    cluster text NOT NULL,
    namespace text NOT NULL,
    type text NOT NULL,
    name text NOT NULL,
    cost_7d numeric NOT NULL
);
CREATE TABLE public.watch_points (
    as_of timestamp with time zone NOT NULL,
    cluster text NOT NULL,
    namespace text NOT NULL,
    type text NOT NULL,
    name text NOT NULL,
    policy_name text,
    automated boolean,
    under_provisioned boolean,
    over_provisioned boolean,
    replicas bigint,
    cpu_request_millicores double precision,
    cpu_recommended_millicores double precision,
    memory_request_bytes double precision,
    memory_recommended_bytes double precision,
    oom_kills_24h bigint,
    unknown jsonb NOT NULL
);
CREATE TABLE public.watch_sweeps (
    as_of timestamp with time zone NOT NULL,
    opened_at timestamp with time zone NOT NULL,
    alive_at timestamp with time zone NOT NULL,
    closed_at timestamp with time zone,
    evaluated_at timestamp with time zone,
    source text NOT NULL,
    failure text NOT NULL
);
CREATE TABLE public.workload_points (
    id bigint NOT NULL,
    as_of timestamp with time zone NOT NULL,
    cluster text NOT NULL,
    namespace text NOT NULL,
    type text NOT NULL,
    name text NOT NULL,
    policy_name text,
    automated boolean,
    under_provisioned boolean,
    over_provisioned boolean,
    replicas bigint,
    cpu_request_millicores double precision,
    cpu_recommended_millicores double precision,
    memory_request_bytes double precision,
    memory_recommended_bytes double precision,
    cost_7d numeric,
    savings_available_per_month numeric,
    active_savings_per_month numeric,
    oom_kills_24h bigint,
    pod_hours_7d double precision,
    spot_hours_7d double precision,
    network_monitored boolean,
    network_as_of timestamp with time zone,
    network_cost numeric,
    network_cross_az_cost numeric,
    network_cross_az_traffic_bytes numeric,
    unknown jsonb NOT NULL,
    listed_since timestamp with time zone,
    appeared boolean,
    mean_cpu_request_millicores double precision,
    mean_memory_request_bytes double precision,
    unknowns integer NOT NULL,
    precedence bigint NOT NULL
);
CREATE SEQUENCE public.workload_points_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.workload_points_id_seq OWNED BY public.workload_points.id;
ALTER TABLE ONLY public.outbox ALTER COLUMN id SET DEFAULT nextval('public.outbox_id_seq'::regclass);
ALTER TABLE ONLY public.recommendations ALTER COLUMN id SET DEFAULT nextval('public.recommendations_id_seq'::regclass);
ALTER TABLE ONLY public.report_runs ALTER COLUMN id SET DEFAULT nextval('public.report_runs_id_seq'::regclass);
ALTER TABLE ONLY public.snapshots ALTER COLUMN id SET DEFAULT nextval('public.snapshots_id_seq'::regclass);
ALTER TABLE ONLY public.workload_points ALTER COLUMN id SET DEFAULT nextval('public.workload_points_id_seq'::regclass);
INSERT INTO public.alembic_version VALUES
	('0001');
INSERT INTO public.alert_events VALUES
	('under-provisioned:component:default/checkout', 1, '2026-11-23 00:10:00+00', '{"at": "2026-11-23T00:10:00Z", "kind": "observed", "terms": {"max_gap": "P1D", "for_sweeps": 2, "refire_hold": "PT0S", "clear_sweeps": 2, "refire_sweeps": 4, "refire_within": "P1D"}, "observation": {"team": {"kind": "group", "name": "payments", "namespace": "default"}, "alert": {"rule": "under-provisioned", "about": {"kind": "component", "name": "checkout", "namespace": "default"}}, "as_of": "2026-11-22T18:00:00Z", "found": [{"page": "with-evidence", "amount": "2", "figures": {"of": "requests", "cost_7d": "130", "keeps_memory": true, "oom_kills_24h": 2, "memory_request_bytes": 2147483648.0, "cpu_request_millicores": 1000.0, "memory_recommended_bytes": 2147483648.0, "cpu_recommended_millicores": 400.0, "savings_available_per_month": "0"}, "subject": "east/shop/Deployment/api", "paged_by": null, "severity": "error", "workload": {"name": "api", "type": "Deployment", "cluster": "east", "namespace": "shop"}, "has_evidence": true}], "reason": "", "unknown": [], "verdict": "measured", "first_sweep": false}}'),
	('unmeasured:component:default/finder', 1, '2026-11-23 00:10:00+00', '{"at": "2026-11-23T00:10:00Z", "kind": "observed", "terms": {"max_gap": "P1D", "for_sweeps": 3, "refire_hold": "PT0S", "clear_sweeps": 2, "refire_sweeps": 4, "refire_within": "P1D"}, "observation": {"team": {"kind": "group", "name": "search", "namespace": "default"}, "alert": {"rule": "unmeasured", "about": {"kind": "component", "name": "finder", "namespace": "default"}}, "as_of": "2026-11-22T18:00:00Z", "found": [{"page": "never", "amount": "0", "figures": {"of": "unmeasured", "what": "workloads", "reason": "ScaleOps did not answer", "cluster": null}, "subject": "as a whole", "paged_by": null, "severity": "warning", "workload": null, "has_evidence": false}], "reason": "", "unknown": [], "verdict": "measured", "first_sweep": false}}'),
	('under-provisioned:component:default/checkout', 2, '2026-11-23 00:10:00+00', '{"at": "2026-11-23T00:10:00Z", "kind": "notified", "page": {"route": "the annotation pagerduty.com/integration-key on the component component:default/checkout", "target": "0123456789abcdef", "dedup_key": "test:under-provisioned:component:default/checkout"}, "post": {"root": "alert:under-provisioned:component:default/checkout:2:slack", "route": "the annotation slack.com/bot-notify on the component component:default/checkout", "target": "C1"}, "as_of": "2026-11-22T18:00:00Z", "paged": {"amount": "2", "severity": "error", "subjects": ["east/shop/Deployment/api"]}, "storm": null, "extent": {"amount": "2", "severity": "error", "subjects": ["east/shop/Deployment/api"]}, "notice": "opened", "reason": "Seen in this check."}'),
	('under-provisioned:component:default/checkout', 3, '2026-11-23 00:10:00+00', '{"at": "2026-11-23T00:10:00Z", "kind": "observed", "terms": {"max_gap": "P1D", "for_sweeps": 2, "refire_hold": "PT0S", "clear_sweeps": 2, "refire_sweeps": 4, "refire_within": "P1D"}, "observation": {"team": {"kind": "group", "name": "payments", "namespace": "default"}, "alert": {"rule": "under-provisioned", "about": {"kind": "component", "name": "checkout", "namespace": "default"}}, "as_of": "2026-11-23T00:00:00Z", "found": [{"page": "with-evidence", "amount": "2", "figures": {"of": "requests", "cost_7d": "130", "keeps_memory": true, "oom_kills_24h": 2, "memory_request_bytes": 2147483648.0, "cpu_request_millicores": 1000.0, "memory_recommended_bytes": 2147483648.0, "cpu_recommended_millicores": 400.0, "savings_available_per_month": "0"}, "subject": "east/shop/Deployment/api", "paged_by": null, "severity": "error", "workload": {"name": "api", "type": "Deployment", "cluster": "east", "namespace": "shop"}, "has_evidence": true}], "reason": "", "unknown": [], "verdict": "measured", "first_sweep": false}}'),
	('unmeasured:component:default/finder', 2, '2026-11-23 00:10:00+00', '{"at": "2026-11-23T00:10:00Z", "kind": "observed", "terms": {"max_gap": "P1D", "for_sweeps": 3, "refire_hold": "PT0S", "clear_sweeps": 2, "refire_sweeps": 4, "refire_within": "P1D"}, "observation": {"team": {"kind": "group", "name": "search", "namespace": "default"}, "alert": {"rule": "unmeasured", "about": {"kind": "component", "name": "finder", "namespace": "default"}}, "as_of": "2026-11-23T00:00:00Z", "found": [{"page": "never", "amount": "0", "figures": {"of": "unmeasured", "what": "workloads", "reason": "ScaleOps did not answer", "cluster": null}, "subject": "as a whole", "paged_by": null, "severity": "warning", "workload": null, "has_evidence": false}], "reason": "", "unknown": [], "verdict": "measured", "first_sweep": false}}');
INSERT INTO public.alert_states VALUES
	('under-provisioned:component:default/checkout', 'under-provisioned', 'component:default/checkout', 'group:default/payments', 'firing', '2026-11-23 00:10:00+00', '{"team": {"kind": "group", "name": "payments", "namespace": "default"}, "alert": {"rule": "under-provisioned", "about": {"kind": "component", "name": "checkout", "namespace": "default"}}, "events": 3, "streaks": [{"last": "2026-11-23T00:00:00Z", "count": 2, "since": "2026-11-22T18:00:00Z", "finding": {"page": "with-evidence", "amount": "2", "figures": {"of": "requests", "cost_7d": "130", "keeps_memory": true, "oom_kills_24h": 2, "memory_request_bytes": 2147483648.0, "cpu_request_millicores": 1000.0, "memory_recommended_bytes": 2147483648.0, "cpu_recommended_millicores": 400.0, "savings_available_per_month": "0"}, "subject": "east/shop/Deployment/api", "paged_by": null, "severity": "error", "workload": {"name": "api", "type": "Deployment", "cluster": "east", "namespace": "shop"}, "has_evidence": true}, "is_confirmed": true, "from_first_sweep": false}], "incident": {"ending": null, "opening": null, "snoozed": null, "unknown": [], "reopened": false, "dismissed": null, "opened_at": "2026-11-23T00:10:00Z", "acknowledged": null, "clear_sweeps": 0, "opened_as_of": "2026-11-22T18:00:00Z", "cleared_as_of": null, "from_first_sweep": false, "last_notification": {"at": "2026-11-23T00:10:00Z", "page": {"route": "the annotation pagerduty.com/integration-key on the component component:default/checkout", "target": "0123456789abcdef", "dedup_key": "test:under-provisioned:component:default/checkout"}, "post": {"root": "alert:under-provisioned:component:default/checkout:2:slack", "route": "the annotation slack.com/bot-notify on the component component:default/checkout", "target": "C1"}, "paged": {"amount": "2", "severity": "error", "subjects": ["east/shop/Deployment/api"]}, "storm": null, "extent": {"amount": "2", "severity": "error", "subjects": ["east/shop/Deployment/api"]}, "paged_as_of": "2026-11-22T18:00:00Z", "posted_as_of": "2026-11-22T18:00:00Z"}}, "was_closed": false, "resolved_as_of": null}'),
	('unmeasured:component:default/finder', 'unmeasured', 'component:default/finder', 'group:default/search', 'pending', '2026-11-23 00:10:00+00', '{"team": {"kind": "group", "name": "search", "namespace": "default"}, "alert": {"rule": "unmeasured", "about": {"kind": "component", "name": "finder", "namespace": "default"}}, "events": 2, "streaks": [{"last": "2026-11-23T00:00:00Z", "count": 2, "since": "2026-11-22T18:00:00Z", "finding": {"page": "never", "amount": "0", "figures": {"of": "unmeasured", "what": "workloads", "reason": "ScaleOps did not answer", "cluster": null}, "subject": "as a whole", "paged_by": null, "severity": "warning", "workload": null, "has_evidence": false}, "is_confirmed": false, "from_first_sweep": false}], "incident": null, "was_closed": false, "resolved_as_of": null}');
INSERT INTO public.bulk_checks VALUES
	('2026-11-23 00:00:00+00', 'inventory', 'east', true, '');
INSERT INTO public.clusters VALUES
	('east', '2026-11-23 00:00:00+00', NULL, NULL, NULL),
	('west', '2026-11-23 00:00:00+00', '2026-11-23 00:00:00+00', NULL, NULL);
INSERT INTO public.components VALUES
	('component:default/checkout', 'Component', 'Default', 'Checkout', 'Checkout', 'group:default/payments', 'production', 'system:default/shop', 'app=checkout', NULL, NULL, NULL, '[["slack.com/bot-notify", "C1"]]', '0123456789abcdef', '[]', '', '[]', '2026-11-23 00:00:00+00', 0, NULL, NULL),
	('component:default/ledger', 'Component', 'Default', 'Ledger', 'Ledger', 'group:default/payments', 'production', 'system:default/shop', 'app=ledger', NULL, NULL, NULL, '[["slack.com/bot-notify", "C1"]]', '0123456789abcdef', '[]', '', '[]', '2026-11-23 00:00:00+00', 0, NULL, NULL),
	('component:default/finder', 'Component', 'Default', 'Finder', 'Finder', 'group:default/search', 'production', 'system:default/shop', 'app=finder', NULL, NULL, NULL, '[["slack.com/bot-notify", "C1"]]', '0123456789abcdef', '[]', '', '[]', '2026-11-23 00:00:00+00', 0, NULL, NULL),
	('component:default/dns', 'Component', 'Default', 'Dns', 'Dns', 'group:default/ops', 'production', 'system:default/shop', 'app=dns', NULL, NULL, NULL, '[]', NULL, '[]', '', '[]', '2026-11-23 00:00:00+00', 0, NULL, NULL),
	('component:default/mail', 'Component', 'Default', 'Mail', 'Mail', 'group:default/ops', 'production', 'system:default/shop', 'app=mail', NULL, NULL, NULL, '[]', NULL, '[]', '', '[]', '2026-11-23 00:00:00+00', 0, NULL, NULL);
INSERT INTO public.deliveries VALUES
	('alert:under-provisioned:component:default/checkout:2:pagerduty', 1, '2026-11-23 09:01:00+00', 'sent', 'native', NULL, NULL, '');
INSERT INTO public.heartbeats VALUES
	('collect', 'ok', '2026-11-23 00:00:00+00', '{"components": 5}');
INSERT INTO public.inventory VALUES
	('east', 'attic', 'Deployment', 'orphan', '2026-11-23 00:00:00+00', 31.50, '{}');
INSERT INTO public.namespace_costs VALUES
	('2026-11-23 00:00:00+00', 'east', 'attic', 31.50, 1, 1, 0, 0, 0, '{}');
INSERT INTO public.outbox VALUES
	(2, 'alert:under-provisioned:component:default/checkout:2:slack', 'alert:under-provisioned:component:default/checkout:slack', 2, 'slack', 'C1', 'post', NULL, 'component:default/checkout', 'Seen in this check. Sent by the annotation slack.com/bot-notify on the component component:default/checkout.', '[{"payload": {"text": "Checkout: api OOM-killed 2x in the last 24 h\n• api (Deployment) in shop on east: CPU 1 core → 0.4 cores per pod, 2 OOM kills in the last 24 h, keeps its memory although ScaleOps recommends less\nSince Sun 22 Nov 2026, 18:00 UTC, measured Sun 22 Nov 2026, 18:00 UTC.\nWhat to do: Give api the recommended requests, but no less memory than now, although ScaleOps recommends less.\nWhy you get this: Seen in this check. Sent here by the annotation slack.com/bot-notify on the component component:default/checkout.\nOn-call is paged by the annotation pagerduty.com/integration-key on the component component:default/checkout.\nAcknowledge: scaleops-worker alerts acknowledge under-provisioned:component:default/checkout (or snooze: alerts snooze under-provisioned:component:default/checkout --for 2d)", "blocks": [{"text": {"text": "Checkout: api OOM-killed 2x in the last 24 h", "type": "plain_text", "emoji": false}, "type": "header"}, {"text": {"text": "• api (Deployment) in shop on east: CPU 1 core → 0.4 cores per pod, 2 OOM kills in the last 24 h, keeps its memory although ScaleOps recommends less\nSince Sun 22 Nov 2026, 18:00 UTC, measured Sun 22 Nov 2026, 18:00 UTC.\nWhat to do: Give api the recommended requests, but no less memory than now, although ScaleOps recommends less.", "type": "plain_text", "emoji": false}, "type": "section"}, {"type": "context", "elements": [{"text": "Why you get this: Seen in this check. Sent here by the annotation slack.com/bot-notify on the component component:default/checkout.", "type": "plain_text", "emoji": false}]}, {"type": "context", "elements": [{"text": "On-call is paged by the annotation pagerduty.com/integration-key on the component component:default/checkout.", "type": "plain_text", "emoji": false}]}, {"type": "context", "elements": [{"text": "Acknowledge: scaleops-worker alerts acknowledge under-provisioned:component:default/checkout (or snooze: alerts snooze under-provisioned:component:default/checkout --for 2d)", "type": "plain_text", "emoji": false}]}], "mrkdwn": false}, "variant": "native"}, {"payload": {"text": "Checkout: api OOM-killed 2x in the last 24 h\n• api (Deployment) in shop on east: CPU 1 core → 0.4 cores per pod, 2 OOM kills in the last 24 h, keeps its memory although ScaleOps recommends less\nSince Sun 22 Nov 2026, 18:00 UTC, measured Sun 22 Nov 2026, 18:00 UTC.\nWhat to do: Give api the recommended requests, but no less memory than now, although ScaleOps recommends less.\nWhy you get this: Seen in this check. Sent here by the annotation slack.com/bot-notify on the component component:default/checkout.\nOn-call is paged by the annotation pagerduty.com/integration-key on the component component:default/checkout.\nAcknowledge: scaleops-worker alerts acknowledge under-provisioned:component:default/checkout (or snooze: alerts snooze under-provisioned:component:default/checkout --for 2d)", "mrkdwn": false}, "variant": "text"}]', '2026-11-23 00:10:00+00', '2026-11-24 00:10:00+00', 'pending', 0, NULL, NULL, NULL, NULL, NULL),
	(3, 'report:weekly:group:default/ops:2026-W47:slack:1', 'report:weekly:group:default/ops:2026-W47:slack', 1, 'slack', 'C0PLATFORM', 'post', NULL, 'group:default/ops', 'The weekly report of Ops for 2026-W47. It goes to C0PLATFORM, by the platform channel, because nothing names a channel for group:default/ops.', '[{"payload": {"text": "Ops: No workloads ran in the week to Mon 23 Nov, 00:00 UTC, so there is no cost.\nTo do: No recommendation needs action this week.\nNovember: $0.00 to $0.00 so far (8 days were not measured); $0.00 by month end, at the daily rates of the last 2 weeks.\nOn call: No page.\nMeasured: Everything was measured: 2 components, 0 workloads.\nCost, 7 days: $0.00\nLike for like: no comparison\nSavings available, per month: $0.00\nSavings realised, per month: $0.00\n▁▁  2 weeks, from $0.00 to $0.00.\n\nWhat to do\nNo recommendations that need a decision.", "blocks": [{"text": {"text": "Ops: weekly cost, 2026-W47", "type": "plain_text", "emoji": false}, "type": "header"}, {"text": {"text": "*No workloads ran in the week to Mon 23 Nov, 00:00 UTC, so there is no cost.*", "type": "mrkdwn"}, "type": "section"}, {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [{"text": "To do: ", "type": "text", "style": {"bold": true}}, {"text": "No recommendation needs action this week.", "type": "text"}]}]}, {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [{"text": "November: ", "type": "text", "style": {"bold": true}}, {"text": "$0.00 to $0.00 so far (8 days were not measured); $0.00 by month end, at the daily rates of the last 2 weeks.", "type": "text"}]}]}, {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [{"text": "On call: ", "type": "text", "style": {"bold": true}}, {"text": "No page.", "type": "text"}]}]}, {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [{"text": "Measured: ", "type": "text", "style": {"bold": true}}, {"text": "Everything was measured: 2 components, 0 workloads.", "type": "text"}]}]}, {"type": "section", "fields": [{"text": "*Cost, 7 days*\n$0.00", "type": "mrkdwn"}, {"text": "*Like for like*\nno comparison", "type": "mrkdwn"}, {"text": "*Savings available, per month*\n$0.00", "type": "mrkdwn"}, {"text": "*Savings realised, per month*\n$0.00", "type": "mrkdwn"}]}, {"type": "context", "elements": [{"text": "▁▁  2 weeks, from $0.00 to $0.00.", "type": "plain_text", "emoji": false}]}, {"type": "divider"}, {"text": {"text": "*What to do*", "type": "mrkdwn"}, "type": "section"}, {"text": {"text": "No recommendations that need a decision.", "type": "plain_text", "emoji": false}, "type": "section"}], "mrkdwn": false, "unfurl_links": false, "unfurl_media": false}, "variant": "native"}, {"payload": {"text": "Ops: No workloads ran in the week to Mon 23 Nov, 00:00 UTC, so there is no cost.\nTo do: No recommendation needs action this week.\nNovember: $0.00 to $0.00 so far (8 days were not measured); $0.00 by month end, at the daily rates of the last 2 weeks.\nOn call: No page.\nMeasured: Everything was measured: 2 components, 0 workloads.\nCost, 7 days: $0.00\nLike for like: no comparison\nSavings available, per month: $0.00\nSavings realised, per month: $0.00\n▁▁  2 weeks, from $0.00 to $0.00.\n\nWhat to do\nNo recommendations that need a decision.", "mrkdwn": false, "unfurl_links": false, "unfurl_media": false}, "variant": "text"}]', '2026-11-23 09:00:00+00', '2026-11-26 09:00:00+00', 'pending', 0, NULL, NULL, NULL, NULL, NULL),
	(4, 'report:weekly:group:default/ops:2026-W47:slack:2', 'report:weekly:group:default/ops:2026-W47:slack', 2, 'slack', 'C0PLATFORM', 'post', 'report:weekly:group:default/ops:2026-W47:slack:1', 'group:default/ops', 'The weekly report of Ops for 2026-W47. It goes to C0PLATFORM, by the platform channel, because nothing names a channel for group:default/ops.', '[{"payload": {"text": "\nWhy the cost changed: $0.00 for 7 days\nNo workload changed its cost.\n\nFollow-up on recommendations\nThere were no recommendations.\n\nCross-zone traffic, 7 days\nThere are no workloads.\n\nAutomation and policies\nThere are no workloads.\n\nWhat could not be measured\nEverything was measured.", "blocks": [{"type": "divider"}, {"text": {"text": "*Why the cost changed: $0.00 for 7 days*", "type": "mrkdwn"}, "type": "section"}, {"text": {"text": "No workload changed its cost.", "type": "plain_text", "emoji": false}, "type": "section"}, {"type": "divider"}, {"text": {"text": "*Follow-up on recommendations*", "type": "mrkdwn"}, "type": "section"}, {"text": {"text": "There were no recommendations.", "type": "plain_text", "emoji": false}, "type": "section"}, {"type": "divider"}, {"text": {"text": "*Cross-zone traffic, 7 days*", "type": "mrkdwn"}, "type": "section"}, {"text": {"text": "There are no workloads.", "type": "plain_text", "emoji": false}, "type": "section"}, {"type": "divider"}, {"text": {"text": "*Automation and policies*", "type": "mrkdwn"}, "type": "section"}, {"text": {"text": "There are no workloads.", "type": "plain_text", "emoji": false}, "type": "section"}, {"type": "divider"}, {"text": {"text": "*What could not be measured*", "type": "mrkdwn"}, "type": "section"}, {"text": {"text": "Everything was measured.", "type": "plain_text", "emoji": false}, "type": "section"}], "mrkdwn": false, "unfurl_links": false, "unfurl_media": false}, "variant": "native"}, {"payload": {"text": "\nWhy the cost changed: $0.00 for 7 days\nNo workload changed its cost.\n\nFollow-up on recommendations\nThere were no recommendations.\n\nCross-zone traffic, 7 days\nThere are no workloads.\n\nAutomation and policies\nThere are no workloads.\n\nWhat could not be measured\nEverything was measured.", "mrkdwn": false, "unfurl_links": false, "unfurl_media": false}, "variant": "text"}]', '2026-11-23 09:00:00+00', '2026-11-26 09:00:00+00', 'pending', 0, NULL, NULL, NULL, NULL, NULL),
	(5, 'report:weekly:group:default/payments:2026-W47:slack:1', 'report:weekly:group:default/payments:2026-W47:slack', 1, 'slack', 'C0PLATFORM', 'post', NULL, 'group:default/payments', 'The weekly report of Payments for 2026-W47. It goes to C0PLATFORM, by the platform channel, because nothing names a channel for group:default/payments.', '[{"payload": {"text": "Payments: $145.00 in the week to Mon 23 Nov, 00:00 UTC, up $28.00 (+24%): added +$5.00, removed −$7.00, like for like +$30.00 (+27%), too early to say whether that is usual (0 of 6 comparable weeks).\nWhy: api, east: +$30.00 (+30%), price per pod-hour +30%. All else: −$2.00 (−12%).\nDo first:\n1. Check the requests of api: OOM-killed 2x in the last 24 h, and ScaleOps recommends no more. Keep its memory, although ScaleOps recommends less.\nTo do: Raise the requests of 1 workload; another $0.20 a month is left to ScaleOps automation.\nNovember: $262.00 to $427.71 so far (8 days were not measured); $396 to $593 by month end, at the daily rates of the last 2 weeks.\nOn call: No page.\nMeasured: Everything was measured: 2 components, 3 workloads.\nCost, 7 days: $145.00\nLike for like: +$30.00 (+27%), 2 workloads\nSavings available, per month: $0.20\nSavings realised, per month: $0.00\n▃▆  2 weeks, from $117.00 to $145.00. The bars start at $100, not at zero.\n\nWhat to do\n1 recommendation.\n1. Check the requests of api: OOM-killed 2x in the last 24 h, and ScaleOps recommends no more. Keep its memory, although ScaleOps recommends less.\n   Danger: OOM-killed 2x in the last 24 h. Checkout, under-provisioned\n   east / shop", "blocks": [{"text": {"text": "Payments: weekly cost, 2026-W47", "type": "plain_text", "emoji": false}, "type": "header"}, {"text": {"text": "*$145.00 in the week to Mon 23 Nov, 00:00 UTC, up $28.00 (+24%): added +$5.00, removed −$7.00, like for like +$30.00 (+27%), too early to say whether that is usual (0 of 6 comparable weeks).*", "type": "mrkdwn"}, "type": "section"}, {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [{"text": "Why: ", "type": "text", "style": {"bold": true}}, {"text": "api, east: +$30.00 (+30%), price per pod-hour +30%. All else: −$2.00 (−12%).", "type": "text"}]}]}, {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [{"text": "Do first: ", "type": "text", "style": {"bold": true}}, {"text": "\n1. Check the requests of api: OOM-killed 2x in the last 24 h, and ScaleOps recommends no more. Keep its memory, although ScaleOps recommends less.", "type": "text"}]}]}, {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [{"text": "To do: ", "type": "text", "style": {"bold": true}}, {"text": "Raise the requests of 1 workload; another $0.20 a month is left to ScaleOps automation.", "type": "text"}]}]}, {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [{"text": "November: ", "type": "text", "style": {"bold": true}}, {"text": "$262.00 to $427.71 so far (8 days were not measured); $396 to $593 by month end, at the daily rates of the last 2 weeks.", "type": "text"}]}]}, {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [{"text": "On call: ", "type": "text", "style": {"bold": true}}, {"text": "No page.", "type": "text"}]}]}, {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [{"text": "Measured: ", "type": "text", "style": {"bold": true}}, {"text": "Everything was measured: 2 components, 3 workloads.", "type": "text"}]}]}, {"type": "section", "fields": [{"text": "*Cost, 7 days*\n$145.00", "type": "mrkdwn"}, {"text": "*Like for like*\n+$30.00 (+27%)\n2 workloads", "type": "mrkdwn"}, {"text": "*Savings available, per month*\n$0.20", "type": "mrkdwn"}, {"text": "*Savings realised, per month*\n$0.00", "type": "mrkdwn"}]}, {"type": "context", "elements": [{"text": "▃▆  2 weeks, from $117.00 to $145.00. The bars start at $100, not at zero.", "type": "plain_text", "emoji": false}]}, {"type": "divider"}, {"text": {"text": "*What to do*", "type": "mrkdwn"}, "type": "section"}, {"text": {"text": "1 recommendation.", "type": "plain_text", "emoji": false}, "type": "section"}, {"text": {"text": "1. Check the requests of api: OOM-killed 2x in the last 24 h, and ScaleOps recommends no more. Keep its memory, although ScaleOps recommends less.\nDanger: OOM-killed 2x in the last 24 h. Checkout, under-provisioned\neast / shop", "type": "plain_text", "emoji": false}, "type": "section"}], "mrkdwn": false, "unfurl_links": false, "unfurl_media": false}, "variant": "native"}, {"payload": {"text": "Payments: $145.00 in the week to Mon 23 Nov, 00:00 UTC, up $28.00 (+24%): added +$5.00, removed −$7.00, like for like +$30.00 (+27%), too early to say whether that is usual (0 of 6 comparable weeks).\nWhy: api, east: +$30.00 (+30%), price per pod-hour +30%. All else: −$2.00 (−12%).\nDo first:\n1. Check the requests of api: OOM-killed 2x in the last 24 h, and ScaleOps recommends no more. Keep its memory, although ScaleOps recommends less.\nTo do: Raise the requests of 1 workload; another $0.20 a month is left to ScaleOps automation.\nNovember: $262.00 to $427.71 so far (8 days were not measured); $396 to $593 by month end, at the daily rates of the last 2 weeks.\nOn call: No page.\nMeasured: Everything was measured: 2 components, 3 workloads.\nCost, 7 days: $145.00\nLike for like: +$30.00 (+27%), 2 workloads\nSavings available, per month: $0.20\nSavings realised, per month: $0.00\n▃▆  2 weeks, from $117.00 to $145.00. The bars start at $100, not at zero.\n\nWhat to do\n1 recommendation.\n1. Check the requests of api: OOM-killed 2x in the last 24 h, and ScaleOps recommends no more. Keep its memory, although ScaleOps recommends less.\n   Danger: OOM-killed 2x in the last 24 h. Checkout, under-provisioned\n   east / shop", "mrkdwn": false, "unfurl_links": false, "unfurl_media": false}, "variant": "text"}]', '2026-11-23 09:00:00+00', '2026-11-26 09:00:00+00', 'pending', 0, NULL, NULL, NULL, NULL, NULL),
	(6, 'report:weekly:group:default/payments:2026-W47:slack:2', 'report:weekly:group:default/payments:2026-W47:slack', 2, 'slack', 'C0PLATFORM', 'post', 'report:weekly:group:default/payments:2026-W47:slack:1', 'group:default/payments', 'The weekly report of Payments for 2026-W47. It goes to C0PLATFORM, by the platform channel, because nothing names a channel for group:default/payments.', '[{"payload": {"text": "\nWhy the cost changed: +$28.00 for 7 days\napi, Where: east / shop, Why: price per pod-hour +30%, Change: +$30.00 (+30%)\nHigher unit price +$30.00, added +$5.00, removed −$7.00.\n2 other workloads changed by less than 2% or $10.00 each: −$2.00 in all.\n\nFollow-up on recommendations\n1 still open.\n1 recommendation newly advised: api.\n\nAlerts\nOpen alerts: 1.\nCheckout: too little CPU or memory, since Sun 22 Nov\n\nCross-zone traffic, 7 days\nNetwork monitoring is off for 3 workloads.\n\nAutomation and policies\n2 of 3 workloads automated. Policies: production 3.\n\nWhat could not be measured\nEverything was measured.", "blocks": [{"text": {"text": "*Why the cost changed: +$28.00 for 7 days*", "type": "mrkdwn"}, "type": "section"}, {"rows": [[{"text": "Workload", "type": "raw_text"}, {"text": "Where", "type": "raw_text"}, {"text": "Why", "type": "raw_text"}, {"text": "Change", "type": "raw_text"}], [{"text": "api", "type": "raw_text"}, {"text": "east / shop", "type": "raw_text"}, {"text": "price per pod-hour +30%", "type": "raw_text"}, {"text": "+$30.00 (+30%)", "type": "raw_text"}]], "type": "table", "column_settings": [{"align": "left", "is_wrapped": true}, {"align": "left", "is_wrapped": true}, {"align": "left", "is_wrapped": true}, {"align": "right"}]}, {"text": {"text": "Higher unit price +$30.00, added +$5.00, removed −$7.00.", "type": "plain_text", "emoji": false}, "type": "section"}, {"text": {"text": "2 other workloads changed by less than 2% or $10.00 each: −$2.00 in all.", "type": "plain_text", "emoji": false}, "type": "section"}, {"type": "divider"}, {"text": {"text": "*Follow-up on recommendations*", "type": "mrkdwn"}, "type": "section"}, {"text": {"text": "1 still open.", "type": "plain_text", "emoji": false}, "type": "section"}, {"text": {"text": "1 recommendation newly advised: api.", "type": "plain_text", "emoji": false}, "type": "section"}, {"type": "divider"}, {"text": {"text": "*Alerts*", "type": "mrkdwn"}, "type": "section"}, {"text": {"text": "Open alerts: 1.", "type": "plain_text", "emoji": false}, "type": "section"}, {"text": {"text": "Checkout: too little CPU or memory, since Sun 22 Nov", "type": "plain_text", "emoji": false}, "type": "section"}, {"type": "divider"}, {"text": {"text": "*Cross-zone traffic, 7 days*", "type": "mrkdwn"}, "type": "section"}, {"text": {"text": "Network monitoring is off for 3 workloads.", "type": "plain_text", "emoji": false}, "type": "section"}, {"type": "divider"}, {"text": {"text": "*Automation and policies*", "type": "mrkdwn"}, "type": "section"}, {"text": {"text": "2 of 3 workloads automated. Policies: production 3.", "type": "plain_text", "emoji": false}, "type": "section"}, {"type": "divider"}, {"text": {"text": "*What could not be measured*", "type": "mrkdwn"}, "type": "section"}, {"text": {"text": "Everything was measured.", "type": "plain_text", "emoji": false}, "type": "section"}], "mrkdwn": false, "unfurl_links": false, "unfurl_media": false}, "variant": "native"}, {"payload": {"text": "\nWhy the cost changed: +$28.00 for 7 days\napi, Where: east / shop, Why: price per pod-hour +30%, Change: +$30.00 (+30%)\nHigher unit price +$30.00, added +$5.00, removed −$7.00.\n2 other workloads changed by less than 2% or $10.00 each: −$2.00 in all.\n\nFollow-up on recommendations\n1 still open.\n1 recommendation newly advised: api.\n\nAlerts\nOpen alerts: 1.\nCheckout: too little CPU or memory, since Sun 22 Nov\n\nCross-zone traffic, 7 days\nNetwork monitoring is off for 3 workloads.\n\nAutomation and policies\n2 of 3 workloads automated. Policies: production 3.\n\nWhat could not be measured\nEverything was measured.", "mrkdwn": false, "unfurl_links": false, "unfurl_media": false}, "variant": "text"}]', '2026-11-23 09:00:00+00', '2026-11-26 09:00:00+00', 'pending', 0, NULL, NULL, NULL, NULL, NULL),
	(7, 'report:weekly:group:default/search:2026-W47:slack:1', 'report:weekly:group:default/search:2026-W47:slack', 1, 'slack', 'C0PLATFORM', 'post', NULL, 'group:default/search', 'The weekly report of Search for 2026-W47. It goes to C0PLATFORM, by the platform channel, because nothing names a channel for group:default/search.', '[{"payload": {"text": "Search: The cost of the week of 16 to 22 November 2026 is unknown.\nNot measured: 1 of 1 component could not be measured. The cost of 1 of 1 workload is unknown and not in the sums.\nWhy: Not comparable, because a cost is unknown: −$40.00.\nTo do: What to do is unknown, because nothing could be measured.\nNovember: $40.00 to $125.71 so far (15 days were not measured).\nOn call: No page.\nCost, 7 days: unknown\nLike for like: no comparison\nSavings available, per month: unknown\nSavings realised, per month: unknown\n█·  2 weeks, one measured: $40.00. The bars start at $36.00, not at zero.\n\nWhat to do\nNo recommendations that need a decision are known; those of 1 workload could not be measured.", "blocks": [{"text": {"text": "Search: weekly cost, 2026-W47", "type": "plain_text", "emoji": false}, "type": "header"}, {"text": {"text": "*The cost of the week of 16 to 22 November 2026 is unknown.*", "type": "mrkdwn"}, "type": "section"}, {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [{"text": "Not measured: ", "type": "text", "style": {"bold": true}}, {"text": "1 of 1 component could not be measured. The cost of 1 of 1 workload is unknown and not in the sums.", "type": "text"}]}]}, {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [{"text": "Why: ", "type": "text", "style": {"bold": true}}, {"text": "Not comparable, because a cost is unknown: −$40.00.", "type": "text"}]}]}, {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [{"text": "To do: ", "type": "text", "style": {"bold": true}}, {"text": "What to do is unknown, because nothing could be measured.", "type": "text"}]}]}, {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [{"text": "November: ", "type": "text", "style": {"bold": true}}, {"text": "$40.00 to $125.71 so far (15 days were not measured).", "type": "text"}]}]}, {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [{"text": "On call: ", "type": "text", "style": {"bold": true}}, {"text": "No page.", "type": "text"}]}]}, {"type": "section", "fields": [{"text": "*Cost, 7 days*\nunknown", "type": "mrkdwn"}, {"text": "*Like for like*\nno comparison", "type": "mrkdwn"}, {"text": "*Savings available, per month*\nunknown", "type": "mrkdwn"}, {"text": "*Savings realised, per month*\nunknown", "type": "mrkdwn"}]}, {"type": "context", "elements": [{"text": "█·  2 weeks, one measured: $40.00. The bars start at $36.00, not at zero.", "type": "plain_text", "emoji": false}]}, {"type": "divider"}, {"text": {"text": "*What to do*", "type": "mrkdwn"}, "type": "section"}, {"text": {"text": "No recommendations that need a decision are known; those of 1 workload could not be measured.", "type": "plain_text", "emoji": false}, "type": "section"}], "mrkdwn": false, "unfurl_links": false, "unfurl_media": false}, "variant": "native"}, {"payload": {"text": "Search: The cost of the week of 16 to 22 November 2026 is unknown.\nNot measured: 1 of 1 component could not be measured. The cost of 1 of 1 workload is unknown and not in the sums.\nWhy: Not comparable, because a cost is unknown: −$40.00.\nTo do: What to do is unknown, because nothing could be measured.\nNovember: $40.00 to $125.71 so far (15 days were not measured).\nOn call: No page.\nCost, 7 days: unknown\nLike for like: no comparison\nSavings available, per month: unknown\nSavings realised, per month: unknown\n█·  2 weeks, one measured: $40.00. The bars start at $36.00, not at zero.\n\nWhat to do\nNo recommendations that need a decision are known; those of 1 workload could not be measured.", "mrkdwn": false, "unfurl_links": false, "unfurl_media": false}, "variant": "text"}]', '2026-11-23 09:00:00+00', '2026-11-26 09:00:00+00', 'pending', 0, NULL, NULL, NULL, NULL, NULL),
	(8, 'report:weekly:group:default/search:2026-W47:slack:2', 'report:weekly:group:default/search:2026-W47:slack', 2, 'slack', 'C0PLATFORM', 'post', 'report:weekly:group:default/search:2026-W47:slack:1', 'group:default/search', 'The weekly report of Search for 2026-W47. It goes to C0PLATFORM, by the platform channel, because nothing names a channel for group:default/search.', '[{"payload": {"text": "\nWhy the cost changed: −$40.00 for 7 days\nNot comparable −$40.00.\nNo change is known.\n1 workload cannot be compared, because a cost is unknown in one of the weeks (−$40.00 of the difference) and 1 component could not be measured in one of the weeks.\n\nFollow-up on recommendations\nNo recommendations are known; 1 component could not be measured.\n\nCross-zone traffic, 7 days\nUnknown: 1 component could not be measured.\n\nAutomation and policies\nUnknown: 1 component could not be measured.\n\nWhat could not be measured\nFinder could not be measured: ScaleOps did not answer", "blocks": [{"type": "divider"}, {"text": {"text": "*Why the cost changed: −$40.00 for 7 days*", "type": "mrkdwn"}, "type": "section"}, {"text": {"text": "Not comparable −$40.00.", "type": "plain_text", "emoji": false}, "type": "section"}, {"text": {"text": "No change is known.", "type": "plain_text", "emoji": false}, "type": "section"}, {"text": {"text": "1 workload cannot be compared, because a cost is unknown in one of the weeks (−$40.00 of the difference) and 1 component could not be measured in one of the weeks.", "type": "plain_text", "emoji": false}, "type": "section"}, {"type": "divider"}, {"text": {"text": "*Follow-up on recommendations*", "type": "mrkdwn"}, "type": "section"}, {"text": {"text": "No recommendations are known; 1 component could not be measured.", "type": "plain_text", "emoji": false}, "type": "section"}, {"type": "divider"}, {"text": {"text": "*Cross-zone traffic, 7 days*", "type": "mrkdwn"}, "type": "section"}, {"text": {"text": "Unknown: 1 component could not be measured.", "type": "plain_text", "emoji": false}, "type": "section"}, {"type": "divider"}, {"text": {"text": "*Automation and policies*", "type": "mrkdwn"}, "type": "section"}, {"text": {"text": "Unknown: 1 component could not be measured.", "type": "plain_text", "emoji": false}, "type": "section"}, {"type": "divider"}, {"text": {"text": "*What could not be measured*", "type": "mrkdwn"}, "type": "section"}, {"text": {"text": "Finder could not be measured: ScaleOps did not answer", "type": "plain_text", "emoji": false}, "type": "section"}], "mrkdwn": false, "unfurl_links": false, "unfurl_media": false}, "variant": "native"}, {"payload": {"text": "\nWhy the cost changed: −$40.00 for 7 days\nNot comparable −$40.00.\nNo change is known.\n1 workload cannot be compared, because a cost is unknown in one of the weeks (−$40.00 of the difference) and 1 component could not be measured in one of the weeks.\n\nFollow-up on recommendations\nNo recommendations are known; 1 component could not be measured.\n\nCross-zone traffic, 7 days\nUnknown: 1 component could not be measured.\n\nAutomation and policies\nUnknown: 1 component could not be measured.\n\nWhat could not be measured\nFinder could not be measured: ScaleOps did not answer", "mrkdwn": false, "unfurl_links": false, "unfurl_media": false}, "variant": "text"}]', '2026-11-23 09:00:00+00', '2026-11-26 09:00:00+00', 'pending', 0, NULL, NULL, NULL, NULL, NULL),
	(9, 'report:weekly:platform:2026-W47:slack:1', 'report:weekly:platform:2026-W47:slack', 1, 'slack', 'C0PLATFORM', 'post', NULL, 'platform', 'The weekly report of All teams for 2026-W47. It goes to C0PLATFORM, by WORKER_PLATFORM_CHANNEL.', '[{"payload": {"text": "All teams: The known cost is $145.00 in the week to Mon 23 Nov, 00:00 UTC, against the week before: added +$5.00, removed −$7.00, not comparable −$40.00, like for like +$30.00 (+27%), too little was measured to say whether that is usual.\nNot measured: 1 of 5 components could not be measured. The cost of 1 of 4 workloads is unknown and not in the sums.\nWhy: api, east: +$30.00 (+30%), price per pod-hour +30%. All else: −$2.00 (−3.5%). Not comparable, because a cost is unknown: −$40.00.\nTo do: Raise the requests of 1 workload; another $0.20 a month is left to ScaleOps automation.\nNovember: $302.00 to $493.43 so far (8 days were not measured and 7 days were measured in part); $481 to $673 by month end, at the daily rate of the last 7 days.\nOn call: No page.\nRouting: 3 teams have no channel of their own; see Routing below.\nCost, 7 days: $145.00, from 3 of 4 workloads\nLike for like: +$30.00 (+27%), 2 workloads\nSavings available, per month: $0.20, from 3 of 4 workloads\nSavings realised, per month: $0.00, from 3 of 4 workloads\n█▄  2 weeks, from $157.00 to $145.00 (from 3 of 4 workloads). The bars start at $135, not at zero.", "blocks": [{"text": {"text": "All teams: weekly cost, 2026-W47", "type": "plain_text", "emoji": false}, "type": "header"}, {"text": {"text": "*The known cost is $145.00 in the week to Mon 23 Nov, 00:00 UTC, against the week before: added +$5.00, removed −$7.00, not comparable −$40.00, like for like +$30.00 (+27%), too little was measured to say whether that is usual.*", "type": "mrkdwn"}, "type": "section"}, {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [{"text": "Not measured: ", "type": "text", "style": {"bold": true}}, {"text": "1 of 5 components could not be measured. The cost of 1 of 4 workloads is unknown and not in the sums.", "type": "text"}]}]}, {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [{"text": "Why: ", "type": "text", "style": {"bold": true}}, {"text": "api, east: +$30.00 (+30%), price per pod-hour +30%. All else: −$2.00 (−3.5%). Not comparable, because a cost is unknown: −$40.00.", "type": "text"}]}]}, {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [{"text": "To do: ", "type": "text", "style": {"bold": true}}, {"text": "Raise the requests of 1 workload; another $0.20 a month is left to ScaleOps automation.", "type": "text"}]}]}, {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [{"text": "November: ", "type": "text", "style": {"bold": true}}, {"text": "$302.00 to $493.43 so far (8 days were not measured and 7 days were measured in part); $481 to $673 by month end, at the daily rate of the last 7 days.", "type": "text"}]}]}, {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [{"text": "On call: ", "type": "text", "style": {"bold": true}}, {"text": "No page.", "type": "text"}]}]}, {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [{"text": "Routing: ", "type": "text", "style": {"bold": true}}, {"text": "3 teams have no channel of their own; see Routing below.", "type": "text"}]}]}, {"type": "section", "fields": [{"text": "*Cost, 7 days*\n$145.00\nfrom 3 of 4 workloads", "type": "mrkdwn"}, {"text": "*Like for like*\n+$30.00 (+27%)\n2 workloads", "type": "mrkdwn"}, {"text": "*Savings available, per month*\n$0.20\nfrom 3 of 4 workloads", "type": "mrkdwn"}, {"text": "*Savings realised, per month*\n$0.00\nfrom 3 of 4 workloads", "type": "mrkdwn"}]}, {"type": "context", "elements": [{"text": "█▄  2 weeks, from $157.00 to $145.00 (from 3 of 4 workloads). The bars start at $135, not at zero.", "type": "plain_text", "emoji": false}]}], "mrkdwn": false, "unfurl_links": false, "unfurl_media": false}, "variant": "native"}, {"payload": {"text": "All teams: The known cost is $145.00 in the week to Mon 23 Nov, 00:00 UTC, against the week before: added +$5.00, removed −$7.00, not comparable −$40.00, like for like +$30.00 (+27%), too little was measured to say whether that is usual.\nNot measured: 1 of 5 components could not be measured. The cost of 1 of 4 workloads is unknown and not in the sums.\nWhy: api, east: +$30.00 (+30%), price per pod-hour +30%. All else: −$2.00 (−3.5%). Not comparable, because a cost is unknown: −$40.00.\nTo do: Raise the requests of 1 workload; another $0.20 a month is left to ScaleOps automation.\nNovember: $302.00 to $493.43 so far (8 days were not measured and 7 days were measured in part); $481 to $673 by month end, at the daily rate of the last 7 days.\nOn call: No page.\nRouting: 3 teams have no channel of their own; see Routing below.\nCost, 7 days: $145.00, from 3 of 4 workloads\nLike for like: +$30.00 (+27%), 2 workloads\nSavings available, per month: $0.20, from 3 of 4 workloads\nSavings realised, per month: $0.00, from 3 of 4 workloads\n█▄  2 weeks, from $157.00 to $145.00 (from 3 of 4 workloads). The bars start at $135, not at zero.", "mrkdwn": false, "unfurl_links": false, "unfurl_media": false}, "variant": "text"}]', '2026-11-23 09:00:00+00', '2026-11-26 09:00:00+00', 'pending', 0, NULL, NULL, NULL, NULL, NULL),
	(10, 'report:weekly:platform:2026-W47:slack:2', 'report:weekly:platform:2026-W47:slack', 2, 'slack', 'C0PLATFORM', 'post', 'report:weekly:platform:2026-W47:slack:1', 'platform', 'The weekly report of All teams for 2026-W47. It goes to C0PLATFORM, by WORKER_PLATFORM_CHANNEL.', '[{"payload": {"text": "\nWhy the cost changed: −$12.00 for 7 days\napi, Where: east / shop, Why: price per pod-hour +30%, Change: +$30.00 (+30%)\nHigher unit price +$30.00, added +$5.00, removed −$7.00, not comparable −$40.00.\n2 other workloads changed by less than 2% or $10.00 each: −$2.00 in all.\n1 workload cannot be compared, because a cost is unknown in one of the weeks (−$40.00 of the difference) and 1 component could not be measured in one of the weeks.", "blocks": [{"text": {"text": "*Why the cost changed: −$12.00 for 7 days*", "type": "mrkdwn"}, "type": "section"}, {"rows": [[{"text": "Workload", "type": "raw_text"}, {"text": "Where", "type": "raw_text"}, {"text": "Why", "type": "raw_text"}, {"text": "Change", "type": "raw_text"}], [{"text": "api", "type": "raw_text"}, {"text": "east / shop", "type": "raw_text"}, {"text": "price per pod-hour +30%", "type": "raw_text"}, {"text": "+$30.00 (+30%)", "type": "raw_text"}]], "type": "table", "column_settings": [{"align": "left", "is_wrapped": true}, {"align": "left", "is_wrapped": true}, {"align": "left", "is_wrapped": true}, {"align": "right"}]}, {"text": {"text": "Higher unit price +$30.00, added +$5.00, removed −$7.00, not comparable −$40.00.", "type": "plain_text", "emoji": false}, "type": "section"}, {"text": {"text": "2 other workloads changed by less than 2% or $10.00 each: −$2.00 in all.", "type": "plain_text", "emoji": false}, "type": "section"}, {"text": {"text": "1 workload cannot be compared, because a cost is unknown in one of the weeks (−$40.00 of the difference) and 1 component could not be measured in one of the weeks.", "type": "plain_text", "emoji": false}, "type": "section"}], "mrkdwn": false, "unfurl_links": false, "unfurl_media": false}, "variant": "native"}, {"payload": {"text": "\nWhy the cost changed: −$12.00 for 7 days\napi, Where: east / shop, Why: price per pod-hour +30%, Change: +$30.00 (+30%)\nHigher unit price +$30.00, added +$5.00, removed −$7.00, not comparable −$40.00.\n2 other workloads changed by less than 2% or $10.00 each: −$2.00 in all.\n1 workload cannot be compared, because a cost is unknown in one of the weeks (−$40.00 of the difference) and 1 component could not be measured in one of the weeks.", "mrkdwn": false, "unfurl_links": false, "unfurl_media": false}, "variant": "text"}]', '2026-11-23 09:00:00+00', '2026-11-26 09:00:00+00', 'pending', 0, NULL, NULL, NULL, NULL, NULL),
	(11, 'report:weekly:platform:2026-W47:slack:3', 'report:weekly:platform:2026-W47:slack', 3, 'slack', 'C0PLATFORM', 'post', 'report:weekly:platform:2026-W47:slack:1', 'platform', 'The weekly report of All teams for 2026-W47. It goes to C0PLATFORM, by WORKER_PLATFORM_CHANNEL.', '[{"payload": {"text": "\nTeams\nPayments, 7 days: $145.00, Like for like: +$30.00 (+27%), Savings available, per month: $0.20, Measured: 2 of 2\nOps, 7 days: $0.00, Savings available, per month: $0.00, Measured: 2 of 2\nSearch, 7 days: unknown, Savings available, per month: unknown, Measured: 0 of 1\n\nUnallocated cost\nThe cost that no component claims is unknown: the sweep fetched no inventory (SCALEOPS_BULK is off, or it was interrupted).\n·  1 week, none of them measured\n\nRouting\nOps has no channel of its own: its report goes by the platform channel, because nothing names a channel for group:default/ops.\nPayments has no channel of its own: its report goes by the platform channel, because nothing names a channel for group:default/payments.\nSearch has no channel of its own: its report goes by the platform channel, because nothing names a channel for group:default/search.\n\nAutomation and policies\n2 of 3 workloads automated. Policies: production 3.\n\nWhat could not be measured\nFinder could not be measured: ScaleOps did not answer", "blocks": [{"text": {"text": "*Teams*", "type": "mrkdwn"}, "type": "section"}, {"rows": [[{"text": "Team", "type": "raw_text"}, {"text": "7 days", "type": "raw_text"}, {"text": "Like for like", "type": "raw_text"}, {"text": "Savings available, per month", "type": "raw_text"}, {"text": "Measured", "type": "raw_text"}], [{"text": "Payments", "type": "raw_text"}, {"text": "$145.00", "type": "raw_text"}, {"text": "+$30.00 (+27%)", "type": "raw_text"}, {"text": "$0.20", "type": "raw_text"}, {"text": "2 of 2", "type": "raw_text"}], [{"text": "Ops", "type": "raw_text"}, {"text": "$0.00", "type": "raw_text"}, {"text": "–", "type": "raw_text"}, {"text": "$0.00", "type": "raw_text"}, {"text": "2 of 2", "type": "raw_text"}], [{"text": "Search", "type": "raw_text"}, {"text": "unknown", "type": "raw_text"}, {"text": "–", "type": "raw_text"}, {"text": "unknown", "type": "raw_text"}, {"text": "0 of 1", "type": "raw_text"}]], "type": "table", "column_settings": [{"align": "left", "is_wrapped": true}, {"align": "right"}, {"align": "right"}, {"align": "right"}, {"align": "right"}]}, {"type": "divider"}, {"text": {"text": "*Unallocated cost*", "type": "mrkdwn"}, "type": "section"}, {"text": {"text": "The cost that no component claims is unknown: the sweep fetched no inventory (SCALEOPS_BULK is off, or it was interrupted).", "type": "plain_text", "emoji": false}, "type": "section"}, {"type": "context", "elements": [{"text": "·  1 week, none of them measured", "type": "plain_text", "emoji": false}]}, {"type": "divider"}, {"text": {"text": "*Routing*", "type": "mrkdwn"}, "type": "section"}, {"text": {"text": "Ops has no channel of its own: its report goes by the platform channel, because nothing names a channel for group:default/ops.", "type": "plain_text", "emoji": false}, "type": "section"}, {"text": {"text": "Payments has no channel of its own: its report goes by the platform channel, because nothing names a channel for group:default/payments.", "type": "plain_text", "emoji": false}, "type": "section"}, {"text": {"text": "Search has no channel of its own: its report goes by the platform channel, because nothing names a channel for group:default/search.", "type": "plain_text", "emoji": false}, "type": "section"}, {"type": "divider"}, {"text": {"text": "*Automation and policies*", "type": "mrkdwn"}, "type": "section"}, {"text": {"text": "2 of 3 workloads automated. Policies: production 3.", "type": "plain_text", "emoji": false}, "type": "section"}, {"type": "divider"}, {"text": {"text": "*What could not be measured*", "type": "mrkdwn"}, "type": "section"}, {"text": {"text": "Finder could not be measured: ScaleOps did not answer", "type": "plain_text", "emoji": false}, "type": "section"}], "mrkdwn": false, "unfurl_links": false, "unfurl_media": false}, "variant": "native"}, {"payload": {"text": "\nTeams\nPayments, 7 days: $145.00, Like for like: +$30.00 (+27%), Savings available, per month: $0.20, Measured: 2 of 2\nOps, 7 days: $0.00, Savings available, per month: $0.00, Measured: 2 of 2\nSearch, 7 days: unknown, Savings available, per month: unknown, Measured: 0 of 1\n\nUnallocated cost\nThe cost that no component claims is unknown: the sweep fetched no inventory (SCALEOPS_BULK is off, or it was interrupted).\n·  1 week, none of them measured\n\nRouting\nOps has no channel of its own: its report goes by the platform channel, because nothing names a channel for group:default/ops.\nPayments has no channel of its own: its report goes by the platform channel, because nothing names a channel for group:default/payments.\nSearch has no channel of its own: its report goes by the platform channel, because nothing names a channel for group:default/search.\n\nAutomation and policies\n2 of 3 workloads automated. Policies: production 3.\n\nWhat could not be measured\nFinder could not be measured: ScaleOps did not answer", "mrkdwn": false, "unfurl_links": false, "unfurl_media": false}, "variant": "text"}]', '2026-11-23 09:00:00+00', '2026-11-26 09:00:00+00', 'pending', 0, NULL, NULL, NULL, NULL, NULL),
	(1, 'alert:under-provisioned:component:default/checkout:2:pagerduty', 'alert:under-provisioned:component:default/checkout:pagerduty', 2, 'pagerduty', '0123456789abcdef', 'trigger', NULL, 'component:default/checkout', 'Seen in this check. Sent by the annotation pagerduty.com/integration-key on the component component:default/checkout.', '[{"payload": {"links": [], "client": "scaleops-worker", "payload": {"class": "under-provisioned", "group": "group:default/payments", "source": "test", "summary": "Checkout: api (east/shop) OOM-killed 2x in 24 h: memory 2 GiB, ScaleOps recommends no more", "severity": "error", "component": "component:default/checkout", "timestamp": "2026-11-22T18:00:00+00:00", "custom_details": {"CPU": "1 core → 0.4 cores per pod", "age": "Measured every 6 hours: the kills may have begun up to 6 hours before it was first seen, and the figures can be that old.", "raw": {"alert": "under-provisioned:component:default/checkout", "found": [{"name": "east/shop/Deployment/api", "cost_7d": 130.0, "keeps_memory": true, "oom_kills_24h": 2, "memory_request_bytes": 2147483648.0, "cpu_request_millicores": 1000.0, "memory_recommended_bytes": 2147483648.0, "cpu_recommended_millicores": 400.0, "savings_available_per_month": 0.0}], "since": "2026-11-22T18:00:00+00:00", "currency": "USD", "measured": "2026-11-22T18:00:00+00:00"}, "Slack": "C1", "owner": "Payments (group:default/payments)", "do now": "api in cluster east: ScaleOps recommends no more memory. Raise its memory by hand, and look for a leak.", "memory": "2 GiB per pod; keep it, although ScaleOps recommends less", "OOM kills": "2 in 24 h", "why paged": "An OOM kill in the last 24 h is a reason to page (rule under-provisioned), severity error. Seen in this check. Sent by the annotation pagerduty.com/integration-key on the component component:default/checkout.", "first seen": "Sun 22 Nov 2026, 18:00 UTC", "acknowledge": "scaleops-worker alerts acknowledge under-provisioned:component:default/checkout", "last measured": "Sun 22 Nov 2026, 18:00 UTC", "how to acknowledge": "In PagerDuty, which stops its notifications. The command also stops repeats here, and records who did it."}}, "dedup_key": "test:under-provisioned:component:default/checkout", "event_action": "trigger"}, "variant": "native"}]', '2026-11-23 00:10:00+00', '2026-11-24 00:10:00+00', 'sent', 1, NULL, NULL, NULL, NULL, '2026-11-23 09:01:00+00');
INSERT INTO public.recommendations VALUES
	(1, 'component:default/checkout', 'group:default/payments', 'east', 'shop', 'Deployment', 'api', 'under-provisioned', '2026-11-22 18:00:00+00', '2026-11-23 00:00:00+00', NULL, NULL, NULL, NULL, '{"priority": "high", "realised_unknown": null, "memory_request_bytes": 2147483648.0, "cpu_request_millicores": 1000.0, "memory_recommended_bytes": 2147483648.0, "cpu_recommended_millicores": 400.0, "savings_available_per_month": "0"}');
INSERT INTO public.report_runs VALUES
	(1, 'group:default/ops', 'weekly', '2026-W47', 0, 'made', '2026-11-23 09:00:00+00', '2026-11-23 09:00:00+00', '', '["2026-11-22T18:00:00+00:00", "2026-11-23T00:00:00+00:00"]', '["2026-11-16T00:00:00+00:00"]', '\x785ee5585d6fdb3614fd2b84b0870d7032db2d9acd7b2ab21518b034439722c08a82a025ca2242911a49c57383fef79d4b4af267620f48f6322040248ae4fd3ef75c3f64a575b508d96c32ca7c6e1b99cdb220459d8dd2bf59b670b66d66852c45abc3f7b6f1f449054d3bafe3db52ca3bbc4cc7d33767b7af2fb0522ae7032fc4aa5f9e4cce266ff0418bbdf5e914eb5faca1fb3ede5ce2a568252795d28d383a7d7533fe71361ee3ef4f7caf45f1f4062d82e44e0a6f0d6ec109b1100a8fe351e65a63945964b352682f4759de3a274d4e8a7efce3676c85b58154f935b085959e05cb2ec7bffff6f6e6ddf587ab119baf58a8246b20823cc7f24a1823353ec85cb45e3263430501cc881aa745bf816137db73e539045652145a91f90f19ddb69005c4bfb76c69dd9db6a2f0cc09c3948982c9d7a4d395356cfa8abdb7f723161dc3e0bb11f3967639c99487262cb73e900cbadf67b34f0f08c05c6adc7f635961f1c54b13607ffc4a429dcc6d5d4b5388a020c24809f9228f2f30cc4705ceb3cfa34c79ae954798a227bf8ed677432959cfa5dbbdfe9bf139f484f2e901ba96c2b16f7f604814ba186ac37bac46e05a278bef7eea36c2e7b535a162506bc444888e2884d22b7826c0cbb68c4b945c6c1a35f44754bc362c175a1f70402316f2c8e1ab4ec1ddd3bfdc4bb74ad15f0a3fd831834e706a831437c1235cebc81e1204d7b6be1508d243d658afc8f5081879866e114ecc517bd1ffc62a8fbc09ae452647b3638e6bbbcc66a6d51ac9a516557afe8aba51dec7dcff0419c122fe31cf4e0c396a05d9445a89dab6064f88e281026aa4539652f822c6159ade19bb4cd507ed43d251786ecb9d12a734ee4abc35f1d0461143ff541db14e76ab765f2812c2f05d299337375144270522f6b610d66c6c219b39ddf55286efa874d070adee240780a0e0eea2fd0334245faee3012ff94a386c4af117454170f2f409276b54ecf16da26e903e9c90f4c885dd4e40e9b1ad1de271041b8071e45ed400dfa8812777c313c6f274fd562ff0e21e56782eee8120b1964e4fe90843cf98d1bd2ee855c0d2148213abebb95589f7f160d1b5a9ff1da8b12471e8ca09824a6594af48f3aea1fa0628d7a75f7c412fe71a90d923c6b058473c89283234ebc79a01b57d92af577cde160b3988483811916636790df2109fa6d35196f6f1f90a38390022aa088d3ae158c4c9281e1a2648099c3a4ab79ac0336e80a5f26fb4c1c1cc0e6da74833a07ea1e813318dbe9fe2edbf6d7750a48f05ef22952060dd7ae096cd57de37dab4ae85aa65c1c352e5e400421219fb7e220e3de5bbad120322608ce486f80a9c6d0b70a887ec4e19c2fe65b5c2e2ff0ca663af88b97672153f7b8fdc460f62a4143ef47b8278d73dfb1adc876f3791b4b6757c176e5107db4bdbdbd789c6bb2e96d2a804ce82cf517d104b5c271231b98e86eea44f229cc41df652e80871f06d5d0b47741e871b11f20a1189849ec616dbf4ce207d604f0d38e01d0a77a5ae65898e6fb96883c56414d917769e62d23bab8129676dc3c096b76915d9b26364d9ef3e6426881a95e13002edd184a088c66f4e481bac0544992099e2ae160636762f451cb3608d2c4b1437073c179111c6d0726d51cd8e8be23e3523ac2efa131e0235c78098dcf18897d68dac87f5d8d73612620b81d64e1d657435084e1a543e3f9e3797043c94ccc33c74c0b701584eb0d4c134f06b7b48a559f425e9ec29ac4eded33c908cddd58f86e897d46f87e51e649d1bfa218fba6e7a81b4e8c68947eafad259efcf68a067c189b254f97eea1b19087d4e6b11472a3e27795c7c0133a4b69e9adebab575a08596a8422a84ad62c6880452e91b9b22417db0f5014849b0418db43f15bf0d53dc4908f7764010264cc11aab55ae90de7b48b001354727a36e6f67c87ab4da46f34156b469a942052ecee32ab091c6b67f67ca6d05b0ce6dab8b38a2cfe530ddee5bb310f157a1f86fbf92a10e8dd87da0fe6a1571b9f41bc23f2e3fe965'),
	(2, 'group:default/payments', 'weekly', '2026-W47', 0, 'made', '2026-11-23 09:00:00+00', '2026-11-23 09:00:00+00', '', '["2026-11-22T18:00:00+00:00", "2026-11-23T00:00:00+00:00"]', '["2026-11-16T00:00:00+00:00"]', '\x785ee5587f6fdb3812fd2a84e0022d6ae76c394d5aef5f457a0b1ceeba29b62916b8de41602cda2242895a918ad71bec77df3743c9926527de1ef6da030e2d5a8ba2c8f9f9e6cd3c442b5be5d2478bd938724b5baa68117925f3681cfe5b44ebcad6e522552b591bff97526e73557847efb537b4fd43b7b451ea0e2bf134be98fc747e894d2b5d399fa472db2ecf6693d9055e1879b01ec758ffd51674e8a79b2b3ca4b54a48b870223e8de737d3378be9147fff89f7b94c9fde60a45749a5a4b3054ec117722d357e4ec7515517852ed6d162258d53e3685957952a9624e8a78fefb0157a7b12e56f5eacad72c25b7135fdf08fb737df5ffff87e2c6eb7c2674a94b8826c2896992c0a65f0422d65ed9428accf708128648eaf65bb4160b7386ed433dc9a29991a4d367888e8c8b54a21c36876feea6c3a15bae04bc9ce24cf7b5b88782e7eb0f763c14611b0db58d4a518c5af69fff397f1f9b3170b21d354a5e2e5880e198b4ae5f61ecfffaae378168f2e79d1e83bc5b2f18f97a3f9b439e0f2d98b312eb342c9ca40692b9cdc8a4da620490571a417da89dad5d288e7536157e2422c6d5eca4ade9a20ab7b41aa915a2e5a7c7e80f36f95815a3f655bac3b04142ccfef2259ea316e727ed193613e2519ca4a2f61705c5ada7492d9ba122ff1e64cbc3546283871d16a14b3e841bd59fc0cb7ff7b1c699718ed104decf0dfc69d18eface0381dca7295a925ec0c8357eae75a39ef483b48b810d7d7ef2777da185831fea5750bc5b488cf453616b248c5c7a534eaba74f81af640daa40e4121725ba933f177a54aa171620e67545b7c613c545a67473f33cab97d257c55efe97063456a870afc28350271a8c04c6c6c7567ac4cbf839c88525874343d8ba708d2dc163e237f1ab5f2e4eb9d12b2f61648a16d71c29a884695dfaa6a28cc28be60bfe0d0d1797c797639130e86979578fe5a00211c42a5e2b4814da4ab2b95bef84e8ce66f2ef893576fe694734140d812168380f04d2a35c2b242a6b37b6829382284de0969af0b013799a1b03f5851cab53af1f1fb46cee1d77fbd57d53664ff46928b833a0bc84499018803848ec57ce788a352226639ab080a4aeb34d99ee079908ab81ca15d58b87a0766ac39c39cb19b6851d4c6005af43a0bbf7f03746ae718fe3ee31a6f113b8be8bf152e00574b89f710c9dcd605551b82b323988be4d69600ef922302aadd157603ade7e3088082ba43bfa44bec6a501508fd9aaa5017fc510ff7a16fc05246d521d01f5e8a182a92e12db38b1bbea2b905571c6ca1f2d4db425a2774d69eea33e0ed9fa6fa40a8a3aa13a0274076c0df1d5ba04d7f583386351b9f10e0c3502e931576010f2ef7ff60275591c101e00ded017029be6f8acbe3db26d09ff6c9bc440026548ef7448271da138344ed4ed4e3535b9b8a99c0fd00a013e7026992ae503dbd1b62143609c7ef110a27efa1854be43d60880a5edfd730e2539e662cfb1363bc95058407952eb8aa67caaf290aab96780bea4724ea48d605e577d42ea0d84a17da652479c3ca5c09a86c018c1f400813430401c14b050511db2ee78c32a1b69cc7af5f35ff524c360cf0b142435c92e431dbe4b64ed76a77654012c62280161829ff8ae1d6b02fb9dd027a77108b2c03fb0b58c7c83b7ff36a280ce40f10e4132a5a47050e508d9277d6d383ee878dd42f72d9b29871d4207d8c0045d14935bd22a2db922a228fdfaaf042a6d6a149e3ee5089ba22c808d43d266da90ceb46ea5ca589df80f8c1fe844e6a496530d0c8b603018de4b24f78cb349b48333c6453b0f987e84e175452364c36ffefd09f8b1087e8b72cbf2d0c515b02275083147cc83fe19dbad03e307cead2f64a52b72914a041c5e95eb7a5a7dbc0b5060487fa9d6abff7008dc749d49ce1f6f0e0b7dcffbe53a5b1dce652bcecf81a8b5b29221ebbc55d5fbca456810a54d71773f7404b2400dac4d0e0405a533b4fd52962140b32b812efb1e4325b0e0d40048d49c46c8a82488508ce9c51b9deb754af7683247d918d71450f301e69b42017370b6d758d583397833e27fb9422acb55e9c304a0fabedc1d26e3f2bd6c38486d4809310a0a0cc824b13c8510bd7410075034d0f34487cc02543c691e43fc1245d9de7b2a291c0ac6be29a1e8808a95f66482d9e1290e3e13a72705173fb432395b6d1fdbac1066a5f879c4a5535292b7baf1d2cc0a903dfda4a7bd2898b0c9794942013f30e0428f5952898dad120e71daf9fea767146cffdd0fa0b831ddd7c60a26d971d9a92b62037ac862829e2c2da3ca1c6db25f1394a24beea056e4835720be7daa387b444a98bac1307ffaf4d027898020f7133c76a32670f3f927d8b51274f4cac6be079e71fc9aaefad018b99609e8441d36e8ac10940e934c8b355bbfb58a6a1d964806b2779078d8bd73411ea0ffa7a9d14fa7d2285e451bd2ea063f390f2b410daa8d50acc2001134cb9ab6574498ca5f84d648a04a04fb0ba6ebf70b8d024987812b0c29ec7add451698ebef631e947ce51a84240e168b45c61e6750020a2501b8c2d1ad130a12b35860d8f03dc5ba3a8fd3d303a464c613d684225aae6b1ecb1e497b7dc437d61fd428a0d9c17c737b3d75d2bdccbc0b6e82d786268b4c78c585c7df82430586c275d7c9af858637619d3ec92b396a6a6b94a9a81c7e7272c71452c8feaf96e147ac42c1efc9ae0aea1c730cbfe6c9a46d0074389afde99ab7b9ea523aea9961d4ecfbffdd8a427213929f43c9748a5668cf44839beaaac73139ae50b5fc9d54a2f0f23b7509ecac61fe3e4270af592ee4be4afe8e7a9f90a5d46d74b345c031545fb001e2048fd14ce300a70a50dbea0c683291a4dd53c752eed579f0365a31d3b5ad8838227b277373ce5c970698d5e6a00c3613aef36120b7c7aced5003aa98332d80dca7ac598c666ed5d840dfc40b51fa420ad9917ed57ef39e5e246d3281a68daecfe0fe9d8d2d626e579eeaddacd400f555ecb920cc1ff7126ec713c2ee834b80b3efdb9d6d49c8711feefe2e58b6a'),
	(3, 'group:default/search', 'weekly', '2026-W47', 0, 'made', '2026-11-23 09:00:00+00', '2026-11-23 09:00:00+00', '', '["2026-11-22T18:00:00+00:00", "2026-11-23T00:00:00+00:00"]', '["2026-11-16T00:00:00+00:00"]', '\x785ee5586b6be43614fd2bc2ec871626e98c9b4ddaf9b6a4040aeda63459026d17a1d8f25844965c4bce900df9ef7bae647b3caf4c1a682814968d479674dfe79eebc7a4b04d257c329f4d1297d95a26f3c44b512593f8679e2c1adbd6f35c16a2d5fe3b27459395f456794d9baffa85a59477f89d4ed3d3a39b93336c2954e33ccfc543bf3c9b1dcd4ef1428badf534c5fa176be8ca4fd7e7f891b7929362f1461c4dbfbf9efe389f4ef1ef0fbcaf44fefc062dbce48d14ce1adc82136221141ea793a4698d516691cc0ba19d9c2459db34d264a4e8a7ab9fb015367b52e567cf16563ae62d3b9ffef6cb87eb8bcbdf7f9db0db07e64bc96a8820ffb1ac14c6488d173213ad93cc585f420033a2c269d16f60d8cd7639f418324b2972adc8038f095db8903934b8869ccc3acf6c1164929be979764a4aa529fb68ef65752b1b467e62cab1d6dc19bb3474255de792f99f8f70f9add4b8eea3f5ac824fda06b723e4d278181e3625b3702fa4553502613c9e5a9d932db06b3845f78e95ea4e2d6d73a7adc8471a3061e2696582eaaeaddc71f2799228c7b572886d70ffd364a5de4df9b0a915694c2a8946dc6ab972319c4a6e59193c677fb5693a4bdf9d4c8fa7d30382ae2dcbeda6a89b5278f26a6e47d76e0735ba65cd25cf1ad54768535c549404be9ba5ef8fcf66cc595688867d337bcf50360ec16e422e0dcefff6805997866542eb6d1fb25a2ce4aec3d0bc75ad406e3c26b575caab502e2474e575dc879819ab1cb2b3ab194a44a40daa49db653237add6c861b528e3f3132a543917aaec0d53cb5b84759ebc3e920003a415794354b635788a966d41442d1b65a942cf42ace0a25076c12348560fdf005385e3b6d8003142b00ec4ba5a5dc1d415c2272f6bc772156b4718872c48e0ce8809011d36e16a5b17d49be19bc267a7d74172271cea6e6d21901d6d215f70ba6bec104adb7fe210b861bf433674da720859aed59de4804ea0c65d70400f3631fffa40412d6c76a568b029464de439a1e8f3271a5901430f6f13558d74e6d4430e5cd8ed441339b4b5037a8ecc41940fdc8b7ce0a3a25cdf4dc9d665ec1145e809be309647016b7dd0897bd8e1b8b8170a7d81daf8cbb3bdb2c653ffff9793bdd711fd1bad2206e7a505f9462a0631dc5b301ce20a3bca322a32309888a28532ca95645107a4ae46afed1336fc00efe11a4d1aabb1d686d52a6053ec1627e90feffbffc1587aa2b3b77710672285f403bf6df3851c648650124f43399d81788587349d24711bbf7d00f40f108f3a04c921356289ddcb26571911b551d7c1afd77537246def20deb9afc3df9e95445c1d488ae3039d212cc8b45095ccb95faa0c41098020336a6a9107f5b41544237092c0217ab6058b6d0e12f898dc2943d0be0c74e4ff06b701f443c45f5e736fd504d7200ea121b61d231b1e773197755404df21b46fe8109e5d05bac4d7fb495c1b751502d275e44506ae2f0ddb03f6aee567d7d290b694dc805c706faa16e2bdab74ec9927f26d23094597be3b12f100bb00e1ae4443530d6ead85cf4a8435cc3534c0d93abaa04241873e4a0fbc035e2c90195a16e8ff968bd65b8c89811b62f925265d580d6278d4d6cc1a06c8b055250da03294e2969145bf7b57bd814552310f93e01667f08a669bf1a038e230904a684ba6aa85818ddd8f3c4c9bb046160520820379f34057b184c6a92dfa66c3457e1ffb0f5617fd0907819a635a8eeed8e3a555ef0abeec7ff2c17bfbf26492d0d5603b717afbbc3f6fcec36488741e66c31dbef5986d69d8eb183b6a657d56a7917c93f4be39c793f7687c9db59b0ad2c784ff2a2b1fe98d04eb3ae619f2a51b82f614fc79639d3ba20f1ecc37a22854b65d13467a02a69775a0035090913c2ebe803fae5af75ae7243c43c7553e56c8b8caf15ce2adab6d8c10b5d9d6798028e1c9f854783774ea55a63f037d1f066809df0b6aab55a690f7db38b8c2a083735587579d212baeba0ef483ac60d352f9128c9d875580e62b517ce747936d6b16a2261bc31f6a5f4b7c7b00860dcec3bbf0f188a6e70bb0114c07d0716079fbe644a24f8baec1acc2d4f5baee630fc4c41b777fe099b3bd43e826124123faaed053c1bf5b45ac327ed5f90ad3078b24'),
	(4, '~platform:default/platform', 'weekly', '2026-W47', 0, 'made', '2026-11-23 09:00:00+00', '2026-11-23 09:00:00+00', '', '["2026-11-22T18:00:00+00:00", "2026-11-23T00:00:00+00:00"]', '["2026-11-16T00:00:00+00:00"]', '\x785ee55afb6fdbb616fe570821035ad4f16c39895bf7a7dcacc386754991a42870b7416024da26228b9a28c5f38afeeff73ba4a8975fc8a3d98a8b16ad4452e479f19cef9ce3cfde54650b9e7b9361cfd3a14a8537f1d298e734ecf5bc5cf0456744e6312d3a8d6346b31aab9642dc62c81ff827879f8ec61899ca4ce741c4576e78383c1c9e6022e66be3be8ff1bf5542bb7ebc3ec34b54888068b23be2537f743d7833190cf0f7bf985ff068f7023020824c70ad12ec822ff88c4b3c0e7a5e5624894c66de64ca632d7a5e586499484222f4e3d50f589aa92227527eced94c09cd72c5ce061fde9f5eff7871f96b8fddacd8a78bcb5fde5d066e2c38fbe9f4fcfcddfb3e3e9e0b1ec59258f9ec85739ecc4484adaee782dd266a99b050e99c49cd0e8647c7fdc180c984e5982401d241bfaa84f92376aeee7acc70cb20901e33d4e3c36ae98d807ec484f12812117b75407bf5582616ea0eefbf17be3ff40fc6663051394e5da43ce337b1707347033319cb5bc1b0957d787530a261f6e2953ffeee650f04294ce4d0375b72cd16906791617f10aaf98a2de7020465a08a1b9e0a5df098844002d0dee4b7cfd0f68d8821807310e13ec7022d921c32378bbc215353766c68840d24b9c663114786f01b517d461b931c8d04f185f9ec882d55761b2b1e69434162a5cc13fb79295d5d2c74dffba3e7491dc452c3b08ceebff46a023fcd575dba782a7b0c2ce79386604603124c9ac950b014bca72a3a9cab2263af30d367742904b69e3839fb469e5621a3fef1772ffb506e5321302811f2420bc62be328d9a83631cadac3c0b56291eab270c9253626abc9c49f85d090ad919c13da5b484a191d1e0cfafe00242c5492cf4994b198c2de14bb0a792c2e52cd78912b380aa9923d94c078c5e246645d62605c461ad8f4e0e8cda87f34625ab129cfd88bd70c9e42e31664c2e8adb23452e4b831594d40b3b0e8fce55becf57a68f63c198fe8725a0e4412e1dad81b137119af58069740dcd30839a172df3dcc5ce0caf238eef272ae70fc4cecf9f8129e845c4dc7e047d66fb239bf237619f98944c42571326330e1b74c0bc1ca0d6022b15a6e3a0c366d6e1db99b546949eac1756bdf799c0fc34f146ca1f27ae47070fbe00fb1b337498a3886f392b3b97dfe021f2bb5367ef2f96e68cf7b8c6872850b30f1be96cd2352c0f390a0f9421509454c72e11b0208fc8254e4f6ade542fcc62b799351cf23a385dc8f109174a0a69d10471ebf0c71a50f680431e8c44614135bba516bfd50187a12744f199e5c9b23ca5340d7da128ab58d25c475407bb5583f4670b90feb60783beb1da236b24e012a40a48203bf3512a81cbf37f121cd522714c020283de71956c1a98ddb7fb09242666703601fb701548aefcb48ba7dd921f8a7757c91e29204842d5a2441386e474b915b0997b06f69891b02d80cbce89e7d71d5833abcef209882c8171092a8c01ed0c2479adf810f1df03b384b020a4d6d438cbb746d3cee135ab9a305f80dd1da2aab21cce724c5b016e40a489630e1867b6799af90aaf5b55399483d27ca4b90a953001be766cd0bf06d1013ba805ba0b8089b75c30be3674c88f45f1f8f87e5bfb84215a27d70c024f04c14c7abe0a68866a222cab82802ecf04e632070f3e043ef765970b34204a92205a1cfd0100f0845c308c26bd48243eba6f280822f169d8cfb153bc49a0b392763bfdfe0d47f63a428fee2a1c36a36c700494398f09dc822495384ec1d96c4dbbf15618064671141692f36e0d698d79b1c375f830a2c53a808632e17220af22560a715811621c57a8bb2f33225038835f0c64064977d40832a4276f3d9bb950945a5a581baff7701c4c43163c2ff6404777eec7068eebc41fe5689e611ea291299db0483d2d65658ab17d920d6895af5b40b5ff5021bafea156b08b122ccc409e04a4a25b37616878c0867267c4174da977c652a063f883456ab0539b9b65583b14c10cca94c7d1289292fe2fcfb702ec25b0a87d8a534e033374404a00a613344501d173aa758e8198f6969d029e631a4e72aed8a0a9f5bc83244e204391bbd0f091cb465da400a0067f7d2068e68b89e2d1921e832f9958be59e479ce905528aa00d60ec58a505631dddd80e98d21eaad793d65a0ea40451d65b4c11d491b993c3242370e2be2ecb371d07e1aa3af67f92bf55e10c9591b4525fca8dbe09debafd3ed4434f8895a1988760e50e60b4badf810bd752a4af02891ec8ccd780440f24a519b3081656659b46ccc2386a402809da5c72b301a9b4693b283118d7d14eb1ac55efcf75ca040b8bcb2c83eef90312ac8ed1d8285d1a8d7db9af99eca4bf839c1f4dfed399c9a349793233d1826721a517cecb5cb981aeb19498ea01d642f9df3dada5aa8b45d2d61a79a251bf827f85e9b752d5471bd13ebeb65ad1d3b2b5cbb8fe2524368d0ecc6ff44d54f2aa7dd31fdba3e3c704115985c85c2283a861829d4059d42b36f8ae7d32e956871e75e508f6c3fe44caa62207b2229b44f9fb0e115a652bf6e2eaecf4fdbb8b0f57c17f3ebeff85eabb6a3aed3114fe0136a9b62f5190cfb22205b32fc9865b3eaf9243133b7ffbecb50a0bdf343b151c065c03bc031e9efc6620bc2982d9075489fec9d8ea6c2a0abe0d621be89c4459561f8085d77b9d4f17871e805a9efae20b721984fa294fb1555403e2c89caa8e005e7874678a1194516ccb2fce4cab0e6964d5b8248cd7cd365020a254769b84a969bc964d3c7bf9b9160bc1d9fd36f0fcbd810685504f59b51bc3c795fd9c2d3960dda3eae885dae0b6795524a6258eadb6a4829b907c55aa94683a66225559d94e478b8e6cd6fdc6c075bfea3e2875247130337e82baa2657b8cdad4ed1494cedd965dec4e4f9f83ba8a826d246e47b6cf415e79baa947dcca3435faa5ba89cdfaa957952934024c0960074c3aadfac2a6ed9eaa588612759bb58b5e3790a95ab31b6e976b8926e49275fbace1958940771619a679a15f7180eca830d551f22aeee701e088585dca1cedfa3c70abef5f34f944bf76d8f80b85759667dc64b5e63fa271896f9bb53057c9a226eb8fa8ce227f008d95f6b7e518544e9e95f51caa0e9be298f3d9e54f2b708cdd7133ad93bab1df4d60babaa6521c7addae7bf16721a96b607f41f13f24bd97df');
INSERT INTO public.routing_keys VALUES
	('0123456789abcdef', '\x7365616c6564');
INSERT INTO public.signing_keys VALUES
	('kid-1', '{"kid": "kid-1", "kty": "EC"}', '2026-11-23 09:00:00+00', '2026-11-23 12:00:00+00');
INSERT INTO public.snapshot_points VALUES
	(1, 1),
	(1, 4),
	(2, 3),
	(2, 4),
	(3, 2),
	(6, 5),
	(6, 7),
	(7, 6),
	(7, 7),
	(11, 8),
	(11, 10),
	(12, 9),
	(12, 10);
INSERT INTO public.snapshots VALUES
	(1, 'component:default/checkout', '2026-11-16 00:00:00+00', 'group:default/payments', 'measured', '', '[]', '[]', 110, 2, 2, 0.2, 2, 2, 0, 2, 2, '{}'),
	(2, 'component:default/ledger', '2026-11-16 00:00:00+00', 'group:default/payments', 'measured', '', '[]', '[]', 17, 2, 2, 0.2, 2, 2, 0, 2, 2, '{}'),
	(3, 'component:default/finder', '2026-11-16 00:00:00+00', 'group:default/search', 'measured', '', '[]', '[]', 40, 1, 1, 0.1, 1, 1, 0, 1, 1, '{}'),
	(4, 'component:default/dns', '2026-11-16 00:00:00+00', 'group:default/ops', 'measured', '', '[]', '[]', 0, 0, 0, 0, 0, 0, 0, 0, 0, '{}'),
	(5, 'component:default/mail', '2026-11-16 00:00:00+00', 'group:default/ops', 'measured', '', '[]', '[]', 0, 0, 0, 0, 0, 0, 0, 0, 0, '{}'),
	(6, 'component:default/checkout', '2026-11-22 18:00:00+00', 'group:default/payments', 'measured', '', '[]', '[]', 140, 2, 2, 0.1, 2, 2, 0, 2, 2, '{}'),
	(7, 'component:default/ledger', '2026-11-22 18:00:00+00', 'group:default/payments', 'measured', '', '[]', '[]', 15, 2, 2, 0.2, 2, 2, 0, 2, 2, '{}'),
	(8, 'component:default/finder', '2026-11-22 18:00:00+00', 'group:default/search', 'unknown', 'ScaleOps did not answer', '[]', '[]', NULL, 0, 0, NULL, 0, 0, NULL, 0, 0, '{"cost_7d": "ScaleOps did not answer", "active_savings_per_month": "ScaleOps did not answer", "savings_available_per_month": "ScaleOps did not answer"}'),
	(9, 'component:default/dns', '2026-11-22 18:00:00+00', 'group:default/ops', 'measured', '', '[]', '[]', 0, 0, 0, 0, 0, 0, 0, 0, 0, '{}'),
	(10, 'component:default/mail', '2026-11-22 18:00:00+00', 'group:default/ops', 'measured', '', '[]', '[]', 0, 0, 0, 0, 0, 0, 0, 0, 0, '{}'),
	(11, 'component:default/checkout', '2026-11-23 00:00:00+00', 'group:default/payments', 'measured', '', '[]', '[]', 140, 2, 2, 0.1, 2, 2, 0, 2, 2, '{}'),
	(12, 'component:default/ledger', '2026-11-23 00:00:00+00', 'group:default/payments', 'measured', '', '[]', '[]', 15, 2, 2, 0.2, 2, 2, 0, 2, 2, '{}'),
	(13, 'component:default/finder', '2026-11-23 00:00:00+00', 'group:default/search', 'unknown', 'ScaleOps did not answer', '[]', '[]', NULL, 0, 0, NULL, 0, 0, NULL, 0, 0, '{"cost_7d": "ScaleOps did not answer", "active_savings_per_month": "ScaleOps did not answer", "savings_available_per_month": "ScaleOps did not answer"}'),
	(14, 'component:default/dns', '2026-11-23 00:00:00+00', 'group:default/ops', 'measured', '', '[]', '[]', 0, 0, 0, 0, 0, 0, 0, 0, 0, '{}'),
	(15, 'component:default/mail', '2026-11-23 00:00:00+00', 'group:default/ops', 'measured', '', '[]', '[]', 0, 0, 0, 0, 0, 0, 0, 0, 0, '{}');
INSERT INTO public.sweeps VALUES
	('2026-11-16 00:00:00+00', '2026-11-16 00:00:00+00', '2026-11-16 00:05:00+00', '2026-11-23 00:10:00+00', 5, 5, 0, true, 0, ''),
	('2026-11-22 18:00:00+00', '2026-11-22 18:00:00+00', '2026-11-22 18:05:00+00', '2026-11-23 00:10:00+00', 5, 4, 1, true, 0, ''),
	('2026-11-23 00:00:00+00', '2026-11-23 00:00:00+00', '2026-11-23 00:05:00+00', '2026-11-23 00:10:00+00', 5, 4, 1, true, 0, '');
INSERT INTO public.teams VALUES
	('group:default/payments', 'Payments', NULL, true, '[]', NULL, '[]'),
	('group:default/search', 'Search', NULL, true, '[]', NULL, '[]'),
	('group:default/ops', 'Ops', NULL, true, '[]', NULL, '[]');
INSERT INTO public.unallocated_workloads VALUES
	('2026-11-23 00:00:00+00', 'east', 'attic', 'Deployment', 'orphan', 31.50);
INSERT INTO public.watch_points VALUES
	('2026-11-23 00:15:00+00', 'east', 'shop', 'Deployment', 'api', 'production', false, true, false, 2, 1000, 400, 2147483648, 1073741824, 3, '{}');
INSERT INTO public.watch_sweeps VALUES
	('2026-11-23 00:15:00+00', '2026-11-23 00:15:00+00', '2026-11-23 00:15:00+00', '2026-11-23 00:15:09+00', NULL, 'inventory', '');
INSERT INTO public.workload_points VALUES
	(1, '2026-11-16 00:00:00+00', 'east', 'shop', 'Deployment', 'api', 'production', true, false, false, 2, 1000, 400, 2147483648, 1073741824, 100, 0.1, 0, 0, 336, 0, false, NULL, NULL, NULL, NULL, '{}', NULL, NULL, NULL, NULL, 0, 72057594035407255),
	(2, '2026-11-16 00:00:00+00', 'east', 'shop', 'Deployment', 'finder', 'production', true, false, false, 2, 1000, 400, 2147483648, 1073741824, 40, 0.1, 0, 0, 336, 0, false, NULL, NULL, NULL, NULL, '{}', NULL, NULL, NULL, NULL, 0, 72057594036579183),
	(3, '2026-11-16 00:00:00+00', 'east', 'shop', 'Deployment', 'old-job', 'production', true, false, false, 2, 1000, 400, 2147483648, 1073741824, 7, 0.1, 0, 0, 336, 0, false, NULL, NULL, NULL, NULL, '{}', NULL, NULL, NULL, NULL, 0, 72057594023211429),
	(4, '2026-11-16 00:00:00+00', 'east', 'shop', 'Deployment', 'shared', 'production', true, false, false, 2, 1000, 400, 2147483648, 1073741824, 10, 0.1, 0, 0, 336, 0, false, NULL, NULL, NULL, NULL, '{}', NULL, NULL, NULL, NULL, 0, 72057594030644856),
	(5, '2026-11-22 18:00:00+00', 'east', 'shop', 'Deployment', 'api', 'production', false, true, false, 2, 1000, 400, 2147483648, 1073741824, 130, 0, 0, 2, 336, 0, false, NULL, NULL, NULL, NULL, '{}', NULL, NULL, NULL, NULL, 0, 72057594025481666),
	(6, '2026-11-22 18:00:00+00', 'east', 'shop', 'Deployment', 'new-job', 'production', true, false, false, 2, 1000, 400, 2147483648, 1073741824, 5, 0.1, 0, 0, 336, 0, false, NULL, NULL, NULL, NULL, '{}', NULL, NULL, NULL, NULL, 0, 72057594028520222),
	(7, '2026-11-22 18:00:00+00', 'east', 'shop', 'Deployment', 'shared', 'production', true, false, false, 2, 1000, 400, 2147483648, 1073741824, 10, 0.1, 0, 0, 336, 0, false, NULL, NULL, NULL, NULL, '{}', NULL, NULL, NULL, NULL, 0, 72057594030644856),
	(8, '2026-11-23 00:00:00+00', 'east', 'shop', 'Deployment', 'api', 'production', false, true, false, 2, 1000, 400, 2147483648, 1073741824, 130, 0, 0, 2, 336, 0, false, NULL, NULL, NULL, NULL, '{}', NULL, NULL, NULL, NULL, 0, 72057594025481666),
	(9, '2026-11-23 00:00:00+00', 'east', 'shop', 'Deployment', 'new-job', 'production', true, false, false, 2, 1000, 400, 2147483648, 1073741824, 5, 0.1, 0, 0, 336, 0, false, NULL, NULL, NULL, NULL, '{}', NULL, NULL, NULL, NULL, 0, 72057594028520222),
	(10, '2026-11-23 00:00:00+00', 'east', 'shop', 'Deployment', 'shared', 'production', true, false, false, 2, 1000, 400, 2147483648, 1073741824, 10, 0.1, 0, 0, 336, 0, false, NULL, NULL, NULL, NULL, '{}', NULL, NULL, NULL, NULL, 0, 72057594030644856);
SELECT pg_catalog.setval('public.outbox_id_seq', 11, true);
SELECT pg_catalog.setval('public.recommendations_id_seq', 2, true);
SELECT pg_catalog.setval('public.report_runs_id_seq', 4, true);
SELECT pg_catalog.setval('public.snapshots_id_seq', 15, true);
SELECT pg_catalog.setval('public.workload_points_id_seq', 10, true);
ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY public.alert_events
    ADD CONSTRAINT pk_alert_events PRIMARY KEY (alert, number);
ALTER TABLE ONLY public.alert_states
    ADD CONSTRAINT pk_alert_states PRIMARY KEY (alert);
ALTER TABLE ONLY public.bulk_checks
    ADD CONSTRAINT pk_bulk_checks PRIMARY KEY (as_of, subject, cluster);
ALTER TABLE ONLY public.clusters
    ADD CONSTRAINT pk_clusters PRIMARY KEY (name);
ALTER TABLE ONLY public.components
    ADD CONSTRAINT pk_components PRIMARY KEY (entity_ref);
ALTER TABLE ONLY public.deliveries
    ADD CONSTRAINT pk_deliveries PRIMARY KEY (message_key, attempt);
ALTER TABLE ONLY public.heartbeats
    ADD CONSTRAINT pk_heartbeats PRIMARY KEY (stage, kind);
ALTER TABLE ONLY public.inventory
    ADD CONSTRAINT pk_inventory PRIMARY KEY (cluster, namespace, type, name);
ALTER TABLE ONLY public.namespace_costs
    ADD CONSTRAINT pk_namespace_costs PRIMARY KEY (as_of, cluster, namespace);
ALTER TABLE ONLY public.outbox
    ADD CONSTRAINT pk_outbox PRIMARY KEY (id);
ALTER TABLE ONLY public.recommendations
    ADD CONSTRAINT pk_recommendations PRIMARY KEY (id);
ALTER TABLE ONLY public.report_runs
    ADD CONSTRAINT pk_report_runs PRIMARY KEY (id);
ALTER TABLE ONLY public.routing_keys
    ADD CONSTRAINT pk_routing_keys PRIMARY KEY (fingerprint);
ALTER TABLE ONLY public.signing_keys
    ADD CONSTRAINT pk_signing_keys PRIMARY KEY (kid);
ALTER TABLE ONLY public.snapshot_points
    ADD CONSTRAINT pk_snapshot_points PRIMARY KEY (snapshot_id, point_id);
ALTER TABLE ONLY public.snapshots
    ADD CONSTRAINT pk_snapshots PRIMARY KEY (id);
ALTER TABLE ONLY public.sweeps
    ADD CONSTRAINT pk_sweeps PRIMARY KEY (as_of);
ALTER TABLE ONLY public.teams
    ADD CONSTRAINT pk_teams PRIMARY KEY (entity_ref);
ALTER TABLE ONLY public.unallocated_workloads
    ADD CONSTRAINT pk_unallocated_workloads PRIMARY KEY (as_of, cluster, namespace, type, name);
ALTER TABLE ONLY public.watch_points
    ADD CONSTRAINT pk_watch_points PRIMARY KEY (as_of, cluster, namespace, type, name);
ALTER TABLE ONLY public.watch_sweeps
    ADD CONSTRAINT pk_watch_sweeps PRIMARY KEY (as_of);
ALTER TABLE ONLY public.workload_points
    ADD CONSTRAINT pk_workload_points PRIMARY KEY (id);
ALTER TABLE ONLY public.outbox
    ADD CONSTRAINT uq_outbox_key UNIQUE (key);
ALTER TABLE ONLY public.outbox
    ADD CONSTRAINT uq_outbox_stream_number UNIQUE (stream, number);
ALTER TABLE ONLY public.recommendations
    ADD CONSTRAINT uq_recommendations_entity_ref_cluster_namespace_type_na_8cfd UNIQUE (entity_ref, cluster, namespace, type, name, issue, opened_at);
ALTER TABLE ONLY public.report_runs
    ADD CONSTRAINT uq_report_runs_team_report_week_again UNIQUE (team, report, week, again);
ALTER TABLE ONLY public.snapshots
    ADD CONSTRAINT uq_snapshots_entity_ref_as_of UNIQUE (entity_ref, as_of);
ALTER TABLE ONLY public.workload_points
    ADD CONSTRAINT uq_workload_points_as_of_cluster_namespace_type_name UNIQUE (as_of, cluster, namespace, type, name);
CREATE INDEX ix_alert_events_at ON public.alert_events USING btree (at);
CREATE INDEX ix_alert_states_entity_ref ON public.alert_states USING btree (entity_ref);
CREATE INDEX ix_alert_states_status ON public.alert_states USING btree (status);
CREATE INDEX ix_alert_states_team ON public.alert_states USING btree (team);
CREATE INDEX ix_components_team ON public.components USING btree (team);
CREATE INDEX ix_deliveries_at ON public.deliveries USING btree (at);
CREATE INDEX ix_outbox_status_expires_at ON public.outbox USING btree (status, expires_at);
CREATE INDEX ix_outbox_status_not_before ON public.outbox USING btree (status, not_before);
CREATE INDEX ix_outbox_thread_of ON public.outbox USING btree (thread_of);
CREATE INDEX ix_recommendations_ended_at_entity_ref ON public.recommendations USING btree (ended_at, entity_ref);
CREATE INDEX ix_recommendations_team_ended_at ON public.recommendations USING btree (team, ended_at);
CREATE INDEX ix_report_runs_report_week ON public.report_runs USING btree (report, week);
CREATE INDEX ix_snapshot_points_point_id ON public.snapshot_points USING btree (point_id);
CREATE INDEX ix_snapshots_as_of_entity_ref ON public.snapshots USING btree (as_of, entity_ref);
CREATE INDEX ix_snapshots_as_of_team ON public.snapshots USING btree (as_of, team);
CREATE INDEX ix_snapshots_team_as_of ON public.snapshots USING btree (team, as_of);
CREATE INDEX ix_sweeps_closed_at ON public.sweeps USING btree (closed_at);
CREATE INDEX ix_watch_sweeps_closed_at ON public.watch_sweeps USING btree (closed_at);
ALTER TABLE ONLY public.deliveries
    ADD CONSTRAINT fk_deliveries_message_key FOREIGN KEY (message_key) REFERENCES public.outbox(key) ON DELETE CASCADE;
ALTER TABLE ONLY public.snapshot_points
    ADD CONSTRAINT fk_snapshot_points_point_id FOREIGN KEY (point_id) REFERENCES public.workload_points(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.snapshot_points
    ADD CONSTRAINT fk_snapshot_points_snapshot_id FOREIGN KEY (snapshot_id) REFERENCES public.snapshots(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.snapshots
    ADD CONSTRAINT fk_snapshots_as_of FOREIGN KEY (as_of) REFERENCES public.sweeps(as_of);
