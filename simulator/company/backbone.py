"""The services of the identity, data and platform teams."""

from __future__ import annotations

from typing import Final

from simulator.company.services import EVERYWHERE, PROD, US_AND_STAGING, Part, ShopService, oversized
from simulator.company.story import EDGE, STAGING

IDENTITY: Final = (
    ShopService(
        name="login",
        title="Login",
        team="identity",
        clusters=EVERYWHERE,
        namespace="identity",
        parts=(Part(name="login", replicas=6, cpu=800, memory=1024, policy="high-availability"),),
    ),
    ShopService(
        name="sessions",
        title="Sessions",
        team="identity",
        clusters=PROD,
        namespace="identity",
        parts=(
            Part(name="sessions", replicas=6, cpu=600, memory=768, saved=0.3),
            Part(name="sessions-redis", type="StatefulSet", replicas=3, cpu=1000, memory=12288, policy="high-availability"),
        ),
    ),
    ShopService(
        name="user-profile",
        title="User profiles",
        team="identity",
        clusters=EVERYWHERE,
        namespace="identity",
        parts=(Part(name="user-profile", replicas=5, cpu=700, memory=1024),),
    ),
    ShopService(
        name="consent",
        title="Consent",
        team="identity",
        clusters=US_AND_STAGING,
        namespace="identity",
        parts=(oversized("consent", 4, 800, 2048),),
    ),
    ShopService(
        name="token-issuer",
        title="Token issuer",
        team="identity",
        clusters=PROD,
        namespace="identity",
        parts=(Part(name="token-issuer", replicas=5, cpu=1000, memory=512, policy="high-availability"),),
    ),
)

DATA: Final = (
    ShopService(
        name="kafka",
        title="Kafka",
        team="data",
        kind="Resource",
        type="message-broker",
        namespace="data",
        annotations=(("pagerduty.com/integration-key", "kafkaroutingkey00000000000000001"),),
        parts=(
            Part(
                name="kafka-brokers",
                type="StatefulSet",
                replicas=6,
                cpu=4000,
                memory=32768,
                traffic=420,
                local=0.3,
                policy="kafka-brokers",
            ),
            Part(name="kafka-connect", replicas=4, cpu=1500, memory=4096, traffic=60, local=0.5),
            Part(name="schema-registry", replicas=2, cpu=500, memory=1024),
        ),
    ),
    ShopService(
        name="airflow",
        title="Airflow",
        team="data",
        clusters=US_AND_STAGING,
        namespace="airflow",
        selector="app.kubernetes.io/part-of=airflow",
        annotations=(("backstage.io/kubernetes-namespace", "airflow"),),
        parts=(
            oversized("airflow-scheduler", 2, 4000, 8192),
            Part(name="airflow-webserver", replicas=2, cpu=1000, memory=3072),
            Part(name="airflow-workers", type="StatefulSet", replicas=6, cpu=2000, memory=8192, spot=70, policy="batch"),
        ),
    ),
    ShopService(
        name="clickhouse",
        title="ClickHouse",
        team="data",
        kind="Resource",
        type="database",
        namespace="data",
        parts=(
            Part(
                name="clickhouse",
                type="StatefulSet",
                replicas=6,
                cpu=6000,
                memory=49152,
                traffic=90,
                local=0.45,
                policy="high-availability",
            ),
            Part(name="clickhouse-keeper", type="StatefulSet", replicas=3, cpu=500, memory=2048),
        ),
    ),
    ShopService(
        name="events-ingest",
        title="Event ingestion",
        team="data",
        clusters=PROD,
        namespace="data",
        parts=(Part(name="events-ingest", replicas=8, cpu=1500, memory=2048, saved=0.28, traffic=110, local=0.4),),
    ),
    ShopService(
        name="dbt-runner",
        title="dbt runner",
        team="data",
        namespace="data",
        type="job",
        parts=(Part(name="dbt-runner", type="CronJob", replicas=2, cpu=3000, memory=8192, spot=100, policy="batch", traffic=0),),
    ),
    ShopService(
        name="feature-store",
        title="Feature store",
        team="data",
        clusters=US_AND_STAGING,
        namespace="data",
        parts=(
            Part(name="feature-store", replicas=4, cpu=2000, memory=8192),
            oversized("feature-backfill", 2, 4000, 16384, policy="batch", traffic=0),
        ),
    ),
)

PLATFORM: Final = (
    ShopService(
        name="edge-gateway",
        title="Edge gateway",
        team="platform",
        clusters=(EDGE,),
        namespace="gateway",
        parts=(
            Part(name="edge-gateway", replicas=12, cpu=2000, memory=1024, traffic=160, local=0.6),
            Part(name="edge-waf", replicas=6, cpu=1500, memory=1536),
        ),
    ),
    ShopService(
        name="ingress-gateway",
        title="Ingress gateway",
        team="platform",
        clusters=EVERYWHERE,
        namespace="gateway",
        parts=(Part(name="ingress-gateway", replicas=6, cpu=1500, memory=1024, policy="high-availability", traffic=50),),
    ),
    ShopService(
        name="grafana",
        title="Grafana",
        team="platform",
        clusters=EVERYWHERE,
        namespace="observability",
        selector="kubernetes-id",
        parts=(Part(name="grafana", replicas=2, cpu=500, memory=1024),),
    ),
    ShopService(
        name="prometheus",
        title="Prometheus",
        team="platform",
        clusters=EVERYWHERE,
        namespace="observability",
        parts=(
            Part(
                name="prometheus-server", type="StatefulSet", replicas=2, cpu=3000, memory=24576, cpu_need=0.95, memory_need=1.22
            ),
            Part(name="alertmanager", type="StatefulSet", replicas=2, cpu=200, memory=512),
        ),
    ),
    ShopService(
        name="log-shipper",
        title="Log shipper",
        team="platform",
        clusters=EVERYWHERE,
        namespace="observability",
        parts=(Part(name="log-shipper", type="DaemonSet", replicas=24, cpu=200, memory=384, saved=0.45, policy="system"),),
    ),
    ShopService(
        name="shared-redis",
        title="Shared Redis",
        team="platform",
        kind="Resource",
        type="cache",
        selector="app=redis-cart",
        parts=(),
    ),
    ShopService(
        name="cert-rotator",
        title="Certificate rotation",
        team="platform",
        clusters=EVERYWHERE,
        namespace="gateway",
        parts=(Part(name="cert-rotator", type="CronJob", replicas=1, cpu=100, memory=128, policy="batch", traffic=0),),
    ),
    ShopService(
        name="load-generator",
        title="Load generator",
        team="platform",
        clusters=(STAGING,),
        lifecycle="experimental",
        annotations=(("backstage.io/kubernetes-cluster", STAGING),),
        parts=(Part(name="load-generator", replicas=8, cpu=1000, memory=512, cpu_need=1.1, memory_need=1.5, policy="dev"),),
    ),
)

BACKBONE: Final = (*IDENTITY, *DATA, *PLATFORM)
