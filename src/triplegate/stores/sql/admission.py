"""Budgets shared through the database by nodes that have no other shared state; rates are each node's own share."""

import asyncio
import secrets
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from triplegate.core.admission import Balance, Claim, Limit, Standing, Taken
from triplegate.core.clock import Clock
from triplegate.core.errors import Refusal
from triplegate.core.ports import Supervisor
from triplegate.stores.memory.admission import MemoryAdmission, bucket_kind
from triplegate.stores.memory.part import whole_amount
from triplegate.stores.sql.budget_holds import SqlHold, TakenPart, together
from triplegate.stores.sql.budget_rows import Correction, Rows
from triplegate.stores.sql.engine import Database
from triplegate.stores.sql.errors import DatabaseUnavailable

PATIENCE = 5.0
"""Seconds that a call waits for its turn."""
_AT_ONCE = 3
KEPT = 10_000
"""Settled holds that wait for the database at most; above it the oldest go, and the ledger has the truth."""


class SqlAdmission:
    """The Admission port.

    `nodes`: how many workers share the limits; each has that part of rates and places, and all of them the budgets.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        supervisor: Supervisor,
        *,
        nodes: int = 1,
        wall: Callable[[], float] | None = None,
    ) -> None:
        """`wall`: Unix seconds that all nodes agree on; the database's own when it is not given."""
        self._database, self._clock, self._supervisor = database, clock, supervisor
        self._nodes, self._wall = max(1, nodes), wall
        self._local = MemoryAdmission(clock)
        self._waiting: deque[Correction] = deque()
        self._flushing = False
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._id, self._serial = secrets.token_hex(6), 0
        self.failure = ""
        """Why the database could not be asked last."""
        self.dropped = 0
        """Settled holds that were lost."""

    async def take(self, claims: tuple[Claim, ...], ttl: float) -> Taken:
        """Take all enforced claims or none. Raises Refusal policy_unavailable while the database is away."""
        for claim in claims:
            bucket_kind(claim)
        own = tuple([self._share(claim) for claim in claims if claim.limit.family != "budget"])
        budgets = tuple([claim for claim in claims if claim.limit.family == "budget"])
        local = self._local.take_now(own, ttl, keep=bool(budgets)) if own else Taken(())
        if not budgets:
            return Taken(_together(claims, local.standings, ()), local.retry_after, local.hold)
        if local.retry_after is not None:
            return Taken(_together(claims, local.standings, await self.peek_budgets(budgets)), local.retry_after)
        try:
            taken = await self._take_budgets(budgets, ttl)
        except Refusal:
            if local.hold is not None:
                local.hold.release()
            if any(claim.mode == "enforce" for claim in budgets):
                raise
            taken = Taken(tuple([Standing(claim, 0, 0.0) for claim in budgets]))  # what is only watched stops nobody
        if taken.retry_after is not None and local.hold is not None:
            local.hold.release()
        standings = _together(claims, local.standings, taken.standings)
        if taken.retry_after is not None:
            return Taken(standings, taken.retry_after)
        return Taken(standings, None, together(local.hold, taken.hold))

    async def _take_budgets(self, claims: tuple[Claim, ...], ttl: float) -> Taken:
        self._serial += 1
        name = f"{self._id}{self._serial:x}"
        async with self._rows() as rows:
            buckets, now = await rows.open(claims), rows.wall
            waits: list[float] = []
            amounts: list[int] = []
            for claim in claims:
                bucket, amount = buckets[claim.bucket], whole_amount(claim.amount, 1)
                waits.append(bucket.wait(claim, amount, now, now))
                if claim.last:
                    amount = min(amount, max(0, claim.limit.quota - bucket.spent - bucket.held))
                amounts.append(amount)
                if not waits[-1] or claim.mode == "observe":
                    bucket.held += amount
            wait = max([w for w, one in zip(waits, claims, strict=True) if one.mode == "enforce"], default=0.0)
            for claim, amount, waited in zip(claims, amounts, waits, strict=True):
                if not waited or claim.mode == "observe":
                    buckets[claim.bucket].held -= amount  # it was only for the next one to see
            parts = []
            if not wait:
                for at, (claim, amount) in enumerate(zip(claims, amounts, strict=True)):
                    await rows.hold(f"{name}:{at}", claim, amount, now + ttl)
                    parts.append(TakenPart(claim, f"{name}:{at}", amount, buckets[claim.bucket].period))
            standings = tuple(
                [
                    buckets[claim.bucket].standing(
                        claim, now, now, denied=bool(waited) and (not wait or claim.mode == "enforce")
                    )
                    for claim, waited in zip(claims, waits, strict=True)
                ]
            )
        if wait:
            return Taken(standings, wait)
        return Taken(standings, None, SqlHold(self, parts, ttl))

    async def peek(self, claims: tuple[Claim, ...]) -> tuple[Standing, ...]:
        """How the buckets stand; takes nothing."""
        own = tuple([self._share(claim) for claim in claims if claim.limit.family != "budget"])
        budgets = tuple([claim for claim in claims if claim.limit.family == "budget"])
        local = await self._local.peek(own)
        return _together(claims, local, await self.peek_budgets(budgets) if budgets else ())

    async def peek_budgets(self, claims: tuple[Claim, ...]) -> tuple[Standing, ...]:
        """How budgets stand."""
        async with self._rows() as rows:
            buckets, now = await rows.open(claims), rows.wall
            return tuple([buckets[claim.bucket].standing(claim, now, now, denied=False) for claim in claims])

    async def balances(self, claims: tuple[Claim, ...]) -> tuple[Balance, ...]:
        """What was spent of budgets and is held of them. Raises Refusal policy_unavailable."""
        if not claims:
            return ()
        async with self._rows() as rows:
            buckets = await rows.open(claims)
            found = [buckets[claim.bucket] for claim in claims]
            return tuple([Balance(bucket.spent, bucket.held, bucket.period) for bucket in found])

    async def correct(self, claim: Claim, period: int, amount: int, seen: int | None = None) -> None:
        """Add to what was spent in that window, or take from it, while `seen` is what was spent.

        Raises Refusal policy_unavailable.
        """
        async with self._rows() as rows:
            buckets = await rows.open((claim,))
            if seen is None or buckets[claim.bucket].spent == seen:
                buckets[claim.bucket].spend(claim.limit, period, amount)

    async def extend(self, parts: list[TakenPart], wanted: list[int], ttl: float) -> bool:
        """Top up all enforced parts or none; all live on."""
        claims = tuple([part.claim for part in parts])
        async with self._rows() as rows:
            buckets, now = await rows.open(claims), rows.wall
            held = await rows.held([part.hold for part in parts])
            granted = True
            for part, amount in zip(parts, wanted, strict=True):
                bucket = buckets[part.claim.bucket]
                lacking = amount - held.get(part.hold, 0) if bucket.counts(part.claim.limit, part.period) else 0
                enforced = part.claim.mode == "enforce" and not part.claim.last
                if lacking > 0 and enforced and bucket.wait(part.claim, lacking, now, now):
                    granted = False
            for part, amount in zip(parts, wanted, strict=True):
                bucket = buckets[part.claim.bucket]
                there = held.get(part.hold)
                if there is not None:
                    more = max(there, amount) if granted and bucket.counts(part.claim.limit, part.period) else there
                    bucket.held += more - there
                    await rows.prolong(part.hold, more, now + ttl)
                elif granted and bucket.counts(part.claim.limit, part.period):
                    await rows.hold(part.hold, part.claim, amount, now + ttl)
            return granted

    def settle(self, corrections: list[Correction]) -> None:
        """Written behind: with the next question, or soon."""
        self._waiting.extend(corrections)
        while len(self._waiting) > KEPT:
            self._waiting.popleft()
            self.dropped += 1
        if not self._flushing:
            self._flushing = True
            try:
                self._supervisor.spawn(self._flush(), "settled budgets")
            except Refusal:
                self._flushing = False  # with the next question, then

    async def flush(self) -> None:
        """Write what waits. Raises Refusal policy_unavailable."""
        while self._waiting:
            async with self._rows() as rows:
                await rows.open(())

    async def _flush(self) -> None:
        try:
            await self.flush()
        except Refusal:
            return  # with the next question
        finally:
            self._flushing = False

    @asynccontextmanager
    async def _rows(self) -> AsyncIterator[Rows]:
        """One transaction; what waits to be settled goes with it, or waits on."""
        async with self._turn(), self._transaction() as rows:
            yield rows

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        """Few at a time: the rows that many want are locked anyway. Raises Refusal overloaded."""
        try:
            async with asyncio.timeout(PATIENCE):
                await self._turns.acquire()
        except TimeoutError:
            raise Refusal("overloaded", "Too many calls wait for their budgets.", retry_after=1.0) from None
        try:
            yield
        finally:
            self._turns.release()

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[Rows]:
        taken = [self._waiting.popleft() for _ in range(min(200, len(self._waiting)))]
        try:
            async with self._database.writing() as connection:
                wall = self._wall() if self._wall is not None else await self._time(connection)
                rows = Rows(self._database, connection, wall, taken)
                yield rows
                await rows.save()
        except DatabaseUnavailable as error:
            self._waiting.extendleft(reversed(taken))
            self.failure = str(error)
            raise Refusal(
                "policy_unavailable", "What is left of a budget cannot be known.", reason=str(error), retry_after=1.0
            ) from None
        self.failure = ""

    async def _time(self, connection: AsyncConnection) -> float:
        if self._database.is_sqlite:
            return self._clock.wall()
        found = await connection.execute(sa.text("SELECT EXTRACT(EPOCH FROM clock_timestamp())::float8"))
        return float(found.scalar_one())

    def _share(self, claim: Claim) -> Claim:
        """The claim against this worker's part of a rate or of places."""
        limit, nodes = claim.limit, self._nodes
        if nodes == 1:
            return claim
        if limit.family == "rate":  # a longer window instead of a smaller quota: exact for quotas below `nodes`
            longer: float = limit.window * nodes  # type: ignore[operator]  # rates count in seconds
            burst = max(1, (limit.burst or limit.quota) // nodes)
            return Claim(
                claim.bucket,
                Limit(limit.name, "rate", limit.dimension, limit.quota, longer, burst),
                claim.amount,
                claim.mode,
            )
        quota = max(1, limit.quota // nodes) if limit.quota > 0 else 0
        places = Limit(limit.name, "concurrent", limit.dimension, quota, limit.window)
        return Claim(claim.bucket, places, claim.amount, claim.mode)


def _together(
    claims: tuple[Claim, ...], local: tuple[Standing, ...], budgets: tuple[Standing, ...]
) -> tuple[Standing, ...]:
    """How all stand, in the order of the claims."""
    here, there = iter(local), iter(budgets)
    found = []
    for claim in claims:
        standing = next(there if claim.limit.family == "budget" else here)
        found.append(Standing(claim, standing.remaining, standing.reset, standing.denied))
    return tuple(found)
