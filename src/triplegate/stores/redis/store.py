"""Everything that is shared through one Redis: the adapters, their connections and how they are."""

from collections.abc import Callable

import msgspec

from triplegate.core.clock import Clock
from triplegate.core.ports import Supervisor
from triplegate.stores.redis.admission import RedisAdmission
from triplegate.stores.redis.broadcast import RedisBroadcast, Subscriptions
from triplegate.stores.redis.cache import RedisCache
from triplegate.stores.redis.lease import RedisLease
from triplegate.stores.redis.mailbox import RedisMailbox
from triplegate.stores.redis.once import RedisOnce
from triplegate.stores.redis.pipeline import Pipeline
from triplegate.stores.redis.sessions import RedisSessions
from triplegate.stores.redis.vectors import RedisVectors


class StoreState(msgspec.Struct, frozen=True, gc=False):
    """How the shared store is; for metrics and readiness."""

    up: bool
    losses: int
    timeouts: int
    degraded_takes: int
    corrections_waiting: int
    corrections_dropped: int
    last_error: str


class RedisStore:
    """The ports of `core.ports` on one Redis or Valkey: two connections a process, whatever the load.

    `nodes` is how many workers share the limits: in an outage each enforces limit / nodes.
    """

    def __init__(
        self,
        url: str,
        clock: Clock,
        supervisor: Supervisor,
        *,
        namespace: str = "tg",
        nodes: int = 1,
        deadline: float = 0.05,
        budget_lease: float = 0.01,
    ) -> None:
        self._pipeline = Pipeline(url, supervisor, deadline=deadline)
        self._subscriptions = Subscriptions(url, supervisor, namespace)
        self.admission = RedisAdmission(self._pipeline, clock, namespace, nodes=nodes, lease=budget_lease)
        self.cache = RedisCache(self._pipeline, namespace)
        self.sessions = RedisSessions(self._pipeline, namespace)
        self.mailbox = RedisMailbox(self._pipeline, self._subscriptions, namespace)
        self.broadcast = RedisBroadcast(self._pipeline, self._subscriptions)
        self.lease = RedisLease(self._pipeline, namespace)
        self.once = RedisOnce(self._pipeline, namespace)
        self.vectors = RedisVectors(self._pipeline, clock, namespace)

    async def open(self, within: float = 10.0, *, required: bool = True) -> None:
        """Connect. Raises ConnectionError (address and remedy) when no answer comes within `within` seconds."""
        await self._pipeline.open(within, required=required)
        self._subscriptions.open()

    def on_up(self, told: Callable[[], None]) -> None:
        """Call this whenever the store is reached anew: it may have lost something."""
        self._pipeline.on_up.append(told)

    async def ping(self) -> None:
        """Raises Refusal overloaded when the store does not answer within the deadline."""
        await self._pipeline.call(b"PING")

    def close(self) -> None:
        """Give both connections up."""
        self._subscriptions.close()
        self._pipeline.close()

    @property
    def state(self) -> StoreState:
        """Numbers for metrics and readiness."""
        return StoreState(
            self._pipeline.up,
            self._pipeline.losses,
            self._pipeline.timeouts,
            self.admission.degraded_takes,
            len(self.admission.settling),
            self.admission.settling.dropped,
            self._pipeline.last_error,
        )
