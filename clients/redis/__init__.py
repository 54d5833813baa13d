"""Redis, as all workers of one installation share it: what may be forgotten at any time, and would only cost a repeated call."""

from clients.redis.addresses import BadRedisAddress, broker_address, server_address
from clients.redis.memory import SharedMemory

__all__ = ["BadRedisAddress", "SharedMemory", "broker_address", "server_address"]
