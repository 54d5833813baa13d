"""Redis, shared by all workers of an installation. It holds only what can be recomputed."""

from clients.redis.cache import RedisCache
from clients.redis.urls import InvalidRedisUrl, celery_url, redis_url

__all__ = ["InvalidRedisUrl", "RedisCache", "celery_url", "redis_url"]
