"""In turn by weight: the sequence of one round is laid out beforehand, so that a pick is one step."""

from collections.abc import Sequence
from heapq import heapify, heapreplace

from triplegate.upstreams.endpoint import Endpoint, Roster

_LONGEST = 1024
"""Steps of a round, at least four for each endpoint; finer weights are rounded to it."""


class RoundRobin:
    """Every share is met over each few calls, not only in the long run."""

    __slots__ = ("_roster", "_round")

    def __init__(self, endpoints: Sequence[Endpoint], weights: Sequence[float], roster: Roster) -> None:
        self._roster = roster
        self._round = tuple(endpoints[place] for place in laid_out(weights))

    def pick(self, key: bytes | None, now: float) -> Endpoint:
        """Whose turn it is; the turn is the roster's, which outlives reloads."""
        return self._round[self._roster.turn() % len(self._round)]


def laid_out(weights: Sequence[float]) -> list[int]:
    """Places of one round in smooth order: who is furthest behind its share comes next."""
    parts = _parts(weights)
    if len(set(parts)) == 1:
        return list(range(len(parts)))
    # the middle of each one's first span comes first, so that heavy ones do not bunch at the start
    due = [(0.5 / part, place) for place, part in enumerate(parts)]
    heapify(due)
    found = []
    for _ in range(sum(parts)):
        when, place = due[0]
        found.append(place)
        heapreplace(due, (when + 1 / parts[place], place))
    return found


def _parts(weights: Sequence[float]) -> list[int]:
    """Small whole numbers in the same proportion; nobody gets less than one."""
    if min(weights) == max(weights):
        return [1] * len(weights)
    if all(weight == int(weight) for weight in weights) and sum(weights) <= _LONGEST:
        return [int(weight) for weight in weights]
    scale = max(_LONGEST, 4 * len(weights)) / sum(weights)
    return [max(1, round(weight * scale)) for weight in weights]
