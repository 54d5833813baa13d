"""Redis, as all workers of one installation share it: what may be forgotten at any time, and would only cost a repeated call."""

from clients.redis.cache import RedisCache
from clients.redis.urls import InvalidRedisUrl, celery_url, redis_url

__all__ = ["InvalidRedisUrl", "RedisCache", "celery_url", "redis_url"]
