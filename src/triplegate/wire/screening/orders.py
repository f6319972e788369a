"""How much a text reads like orders to a model that are not its place: what its sentences speak of together."""

import math

import msgspec

from triplegate.wire.screening.concepts import NAMES, Concepts
from triplegate.wire.screening.weights import BIAS, WEIGHTS

_KEPT = 4096


class Leaning(msgspec.Struct, frozen=True):
    """How likely, 0 to 1, and what in the sentence says so most."""

    chance: float = 0.0
    why: str = ""


class Orders:
    """The leaning of the sentence that reads most like an order; a sentence is read alone, and with the one before."""

    __slots__ = ("_known", "_rows", "concepts")

    def __init__(self) -> None:
        self.concepts = Concepts()
        self._known: dict[int, float] = {}
        """Sentences of late."""
        at = {name: bit for bit, name in enumerate(NAMES)}
        self._rows: list[dict[int, float]] = [{} for _ in NAMES]
        for line in WEIGHTS.strip().split("\n"):
            first, _, rest = line.partition(": ")
            for entry in rest.split(", "):
                name, _, weight = entry.rpartition(" ")
                self._rows[at[first]][at[name]] = float(weight)

    def __call__(self, text: str, beside: float = 0.0, given: int = 0) -> Leaning:
        """That of `text`; `beside`: what signs in it add; `given`: what its place means."""
        seen: set[int] = set()
        best, found = -math.inf, 0
        for mask in self.concepts.of(text, given):
            if mask in seen:
                continue
            seen.add(mask)
            logit = self._known.get(mask)
            if logit is None:
                logit = self._logit(mask)
            if logit > best:
                best, found = logit, mask
        if not found:
            return Leaning()
        return Leaning(1 / (1 + math.exp(min(-best - beside, 50.0))), self._why(found))

    def _logit(self, mask: int) -> float:
        bits = _bits(mask)
        total = BIAS
        for at, first in enumerate(bits):
            row = self._rows[first]
            for second in bits[at:]:
                total += row.get(second, 0.0)
        if len(self._known) >= _KEPT:
            self._known.clear()
        self._known[mask] = total
        return total

    def _why(self, mask: int) -> str:
        """The two concepts that say so most."""
        bits = _bits(mask)
        pairs = [(self._rows[one].get(two, 0.0), one, two) for at, one in enumerate(bits) for two in bits[at:]]
        _, one, two = max(pairs)
        return NAMES[one] if one == two else f"{NAMES[one]} and {NAMES[two]}"


def _bits(mask: int) -> list[int]:
    bits: list[int] = []
    while mask:
        low = mask & -mask
        bits.append(low.bit_length() - 1)
        mask ^= low
    return bits
