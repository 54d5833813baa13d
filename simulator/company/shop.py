"""The services of the commerce teams.

Modelled on Google's Online Boutique (github.com/GoogleCloudPlatform/microservices-demo).
"""

from __future__ import annotations

from typing import Final

from simulator.company.services import EVERYWHERE, PROD, US_AND_STAGING, Part, ShopService, oversized
from simulator.company.story import US

STOREFRONT: Final = (
    ShopService(
        name="frontend",
        title="Shop frontend",
        team="storefront",
        clusters=EVERYWHERE,
        type="website",
        parts=(
            Part(name="frontend", replicas=12, cpu=1000, memory=1024, traffic=140, local=0.35),
            Part(name="frontend-ssr", replicas=8, cpu=1500, memory=2048, saved=0.3, traffic=20),
        ),
    ),
    ShopService(
        name="cartservice",
        title="Cart",
        team="storefront",
        clusters=PROD,
        selector="app.kubernetes.io/part-of=cart",
        parts=(
            Part(name="cartservice", replicas=8, cpu=800, memory=1024, traffic=30),
            Part(
                name="redis-cart",
                type="StatefulSet",
                replicas=3,
                cpu=1000,
                memory=8192,
                policy="high-availability",
                clusters=(US,),
            ),
        ),
    ),
    ShopService(
        name="recommendationservice",
        title="Recommendations",
        team="storefront",
        clusters=US_AND_STAGING,
        parts=(
            Part(name="recommendationservice", replicas=8, cpu=1500, memory=3072, traffic=25),
            Part(
                name="recommendation-trainer",
                type="CronJob",
                replicas=2,
                cpu=4000,
                memory=16384,
                spot=100,
                policy="batch",
                traffic=0,
            ),
        ),
    ),
    ShopService(
        name="adservice",
        title="Advertisements",
        team="storefront",
        clusters=PROD,
        parts=(oversized("adservice", 6, 1500, 2048), Part(name="ad-cache", replicas=3, cpu=500, memory=4096)),
    ),
    ShopService(
        name="reviews",
        title="Product reviews",
        team="storefront",
        clusters=EVERYWHERE,
        parts=(
            Part(name="reviews-api", replicas=4, cpu=500, memory=768),
            Part(name="reviews-worker", replicas=2, cpu=500, memory=512),
        ),
    ),
    ShopService(
        name="wishlistservice",
        title="Wish lists",
        team="storefront",
        clusters=PROD,
        parts=(oversized("wishlistservice", 4, 1000, 2048),),
    ),
    ShopService(name="loyalty-api", title="Loyalty programme", team="storefront", lifecycle="experimental", parts=()),
    ShopService(
        name="image-resizer",
        title="Image resizer",
        team="",
        clusters=PROD,
        namespace="media",
        parts=(Part(name="image-resizer", replicas=5, cpu=1000, memory=1536, spot=60, traffic=18),),
    ),
)

PAYMENTS: Final = (
    ShopService(
        name="checkoutservice",
        title="Checkout",
        team="payments",
        clusters=EVERYWHERE,
        selector="app.kubernetes.io/name=checkoutservice,env=prod",
        parts=(Part(name="checkoutservice", replicas=10, cpu=1000, memory=768, traffic=40),),
    ),
    ShopService(
        name="paymentservice",
        title="Payments",
        team="payments",
        clusters=EVERYWHERE,
        parts=(
            Part(name="paymentservice", replicas=8, cpu=1200, memory=1536, policy="high-availability", saved=0.25),
            Part(name="payment-webhooks", replicas=4, cpu=500, memory=512),
        ),
    ),
    ShopService(
        name="currencyservice",
        title="Currency conversion",
        team="payments",
        clusters=EVERYWHERE,
        parts=(Part(name="currencyservice", replicas=8, cpu=600, memory=256, saved=0.4),),
    ),
    ShopService(
        name="fraud-detection",
        title="Fraud detection",
        team="payments",
        clusters=US_AND_STAGING,
        parts=(
            oversized("fraud-scoring", 6, 4000, 8192, policy="cost"),
            Part(name="fraud-features", type="StatefulSet", replicas=3, cpu=2000, memory=16384, policy="high-availability"),
        ),
    ),
    ShopService(
        name="invoicing",
        title="Invoicing",
        team="payments",
        namespace="billing",
        parts=(
            Part(name="invoice-renderer", replicas=3, cpu=800, memory=2048),
            Part(name="invoice-run", type="CronJob", replicas=1, cpu=2000, memory=4096, spot=100, policy="batch", traffic=0),
        ),
    ),
    ShopService(
        name="giftcardservice",
        title="Gift cards",
        team="payments",
        clusters=US_AND_STAGING,
        parts=(Part(name="giftcardservice", replicas=4, cpu=500, memory=512),),
    ),
)

FULFILMENT: Final = (
    ShopService(
        name="shippingservice",
        title="Shipping",
        team="fulfilment",
        clusters=EVERYWHERE,
        selector="app in (shippingservice, shipping-quotes)",
        parts=(
            Part(name="shippingservice", replicas=5, cpu=800, memory=768),
            Part(name="shipping-quotes", replicas=3, cpu=600, memory=512),
        ),
    ),
    ShopService(
        name="emailservice",
        title="E-mail",
        team="fulfilment",
        clusters=EVERYWHERE,
        parts=(oversized("emailservice", 4, 1000, 1024),),
    ),
    ShopService(
        name="warehouse-sync",
        title="Warehouse synchronisation",
        team="fulfilment",
        namespace="logistics",
        parts=(
            Part(name="warehouse-sync", replicas=4, cpu=1500, memory=3072),
            Part(name="warehouse-db", type="StatefulSet", replicas=3, cpu=2000, memory=16384, policy="high-availability"),
        ),
    ),
    ShopService(
        name="returns",
        title="Returns",
        team="fulfilment",
        clusters=US_AND_STAGING,
        parts=(Part(name="returns", replicas=3, cpu=500, memory=768, saved=0.35),),
    ),
    ShopService(
        name="order-history",
        title="Order history",
        team="fulfilment",
        clusters=PROD,
        parts=(
            Part(name="order-history", replicas=6, cpu=800, memory=1536),
            Part(name="order-archive", type="StatefulSet", replicas=2, cpu=1000, memory=8192, policy="cost"),
        ),
    ),
    ShopService(
        name="PricingEngine",
        title="Pricing engine",
        team="fulfilment",
        clusters=PROD,
        parts=(Part(name="pricing-engine", replicas=6, cpu=2000, memory=2048, traffic=12),),
    ),
)

SEARCH: Final = (
    ShopService(
        name="search-api",
        title="Search",
        team="search",
        clusters=EVERYWHERE,
        namespace="search",
        parts=(
            Part(name="search-api", replicas=8, cpu=1500, memory=2048, cpu_need=1.35, memory_need=1.1, traffic=35),
            Part(name="search-gateway", replicas=4, cpu=600, memory=512, saved=0.2),
        ),
    ),
    ShopService(
        name="search-indexer",
        title="Search indexer",
        team="search",
        namespace="search",
        parts=(
            oversized("search-indexer", 6, 4000, 12288),
            oversized("index-merger", 3, 3000, 16384),
            oversized("index-queue", 3, 1000, 4096, kind="StatefulSet"),
        ),
    ),
    ShopService(
        name="autocomplete",
        title="Autocomplete",
        team="search",
        clusters=EVERYWHERE,
        namespace="search",
        parts=(Part(name="autocomplete", replicas=5, cpu=800, memory=3072),),
    ),
    ShopService(
        name="productcatalogservice",
        title="Product catalogue",
        team="search",
        clusters=EVERYWHERE,
        parts=(
            Part(name="productcatalogservice", replicas=8, cpu=1000, memory=1024, saved=0.3, traffic=22),
            Part(
                name="catalog-db",
                type="StatefulSet",
                replicas=3,
                cpu=2000,
                memory=12288,
                policy="high-availability",
                clusters=(US,),
            ),
        ),
    ),
    ShopService(
        name="ranking",
        title="Ranking models",
        team="search",
        namespace="search",
        parts=(
            Part(name="ranking", replicas=5, cpu=3000, memory=8192),
            oversized("ranking-trainer", 2, 8000, 32768, spot=80, policy="batch", traffic=0),
        ),
    ),
)

SHOP: Final = (*STOREFRONT, *PAYMENTS, *FULFILMENT, *SEARCH)
