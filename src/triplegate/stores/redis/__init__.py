"""State shared by workers and nodes, in Redis or Valkey; redis-py is imported when a store is opened, not before."""

from triplegate.stores.redis.store import RedisStore

__all__ = ["RedisStore"]
