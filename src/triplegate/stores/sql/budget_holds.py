"""What a call has taken of budgets in the database, and of this worker's own counters beside it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from triplegate.core.admission import Claim, Dimension, Hold
from triplegate.stores.memory.part import whole_amount
from triplegate.stores.sql.budget_rows import Correction

if TYPE_CHECKING:
    from triplegate.stores.sql.admission import SqlAdmission


class TakenPart(msgspec.Struct):
    """One taken claim."""

    claim: Claim
    hold: str
    amount: int
    period: int
    """Number of the window of its admission."""


class SqlHold:
    """Ends once, by `settle` or `release`, both written behind; what is written twice is spent once."""

    __slots__ = ("_admission", "_open", "parts", "ttl")

    def __init__(self, admission: "SqlAdmission", parts: list[TakenPart], ttl: float) -> None:
        self._admission, self.parts, self.ttl = admission, parts, ttl
        self._open = True

    def settle(self, actual: Mapping[Dimension, int]) -> None:
        """Spend what was used; dimensions that are not named keep what was claimed."""
        self._end([whole_amount(actual.get(part.claim.limit.dimension), part.amount) for part in self.parts])

    def release(self) -> None:
        """Give everything back."""
        self._end([0 for _ in self.parts])

    async def extend(self, actual: Mapping[Dimension, int]) -> bool:
        """Top up all enforced parts or none; the life of the hold is prolonged in either case."""
        if not self._open:
            return False
        wanted = [max(part.amount, whole_amount(actual.get(part.claim.limit.dimension), 0)) for part in self.parts]
        granted = await self._admission.extend(self.parts, wanted, self.ttl)
        if granted:
            for part, amount in zip(self.parts, wanted, strict=True):
                part.amount = amount
        return granted

    def _end(self, actual: list[int]) -> None:
        if self._open:
            self._open = False
            self._admission.settle(
                [
                    Correction(part.claim, part.hold, part.period, amount)
                    for part, amount in zip(self.parts, actual, strict=True)
                ]
            )


class BothHolds:
    """A hold here and one in the database, as one."""

    __slots__ = ("_here", "_there")

    def __init__(self, here: Hold, there: SqlHold) -> None:
        self._here, self._there = here, there

    def settle(self, actual: Mapping[Dimension, int]) -> None:
        """Correct both."""
        self._here.settle(actual)
        self._there.settle(actual)

    def release(self) -> None:
        """Give both back."""
        self._here.release()
        self._there.release()

    async def extend(self, actual: Mapping[Dimension, int]) -> bool:
        """Top up both or none. What was granted here and not there is held until the end: never too little."""
        if not await self._there.extend(actual):
            await self._here.extend({})
            return False
        return await self._here.extend(actual)


def together(here: Hold | None, there: Hold | None) -> Hold | None:
    """One hold of two, or the one there is."""
    if here is None or there is None:
        return here or there
    assert isinstance(there, SqlHold)
    return BothHolds(here, there)
