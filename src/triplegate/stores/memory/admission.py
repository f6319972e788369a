"""Rates, concurrency and budgets counted in this process."""

from collections.abc import Iterable, Mapping

from triplegate.core.admission import Balance, Claim, Dimension, Standing, Taken, label_of
from triplegate.core.calendar import Calendar, Rolling
from triplegate.core.clock import Clock
from triplegate.core.errors import Refusal
from triplegate.stores.memory.holding import HoldingBucket
from triplegate.stores.memory.part import LARGEST, Part, whole_amount
from triplegate.stores.memory.rate import SLACK, RateBucket, left_of
from triplegate.stores.memory.shelf import Bucket, Shelf

LONGEST_WINDOW = 1e9
"""Seconds; 31 years."""
LONGEST_ROLLING = 366 * 86_400.0
MOST_SLICES = 400


class MemoryAdmission:
    """The Admission port. Nothing is awaited, so every decision is atomic."""

    __slots__ = ("_clock", "_closed", "_shelf", "_turn")

    def __init__(self, clock: Clock, max_buckets: int = 200_000) -> None:
        self._clock = clock
        self._shelf = Shelf(max_buckets)
        self._closed: set[str] = set()
        self._turn = 0
        """Of this store's takes: a bucket that two claims of one take name is known by it."""

    @property
    def buckets(self) -> int:
        """How many buckets are remembered."""
        return len(self._shelf.buckets)

    @property
    def evicted(self) -> int:
        """Live buckets forgotten for want of room; above 0 the bound is too small."""
        return self._shelf.evicted

    async def take(self, claims: tuple[Claim, ...], ttl: float) -> Taken:
        """Take all enforced claims or none. Raises Refusal policy_unavailable for a claim it cannot count."""
        return self.take_now(claims, ttl)

    async def peek(self, claims: tuple[Claim, ...]) -> tuple[Standing, ...]:
        """How the buckets stand; takes nothing."""
        now, wall = self._clock.now(), self._clock.wall()
        return tuple([self._look(claim).standing(claim, now, wall, denied=False) for claim in claims])

    async def balances(self, claims: tuple[Claim, ...]) -> tuple[Balance, ...]:
        """What was spent of budgets and is held of them."""
        now, wall = self._clock.now(), self._clock.wall()
        found = []
        for claim in claims:
            bucket = self._look(claim)
            assert isinstance(bucket, HoldingBucket)
            bucket.refresh(claim.limit, now, wall)
            found.append(Balance(bucket.spent, bucket.held, bucket.period))
        return tuple(found)

    async def correct(self, claim: Claim, period: int, amount: int, seen: int | None = None) -> None:
        """Add to what was spent in that window, or take from it, while `seen` is what was spent."""
        now, wall = self._clock.now(), self._clock.wall()
        bucket = self._find(claim, now)
        assert isinstance(bucket, HoldingBucket)
        bucket.refresh(claim.limit, now, wall)
        if seen is None or bucket.spent == seen:
            bucket.spend(claim.limit, period, amount)

    def close(self, labels: Iterable[str]) -> None:
        """Refuse what claims of these budgets, until they are opened: what was spent of them is not known yet."""
        self._closed.update(labels)

    def open(self, labels: Iterable[str]) -> None:
        """What was spent of these budgets is known."""
        self._closed.difference_update(labels)

    def arrive(self, claim: Claim, tat: float) -> None:
        """Make a rate bucket that is not there yet stand at `tat`: what another store knew last."""
        if claim.bucket not in self._shelf.buckets:
            bucket = RateBucket()
            bucket.tat = tat
            self._shelf.add(claim.bucket, bucket, self._clock.now())

    def take_now(self, claims: tuple[Claim, ...], ttl: float, *, keep: bool = False) -> Taken:
        """`take` without a coroutine. `keep`: rates of requests may be given back, too."""
        if len(claims) == 1 and not keep and _is_calls(claims[0]):
            taken = self._take_rate(claims[0])
            if taken is not None:
                return taken
            ttl = 0.0  # nothing of it is ever given back
        if self._closed:
            self._check_open(claims)
        now, wall = self._clock.now(), self._clock.wall()
        parts: list[Part] = []
        standings: list[Standing] = []
        self._turn = turn = self._turn + 1
        find, expires, needed = self._shelf.buckets.get, now + ttl, keep
        for claim in claims:
            limit, amount = claim.limit, claim.amount
            family = limit.family
            bucket = find(claim.bucket if family == "rate" else (family, claim.bucket))  # as `_name` says
            if bucket is None or bucket.limit is not limit or bucket.turn == turn:
                break
            if type(amount) is not int or not 0 < amount <= LARGEST:
                break
            bucket.turn = turn
            standing = bucket.grant(claim, amount, now, wall, expires, parts)
            if standing is None:
                break
            standings.append(standing)
            if family != "rate" or limit.dimension != "requests":
                needed = True
        else:
            return Taken(tuple(standings), None, MemoryHold(parts, self._clock, ttl) if needed else None)
        _undo(parts)
        return self._take_one_by_one(claims, now, wall, ttl, keep=keep)

    def _take_one_by_one(self, claims: tuple[Claim, ...], now: float, wall: float, ttl: float, *, keep: bool) -> Taken:
        """Where something is new, odd, named twice or does not fit: who waits for what is found out first."""
        found = [self._find(claim, now) for claim in claims]
        parts: list[Part] = []
        waits: list[float] = []
        wait, needed = 0.0, keep
        for claim, bucket in zip(claims, found, strict=True):
            limit, amount = claim.limit, whole_amount(claim.amount, 1)
            waited = bucket.wait(claim, amount, now, wall)
            waits.append(waited)
            if not waited or (claim.mode == "observe" and limit.family == "budget"):
                parts.append(bucket.take(claim, amount, now, now + ttl))
                needed = needed or limit.family != "rate" or limit.dimension != "requests"
            elif waited > wait and claim.mode == "enforce":
                wait = waited
        if wait:
            _undo(parts)
        standings = []
        for claim, bucket, waited in zip(claims, found, waits, strict=True):
            denied = waited > 0 and (not wait or claim.mode == "enforce")
            standings.append(bucket.standing(claim, now, wall, denied=denied))
        if wait:
            return Taken(tuple(standings), wait)
        return Taken(tuple(standings), None, MemoryHold(parts, self._clock, ttl) if needed else None)

    def _take_rate(self, claim: Claim) -> Taken | None:
        """One rate of calls that plainly fits, the common case, in one piece; None where it does not."""
        limit, bucket = claim.limit, self._shelf.buckets.get(claim.bucket)
        if type(bucket) is not RateBucket or bucket.limit is not limit or claim.amount != 1 or limit.quota <= 0:
            return None
        now = self._clock.now()
        per_unit, depth = limit.per_unit, limit.depth
        tat = max(now, bucket.tat)
        ahead = tat + per_unit - now
        if ahead > depth + SLACK:
            return None
        bucket.tat = tat + per_unit
        left = left_of(per_unit, depth, ahead)
        return Taken((Standing(claim, left, max(0.0, (left + 1) * per_unit - depth + ahead)),))

    def _check_open(self, claims: tuple[Claim, ...]) -> None:
        for claim in claims:
            if claim.limit.family == "budget" and claim.mode == "enforce" and label_of(claim) in self._closed:
                raise Refusal(
                    "policy_unavailable",
                    "What was spent of a budget is being read from the ledger.",
                    reason=f"budget '{claim.limit.name}' was not read yet",
                    policy=claim.limit.name,
                    retry_after=1.0,
                )

    def _find(self, claim: Claim, now: float) -> Bucket:
        """The bucket of a claim, made on first use. Raises Refusal policy_unavailable."""
        limit = claim.limit
        name = claim.bucket if limit.family == "rate" else (limit.family, claim.bucket)  # as `_name` says
        bucket = self._shelf.buckets.get(name)
        if bucket is None or bucket.limit is not limit:
            kind = bucket_kind(claim)
            if bucket is None:
                bucket = kind()
                self._shelf.add(name, bucket, now)
            bucket.limit = limit
        return bucket

    def _look(self, claim: Claim) -> Bucket:
        """The bucket of a claim; a fresh one, not kept, when there is none."""
        kind = bucket_kind(claim)
        return self._shelf.buckets.get(_name(claim)) or kind()


class MemoryHold:
    """What one call has taken here; ends once, by `settle` or by `release`."""

    __slots__ = ("_clock", "_open", "_parts", "_ttl")

    def __init__(self, parts: list[Part], clock: Clock, ttl: float) -> None:
        self._parts = parts
        self._clock = clock
        self._ttl = ttl
        self._open = True

    def settle(self, actual: Mapping[Dimension, int]) -> None:
        """Correct claims to what was used; dimensions that are not named keep what was claimed."""
        if self._open:
            self._open = False
            now = self._clock.now()
            for part in self._parts:
                limit, amount = part.claim.limit, part.amount
                used = actual.get(limit.dimension)
                if used == amount and limit.family == "rate":
                    continue  # nothing to correct
                if type(used) is not int or not 0 <= used <= LARGEST:
                    used = whole_amount(used, amount)
                part.bucket.settle(part, used, now)

    def release(self) -> None:
        """Give everything back that can be."""
        if self._open:
            self._open = False
            now = self._clock.now()
            for part in self._parts:
                part.bucket.release(part, now)

    async def extend(self, actual: Mapping[Dimension, int]) -> bool:
        """Top up all enforced parts or none; the life of the hold is prolonged in either case."""
        if not self._open:
            return False
        now, wall = self._clock.now(), self._clock.wall()
        wanted = [max(part.amount, whole_amount(actual.get(part.claim.limit.dimension), 0)) for part in self._parts]
        granted = True
        for part, amount in zip(self._parts, wanted, strict=True):
            part.bucket.prolong(part, now + self._ttl)
            lacking = part.bucket.lacking(part, amount, now, wall)
            enforced = part.claim.mode == "enforce" and not part.claim.last
            if lacking and enforced and part.bucket.wait(part.claim, lacking, now, wall):
                granted = False
        if granted:
            for part, amount in zip(self._parts, wanted, strict=True):
                part.expires = now + self._ttl
                part.bucket.top_up(part, amount, now)
        return granted


def _is_calls(claim: Claim) -> bool:
    """Whether it is an enforced rate of calls."""
    limit = claim.limit
    return limit.dimension == "requests" and limit.family == "rate" and claim.mode == "enforce"


def _undo(parts: list[Part]) -> None:
    for part in reversed(parts):
        part.bucket.undo(part)


def _name(claim: Claim) -> str | tuple[str, str]:
    """Rates, the common case, by their bucket's name; a budget or place of the same name is another bucket."""
    family = claim.limit.family
    return claim.bucket if family == "rate" else (family, claim.bucket)


def bucket_kind(claim: Claim) -> type[Bucket]:
    """What counts a claim. Raises Refusal policy_unavailable, naming the limit, for what nobody counts yet."""
    limit = claim.limit
    window = limit.window
    if limit.family == "concurrent":
        return HoldingBucket
    if isinstance(window, int | float) and 0 < window <= LONGEST_WINDOW:
        return RateBucket if limit.family == "rate" else HoldingBucket
    if limit.family == "budget" and (type(window) is Calendar or (type(window) is Rolling and _countable(window))):
        return HoldingBucket
    raise Refusal(
        "policy_unavailable",
        f"The limit '{limit.name}' cannot be counted.",
        reason=f"limit '{limit.name}': no store counts a {limit.family} with the window {window!r}",
        policy=limit.name,
    )


def _countable(window: Rolling) -> bool:
    return 0 < window.length <= LONGEST_ROLLING and 0 < window.slices <= MOST_SLICES
