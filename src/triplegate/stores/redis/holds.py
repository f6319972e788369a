"""What one call has taken in Redis."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from triplegate.core.admission import Claim, Dimension
from triplegate.stores.memory.part import whole_amount
from triplegate.stores.redis.settling import Correction

if TYPE_CHECKING:
    from triplegate.stores.redis.admission import RedisAdmission


class TakenPart:
    """One taken claim and the token its bucket is corrected with."""

    __slots__ = ("amount", "claim", "fixed", "hold", "token")

    def __init__(self, claim: Claim, hold: str, token: bytes) -> None:
        self.claim = claim
        self.hold = hold
        self.token = token
        self.amount = whole_amount(claim.amount, 1)
        self.fixed = 0


class RedisHold:
    """Ends once, by `settle` or `release`, both written behind; idempotent on the server too."""

    __slots__ = ("_admission", "_expires", "_open", "parts", "ttl")

    def __init__(self, admission: "RedisAdmission", parts: list[TakenPart], ttl: float) -> None:
        self._admission = admission
        self._open = True
        self._expires = admission.clock.now() + ttl
        self.parts = parts
        self.ttl = ttl

    def settle(self, actual: Mapping[Dimension, int]) -> None:
        """Correct claims to what was used; dimensions that are not named keep what was claimed."""
        self._end([whole_amount(actual.get(part.claim.limit.dimension), part.amount) for part in self.parts])

    def release(self) -> None:
        """Give everything back that can be."""
        self._end([0 for _ in self.parts])

    async def extend(self, actual: Mapping[Dimension, int]) -> bool:
        """Top up all enforced parts or none; the life of the hold is prolonged in either case.

        False too while the store is away: the call may go on, but nothing more is set aside for it.
        """
        if not self._open:
            return False
        wanted = [
            max(part.amount, whole_amount(actual.get(part.claim.limit.dimension), part.amount)) for part in self.parts
        ]
        answer = await self._admission.extend(self.parts, wanted, self.ttl)
        if answer is None:
            return False
        self._expires = self._admission.clock.now() + self.ttl
        if not answer[0]:
            return False
        for part, amount, token in zip(self.parts, wanted, answer[1:], strict=True):
            part.token = token
            if amount > part.amount:
                part.fixed, part.amount = part.amount, amount
        return True

    def _end(self, actual: list[int]) -> None:
        if not self._open:
            return
        self._open = False
        refundable = self._admission.clock.now() < self._expires
        corrections: list[Correction] = []
        for part, amount in zip(self.parts, actual, strict=True):
            family, quota, window, burst = self._admission.packer.limit(part.claim)
            if family != b"r" or (amount != part.amount and quota > 0):
                key = self._admission.packer.key(part.claim)
                amounts = (part.amount, part.fixed, amount)
                corrections.append(
                    Correction(key, family, quota, window, burst, *amounts, part.hold, part.token, refundable)
                )
        if corrections:
            self._admission.settling.add(corrections)
