"""Whose turn it is among a model's deployments that may be called: by weight, speed, cost, quota or the caller."""

import random
from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from triplegate.config.documents_routing import StickyDocument
from triplegate.core.catalog import Target
from triplegate.gates.llm.conditions import When
from triplegate.gates.llm.facts import Facts
from triplegate.gates.llm.health import Health
from triplegate.upstreams.balance import Balance
from triplegate.upstreams.balancing.latency import cost
from triplegate.upstreams.balancing.ring import Ring

Key = Callable[[Facts], bytes | None]

_UNPRICED = float("inf")
_OUTPUT = 512
"""Tokens an answer is taken for before there was one."""


class Place(msgspec.Struct, frozen=True, eq=False):
    """A deployment as one model has it."""

    target: Target
    weight: int = 1
    tier: int = 0
    """Lower ones first."""
    when: When | None = None

    @property
    def name(self) -> str:
        """The deployment's, unique in its model."""
        return self.target.name

    @property
    def health(self) -> Health:
        """What is known of it."""
        return self.target.wiring.health  # type: ignore[no-any-return]  # a Deployment

    def bar(self, facts: Facts, now: float) -> str:
        """Why this call cannot go there; empty when it can."""
        if not self.weight:
            return "weight 0"
        missing: str = self.target.wiring.missing
        if missing:
            return missing
        if self.when is not None and not self.when.holds(facts):
            return f"not when {self.when.text}"
        return self.health.bar(now)


class Strategy(Protocol):
    """How one is chosen of those that can be."""

    def pick(self, able: Sequence[Place], facts: Facts, now: float) -> Place | None:
        """One of `able` (at least one); None when none of them will do."""
        ...

    def score(self, place: Place, facts: Facts, now: float) -> str:
        """What it is judged by, in words: for `explain`."""
        ...


class ByWeight:
    """Smooth shares."""

    __slots__ = ("_balance",)

    def __init__(self, balance: Balance) -> None:
        self._balance = balance

    def pick(self, able: Sequence[Place], facts: Facts, now: float) -> Place | None:
        """Whose turn it is."""
        if len(able) == 1:
            return able[0]
        name = self._balance.pick([(place.name, place.weight) for place in able])
        return next((place for place in able if place.name == name), None)

    def score(self, place: Place, facts: Facts, now: float) -> str:
        """Its weight."""
        return f"weight {place.weight}"


class InOrder:
    """As written: the next one only when those before cannot be called."""

    __slots__ = ()

    def pick(self, able: Sequence[Place], facts: Facts, now: float) -> Place | None:
        """The first."""
        return able[0]

    def score(self, place: Place, facts: Facts, now: float) -> str:
        """Nothing to tell."""
        return "in written order"


class OfTwo:
    """The better of two drawn by weight: nearly as good as the best, and nobody is swamped."""

    __slots__ = ("_draw", "_unit", "_worth")

    def __init__(
        self, worth: Callable[[Place, float], float], unit: str, draw: Callable[[], float] = random.random
    ) -> None:
        self._worth, self._unit, self._draw = worth, unit, draw

    def pick(self, able: Sequence[Place], facts: Facts, now: float) -> Place | None:
        """The better one by its worth for its weight."""
        if len(able) == 1:
            return able[0]
        one = drawn(able, self._draw)
        other = drawn([place for place in able if place is not one], self._draw)
        worth = self._worth
        return other if worth(other, now) * one.weight < worth(one, now) * other.weight else one

    def score(self, place: Place, facts: Facts, now: float) -> str:
        """Its worth; less is better."""
        return f"{self._worth(place, now):.4g} {self._unit}"


class ByCost:
    """The cheapest by what such a call is expected to cost; equals by weight, unpriced ones last."""

    __slots__ = ("_weighted",)

    def __init__(self, weighted: ByWeight) -> None:
        self._weighted = weighted

    def pick(self, able: Sequence[Place], facts: Facts, now: float) -> Place | None:
        """The cheapest."""
        costs = [expected(place, facts) for place in able]
        least = min(costs)
        return self._weighted.pick([place for place, one in zip(able, costs, strict=True) if one == least], facts, now)

    def score(self, place: Place, facts: Facts, now: float) -> str:
        """Expected dollars."""
        units = expected(place, facts)
        return "no price" if units == _UNPRICED else f"{units / 1e10:.3g} USD expected"


class ByQuota:
    """Where most is left of the provider's own limits; where the call does not fit it does not go."""

    __slots__ = ("_weighted",)

    def __init__(self, weighted: ByWeight) -> None:
        self._weighted = weighted

    def pick(self, able: Sequence[Place], facts: Facts, now: float) -> Place | None:
        """The one with the largest share left; equals by weight."""
        fit = [place for place in able if not _wait(place, facts, now)]
        if not fit:
            return None
        shares = [place.health.quotas.fraction(now) for place in fit]
        most = max(shares)
        return self._weighted.pick([place for place, one in zip(fit, shares, strict=True) if one == most], facts, now)

    def score(self, place: Place, facts: Facts, now: float) -> str:
        """The share that is left."""
        seconds = _wait(place, facts, now)
        left = f"{place.health.quotas.fraction(now):.0%} left"
        return f"{left}, does not fit for {seconds:.3g} s" if seconds else left


class Sticky:
    """One key, one deployment; when it cannot be called, the next on the ring, and nobody else moves."""

    __slots__ = ("_key", "_ring", "_weighted")

    def __init__(self, places: Sequence[Place], key: Key, weighted: ByWeight) -> None:
        self._ring: Ring[Place] = Ring(places)
        self._key, self._weighted = key, weighted

    def pick(self, able: Sequence[Place], facts: Facts, now: float) -> Place | None:
        """The key's; by weight where the call has no key."""
        if len(able) == 1:
            return able[0]
        key = self._key(facts)
        if key is None:
            return self._weighted.pick(able, facts, now)
        return self._ring.walk(key, able, _always)

    def score(self, place: Place, facts: Facts, now: float) -> str:
        """Whether the key leads there."""
        key = self._key(facts)
        return "the call has no key" if key is None else f"key {key.hex()[:12]}"


def key_of(document: StickyDocument) -> Key:
    """How the key of a call is found."""
    if document.header is not None:
        name = document.header.encode("ascii")
        return lambda facts: facts.exchange.inbound.header(name)
    return {"conversation": Facts.conversation, "key": _caller, "end_user": _end_user}[document.by]


def _caller(facts: Facts) -> bytes | None:
    principal = facts.exchange.principal
    if principal is None or principal.method == "none":
        return None  # everyone without a name would be one caller
    return (principal.key_id or f"{principal.team_ref}/{principal.consumer}").encode()


def _end_user(facts: Facts) -> bytes | None:
    principal = facts.exchange.principal
    if principal is None or not principal.end_user:
        return None
    return f"{principal.team_ref}/{principal.end_user}".encode("utf-8", "replace")


def drawn(able: Sequence[Place], draw: Callable[[], float]) -> Place:
    """One of them, each as often as its weight says."""
    left = draw() * sum([place.weight for place in able])
    for place in able:
        left -= place.weight
        if left < 0:
            return place
    return able[-1]


def expected(place: Place, facts: Facts) -> float:
    """Units that such a call will cost there: the input by size, the output as it was until now."""
    price = place.target.price
    if price is None or price.version == "none":
        return _UNPRICED
    return price.cost((facts.tokens, 0, 0, 0, 0, 0, _output(place, facts), 0, 0))


def _output(place: Place, facts: Facts) -> int:
    call = facts.call
    if not call.endpoint.generates:
        return 0
    usual = place.health.outputs.usual(call.most_output or _OUTPUT)
    return min(usual, call.most_output) if call.most_output else usual


def _wait(place: Place, facts: Facts, now: float) -> float:
    return place.health.quotas.wait(facts.tokens, facts.call.most_output, now)


def active(place: Place, now: float) -> float:
    """Calls under way."""
    return place.health.standing.active


def latency(place: Place, now: float) -> float:
    """Seconds to the first content, times what is under way."""
    return cost(place.health.standing, now)


def _always(place: Place) -> bool:
    return True
