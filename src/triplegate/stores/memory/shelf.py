"""A bounded dictionary of buckets whose sweep costs the same whatever its size."""

from collections import deque

from triplegate.core.errors import Refusal
from triplegate.stores.memory.holding import HoldingBucket
from triplegate.stores.memory.rate import RateBucket

Bucket = RateBucket | HoldingBucket
Name = str | tuple[str, str]
_LOOKED_AT = 16


class Shelf:
    """Buckets by name. Each new one pays for looking at two old ones, so what is dead goes in amortised O(1)."""

    __slots__ = ("buckets", "evicted", "limit", "order")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.buckets: dict[Name, Bucket] = {}
        self.order: deque[Name] = deque()
        """The clock hand: every name once."""
        self.evicted = 0
        """Live buckets forgotten because the shelf was full."""

    def add(self, name: Name, bucket: Bucket, now: float) -> None:
        """Put a new bucket there. Raises Refusal overloaded when it is full of budgets that may not be forgotten."""
        bucket.until = now + 1.0  # empty, but about to be used
        self._sweep(2, now)
        if len(self.buckets) >= self.limit and not self._sweep(_LOOKED_AT, now):
            self._evict(now)
        self.buckets[name] = bucket
        self.order.append(name)

    def _sweep(self, count: int, now: float) -> int:
        gone = 0
        for _ in range(min(count, len(self.order))):
            name = self.order.popleft()
            if self.buckets[name].forgettable(now):
                del self.buckets[name]
                gone += 1
            else:
                self.order.append(name)
        return gone

    def _evict(self, now: float) -> None:
        """Forget the rate that is closest to a full bucket among the next few; never a budget."""
        seen = [self.order[at] for at in range(min(_LOOKED_AT, len(self.order)))]
        rates = {name: bucket.tat for name in seen if isinstance(bucket := self.buckets[name], RateBucket)}
        if not rates:
            raise Refusal("overloaded", "The gateway tracks as many budgets as it can.", retry_after=1.0)
        name = min(rates, key=lambda one: rates[one])
        self.order.remove(name)
        del self.buckets[name]
        self.evicted += 1
