"""Two endpoints by lot, each as often as its weight says: the better of two is nearly as good as the best of all."""

import random
from bisect import bisect
from collections.abc import Callable, Sequence
from itertools import accumulate

from triplegate.upstreams.endpoint import Endpoint


class Lots:
    """Draws pairs."""

    __slots__ = ("_bounds", "_draw", "endpoints", "weights")

    def __init__(
        self, endpoints: Sequence[Endpoint], weights: Sequence[float], draw: Callable[[], float] = random.random
    ) -> None:
        self.endpoints, self.weights = endpoints, weights
        self._bounds = None if min(weights) == max(weights) else list(accumulate(weights))
        self._draw = draw

    def _one(self) -> int:
        if self._bounds is None:
            return int(self._draw() * len(self.endpoints))
        return min(bisect(self._bounds, self._draw() * self._bounds[-1]), len(self.endpoints) - 1)

    def pair(self) -> tuple[int, int]:
        """Two places; the same one twice only when there is no other."""
        first, count = self._one(), len(self.endpoints)
        if count == 1:
            return first, first
        second = self._one()
        if second == first:
            second = (first + 1 + int(self._draw() * (count - 1))) % count
        return first, second
