"""To the faster of two: time to first byte, a peak at once and then forgotten slowly, times what is under way."""

from math import exp

from triplegate.upstreams.balancing.two import Lots
from triplegate.upstreams.endpoint import Endpoint, Standing

_FADE = 10.0
"""Seconds in which a measured time loses two thirds of its say."""
_UNKNOWN = 1.0
"""Seconds an endpoint is taken for while its first call is under way."""
_FAILED = 1.0
"""Seconds a failed call counts at least: answering at once with an error must not draw more calls."""


class Latency(Lots):
    """What an endpoint would cost: its time, for one call more than it has, by its weight."""

    __slots__ = ()

    def pick(self, key: bytes | None, now: float) -> Endpoint:
        """The cheaper of two."""
        first, second = self.pair()
        one, other = self.endpoints[first], self.endpoints[second]
        if cost(other.standing, now) * self.weights[first] < cost(one.standing, now) * self.weights[second]:
            return other
        return one


def cost(standing: Standing, now: float) -> float:
    """Expected seconds times the calls that would be under way; 0 for one that was never tried."""
    if not standing.measured:
        return _UNKNOWN * standing.active
    return standing.seconds * exp((standing.measured - now) / _FADE) * (standing.active + 1)


def measure(standing: Standing, seconds: float, now: float, *, failed: bool) -> None:
    """Take in the time to first byte of one attempt."""
    if failed:
        seconds = max(seconds, _FAILED)
    kept = exp((standing.measured - now) / _FADE) if standing.measured else 0.0
    known = standing.seconds
    standing.seconds = seconds if seconds > known * kept else known * kept + seconds * (1 - kept)
    standing.measured = now
