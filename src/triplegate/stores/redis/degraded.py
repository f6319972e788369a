"""While the shared store is away: each node enforces its own share, and owes what it let pass."""

import struct
from collections.abc import Mapping

from triplegate.core.admission import Claim, Dimension, Hold, Limit, Standing, Taken
from triplegate.core.clock import Clock
from triplegate.stores.memory.admission import MemoryAdmission
from triplegate.stores.memory.holding import period_of
from triplegate.stores.memory.part import whole_amount
from triplegate.stores.redis.packing import Packer
from triplegate.stores.redis.settling import Correction, Settling

MOST_KNOWN = 50_000
MOST_OWED = 10_000


class LastKnown:
    """How rates and budgets stood when the store answered last; bounded, the oldest go first."""

    __slots__ = ("_standings",)

    def __init__(self) -> None:
        self._standings: dict[str, tuple[Standing, float]] = {}

    def note(self, standings: tuple[Standing, ...], now: float) -> None:
        """Remember an answer."""
        for standing in standings:
            self._standings[standing.claim.bucket] = (standing, now)
        while len(self._standings) > MOST_KNOWN:
            del self._standings[next(iter(self._standings))]

    def arrival(self, claim: Claim) -> float:
        """The theoretical arrival time of a rate; 0 when nothing is known of it."""
        known = self._standings.get(claim.bucket)
        if known is None or claim.limit.quota <= 0:
            return 0.0
        standing, then = known
        return then + claim.limit.depth - standing.remaining * claim.limit.per_unit

    def remaining(self, claim: Claim) -> int:
        """Units left of a budget; its whole quota when nothing is known of it."""
        known = self._standings.get(claim.bucket)
        return claim.limit.quota if known is None else known[0].remaining


class LocalShare:
    """One outage: rates at limit / nodes, budgets within `lease` of their quota, places at limit / nodes."""

    __slots__ = ("_clock", "_known", "_lease", "_memory", "_nodes", "_owed", "_packer", "_settling")

    def __init__(
        self, clock: Clock, known: LastKnown, packer: Packer, settling: Settling, *, nodes: int, lease: float
    ) -> None:
        self._clock = clock
        self._known = known
        self._packer = packer
        self._settling = settling
        self._nodes = max(1, nodes)
        self._lease = lease
        self._memory = MemoryAdmission(clock, MOST_KNOWN)
        self._owed: dict[str, tuple[Claim, float]] = {}

    def take(self, claims: tuple[Claim, ...], ttl: float, hold: str) -> Taken:
        """Decide here. A refused budget asks the caller back in a second: the store may be there again."""
        shares = tuple([self._share(claim) for claim in claims])
        for claim in claims:
            if claim.limit.family == "rate":
                arrival = self._known.arrival(claim)
                if arrival:
                    self._memory.arrive(claim, arrival)
        taken = self._memory.take_now(shares, ttl)
        standings = tuple(
            [
                Standing(claim, standing.remaining, standing.reset, standing.denied)
                for claim, standing in zip(claims, taken.standings, strict=True)
            ]
        )
        if taken.retry_after is not None:
            short = any(one.denied and one.claim.limit.family == "budget" for one in standings)
            return Taken(standings, 1.0 if short else taken.retry_after, degraded=True)
        for claim, standing in zip(claims, standings, strict=True):
            if claim.limit.family == "rate" and not standing.denied:
                self._owe(claim, whole_amount(claim.amount, 1))
        kept = None if taken.hold is None else LocalHold(self, taken.hold, claims, hold, self._clock.wall())
        return Taken(standings, None, kept, degraded=True)

    async def peek(self, claims: tuple[Claim, ...]) -> tuple[Standing, ...]:
        """How this node's share stands."""
        shares = await self._memory.peek(tuple([self._share(claim) for claim in claims]))
        return tuple(
            [Standing(claim, one.remaining, one.reset, one.denied) for claim, one in zip(claims, shares, strict=True)]
        )

    def pay(self) -> None:
        """The store is back: charge it with what passed here and has not leaked out at this node's rate since."""
        now = self._clock.now()
        charges = []
        for claim, arrival in self._owed.values():
            amount = int((arrival - now) / self._per_unit(claim) + 0.5)
            if amount > 0:
                charges.append(self._charge(claim, amount, ""))
        self._owed = {}
        for start in range(0, len(charges), 50):
            self._settling.add(charges[start : start + 50])

    def spend(self, claims: tuple[Claim, ...], actual: Mapping[Dimension, int], hold: str, admitted: float) -> None:
        """A call that was admitted here has ended: budgets are charged in the window of its admission."""
        charges: list[Correction] = []
        for at, claim in enumerate(claims):
            used = whole_amount(actual.get(claim.limit.dimension), whole_amount(claim.amount, 1))
            if claim.limit.family == "budget" and used:
                token = struct.pack("<d", period_of(claim.limit, admitted).number)
                charges.append(self._charge(claim, used, f"{hold}:{at}", token))
        if charges:
            self._settling.add(charges)

    def _owe(self, claim: Claim, amount: int) -> None:
        owed = self._owed.get(claim.bucket)
        if owed is None and len(self._owed) >= MOST_OWED:
            return
        now = self._clock.now()
        self._owed[claim.bucket] = (claim, max(now, owed[1] if owed else 0.0) + amount * self._per_unit(claim))

    def _per_unit(self, claim: Claim) -> float:
        """Seconds this node needs to earn one unit of a rate."""
        window: float = claim.limit.window  # type: ignore[assignment]  # rates have no other
        return window * self._nodes / max(1, claim.limit.quota)

    def _charge(self, claim: Claim, amount: int, hold: str, token: bytes = b"") -> Correction:
        family, quota, window, burst = self._packer.limit(claim)
        key = self._packer.key(claim)
        return Correction(key, family, quota, window, burst, 0, 0, amount, hold, token, refundable=False)

    def _share(self, claim: Claim) -> Claim:
        """The claim against this node's part of the limit."""
        limit = claim.limit
        nodes = self._nodes
        if limit.family == "rate":  # a longer window instead of a smaller quota: exact for quotas below `nodes`
            burst = max(1, (limit.burst or limit.quota) // nodes)
            longer: float = limit.window * nodes  # type: ignore[operator]  # rates count in seconds
            share = Limit(limit.name, "rate", limit.dimension, limit.quota, longer, burst)
        elif limit.family == "concurrent":
            quota = max(1, limit.quota // nodes) if limit.quota > 0 else 0
            share = Limit(limit.name, "concurrent", limit.dimension, quota, limit.window)
        else:
            lease = min(int(limit.quota * self._lease), self._known.remaining(claim)) // nodes
            share = Limit(limit.name, limit.family, limit.dimension, lease, limit.window)
        return Claim(claim.bucket, share, claim.amount, claim.mode)  # of a lease nobody is the last who may pass


class LocalHold:
    """A hold of an outage: ends here, and budgets are told when the store is back."""

    __slots__ = ("_admitted", "_claims", "_hold", "_id", "_open", "_share")

    def __init__(self, share: LocalShare, hold: Hold, claims: tuple[Claim, ...], name: str, admitted: float) -> None:
        self._admitted = admitted
        self._share = share
        self._hold = hold
        self._claims = claims
        self._id = name
        self._open = True

    def settle(self, actual: Mapping[Dimension, int]) -> None:
        """Correct what was set aside here, and charge budgets."""
        if self._open:
            self._open = False
            self._hold.settle(actual)
            self._share.spend(self._claims, actual, self._id, self._admitted)

    def release(self) -> None:
        """Give back what was set aside here."""
        self._open = False
        self._hold.release()

    async def extend(self, actual: Mapping[Dimension, int]) -> bool:
        """Top up within the share."""
        return await self._hold.extend(actual)
