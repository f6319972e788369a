"""One key, one endpoint: a hash ring that skips who is not usable, so that nobody else's callers move."""

from bisect import bisect
from collections.abc import Callable, Collection, Sequence
from hashlib import blake2b
from math import ceil
from typing import Generic, Protocol, TypeVar

from triplegate.upstreams.endpoint import Endpoint, Roster

_POINTS = 256
"""Points for each unit of weight: more make shares more even."""
_MOST = 16_384
"""Points on the ring; above that each endpoint has half as many, a quarter and so on."""


class Placed(Protocol):
    """What can stand on a ring; its points follow from its name alone."""

    @property
    def name(self) -> str:
        """Unique on the ring."""
        ...

    @property
    def weight(self) -> int:
        """Its share; 0 has no points."""
        ...


P = TypeVar("P", bound=Placed)


class Ring(Generic[P]):
    """All that can be chosen (endpoints, deployments) by weight, usable or not; made once a snapshot."""

    __slots__ = ("_owners", "_points", "load")

    def __init__(self, endpoints: Sequence[P], load: float = 1.0) -> None:
        self.load = load
        points: float = _POINTS  # not a share of a fixed number: whoever comes or goes must not move the others' points
        while points * sum(endpoint.weight for endpoint in endpoints) > _MOST:
            points /= 2
        laid = [
            (point, place)
            for place, endpoint in enumerate(endpoints)
            if endpoint.weight
            for point in _points_of(endpoint.name, max(1, round(points * endpoint.weight)))
        ]
        laid.sort()
        self._points = [point for point, _ in laid]
        self._owners = [endpoints[place] for _, place in laid]

    def walk(self, key: bytes, usable: Collection[P], free: Callable[[P], bool]) -> P | None:
        """The first usable endpoint from the key's place on that is free; else the first usable one."""
        owners = self._owners
        place = bisect(self._points, _place_of(key))
        first: P | None = None
        passed: set[P] = set()
        for step in range(len(owners)):
            endpoint = owners[(place + step) % len(owners)]
            if endpoint in passed or endpoint not in usable:
                continue
            if free(endpoint):
                return endpoint
            first = first or endpoint
            passed.add(endpoint)
            if len(passed) == len(usable):
                break
        return first


class Hashed:
    """The usable endpoints on the ring, each with at most its share of what is under way, times the load."""

    __slots__ = ("_ring", "_roster", "_shares", "_usable")

    def __init__(self, endpoints: Sequence[Endpoint], ring: Ring[Endpoint], roster: Roster) -> None:
        total = sum(endpoint.weight for endpoint in endpoints)
        self._ring, self._roster = ring, roster
        self._usable = frozenset(endpoints)
        self._shares = {endpoint: ring.load * endpoint.weight / total for endpoint in endpoints}

    def _free(self, endpoint: Endpoint) -> bool:
        return endpoint.standing.active < ceil((self._roster.active + 1) * self._shares[endpoint])

    def pick(self, key: bytes, tried: Collection[Endpoint] = ()) -> Endpoint | None:
        """The key's endpoint, or the next one where it is busy or was tried; None when all were tried."""
        usable = self._usable.difference(tried) if tried else self._usable
        return self._ring.walk(key, usable, self._free)


def _points_of(name: str, count: int) -> list[int]:
    """Places of one endpoint: they depend on its name alone, so that every node has the same ring."""
    found: list[int] = []
    for number in range(-(-count // 8)):
        digest = blake2b(f"{name} {number}".encode(), digest_size=64).digest()
        found.extend(int.from_bytes(digest[start : start + 8]) for start in range(0, 64, 8))
    return found[:count]


def _place_of(key: bytes) -> int:
    return int.from_bytes(blake2b(key, digest_size=8).digest())
