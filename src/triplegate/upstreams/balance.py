"""Smooth weighted round robin: shares are kept over any few picks, not only in the long run (nginx's algorithm)."""

from collections.abc import Iterable, Sequence
from typing import Generic, Protocol, TypeVar

from triplegate.core.ports import Kit


class Named(Protocol):
    """What can be chosen; its name is what its standing is kept by."""

    @property
    def name(self) -> str:
        """Unique among the choices."""
        ...


C = TypeVar("C", bound=Named)


class Balance:
    """Standing of each name: counters only; weights are handed in at each pick, so a reload may change them."""

    __slots__ = ("_credit",)

    def __init__(self) -> None:
        self._credit: dict[str, float] = {}

    def pick(self, choices: Iterable[tuple[str, float]]) -> str | None:
        """The next of `choices` (name, weight); None when no weight is above 0.

        A name left out this once (already tried, breaker open) keeps its standing.
        """
        credit = self._credit
        total = highest = 0.0
        best: str | None = None
        for name, weight in choices:
            if weight <= 0:
                continue
            total += weight
            credit[name] = now = credit.get(name, 0.0) + weight
            if best is None or now > highest:
                best, highest = name, now
        if best is not None:
            credit[best] -= total
        return best

    def keep(self, names: Iterable[str]) -> None:
        """Forget every name but these: a reload has removed the others."""
        wanted = set(names)
        self._credit = {name: left for name, left in self._credit.items() if name in wanted}


class Weighted(Generic[C]):
    """Choices with weights as one snapshot has them, on standings that outlive it."""

    __slots__ = ("_balance", "_by_name", "_only", "_weights")

    def __init__(self, choices: Sequence[tuple[C, float]], balance: Balance) -> None:
        usable = [(choice, weight) for choice, weight in choices if weight > 0]
        self._by_name = {choice.name: choice for choice, _ in usable}
        self._weights = [(choice.name, weight) for choice, weight in usable]
        self._only = usable[0][0] if len(usable) == 1 else None
        self._balance = balance

    @classmethod
    def kept(cls, kit: Kit, name: str, choices: Sequence[tuple[C, float]]) -> "Weighted[C]":
        """With the standings kept under `name` over reloads."""
        balance = kit.state(Balance, name, Balance)
        balance.keep(choice.name for choice, _ in choices)
        return cls(choices, balance)

    def next(self) -> C:
        """Whose turn it is. Raises LookupError when every weight is 0."""
        if self._only is not None:
            return self._only
        name = self._balance.pick(self._weights)
        if name is None:
            raise LookupError("no choice has a weight above 0")
        return self._by_name[name]

    def other(self, tried: Iterable[str]) -> C | None:
        """Whose turn it is among those whose names are not in `tried`; None when there is none."""
        gone = set(tried)
        name = self._balance.pick([(each, weight) for each, weight in self._weights if each not in gone])
        return None if name is None else self._by_name[name]
