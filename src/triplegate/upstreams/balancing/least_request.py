"""To the less busy of two: slow endpoints get less because their calls stay longer."""

from triplegate.upstreams.balancing.two import Lots
from triplegate.upstreams.endpoint import Endpoint


class LeastRequest(Lots):
    """Busy is what is under way for the weight; the first of two equals goes, so idle endpoints keep their shares."""

    __slots__ = ()

    def pick(self, key: bytes | None, now: float) -> Endpoint:
        """The less busy of two."""
        first, second = self.pair()
        one, other = self.endpoints[first], self.endpoints[second]
        weights = self.weights
        if other.standing.active * weights[first] < one.standing.active * weights[second]:
            return other
        return one
