"""Budgets that are higher for a time: what was granted is added to the quota of each claim."""

from collections.abc import Coroutine, Iterable
from typing import Any

import msgspec

from triplegate.core.admission import Admission, AtOnce, Balance, Claim, Limit, Standing, Taken
from triplegate.core.clock import Clock


class Raise(msgspec.Struct, frozen=True):
    """So much more of one bucket's budget, until a moment."""

    raise_id: str
    bucket: str
    amount: int
    """Units of the budget."""
    until: float
    """Unix seconds."""
    reason: str = ""
    actor: str = ""
    created: float = 0.0


class Raised:
    """An Admission over another one; where nothing was raised it is as if it were not there."""

    __slots__ = ("_admission", "_at_once", "_clock", "_limits", "_raises", "take_now")

    def __init__(self, admission: Admission, clock: Clock) -> None:
        self._admission, self._clock = admission, clock
        self._raises: dict[str, tuple[Raise, ...]] = {}
        self._limits: dict[tuple[Limit, int], Limit] = {}
        self._at_once: AtOnce | None = getattr(admission, "take_now", None)
        self.take_now: AtOnce | None = None if self._at_once is None else self._take_now
        """`take` without waiting, where the one below decides in this process."""

    def take_over(self, raises: Iterable[Raise]) -> None:
        """These are in force, and no others."""
        found: dict[str, tuple[Raise, ...]] = {}
        for one in raises:
            found[one.bucket] = (*found.get(one.bucket, ()), one)
        self._raises, self._limits = found, {}

    def of(self, bucket: str) -> tuple[Raise, ...]:
        """Those of a bucket that are not over yet."""
        now = self._clock.wall()
        return tuple([one for one in self._raises.get(bucket, ()) if one.until > now])

    def take(self, claims: tuple[Claim, ...], ttl: float) -> Coroutine[Any, Any, Taken]:
        """As the one below, with what was granted."""
        return self._admission.take(claims if not self._raises else self._higher(claims), ttl)

    def _take_now(self, claims: tuple[Claim, ...], ttl: float) -> Taken:
        assert self._at_once is not None
        return self._at_once(claims if not self._raises else self._higher(claims), ttl)

    def peek(self, claims: tuple[Claim, ...]) -> Coroutine[Any, Any, tuple[Standing, ...]]:
        """As the one below, with what was granted."""
        return self._admission.peek(claims if not self._raises else self._higher(claims))

    async def balances(self, claims: tuple[Claim, ...]) -> tuple[Balance, ...]:
        """As the one below."""
        return await self._admission.balances(claims)

    async def correct(self, claim: Claim, period: int, amount: int, seen: int | None = None) -> None:
        """As the one below."""
        await self._admission.correct(claim, period, amount, seen)

    def _higher(self, claims: tuple[Claim, ...]) -> tuple[Claim, ...]:
        return tuple([self._raised(claim) if claim.bucket in self._raises else claim for claim in claims])

    def _raised(self, claim: Claim) -> Claim:
        if claim.limit.family != "budget":
            return claim
        more = sum([one.amount for one in self.of(claim.bucket)])
        if not more:
            return claim
        limit = self._limits.get((claim.limit, more))
        if limit is None:
            limit = msgspec.structs.replace(claim.limit, quota=claim.limit.quota + more)
            self._limits[claim.limit, more] = limit
        return msgspec.structs.replace(claim, limit=limit)
