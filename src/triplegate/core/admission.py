"""Admission: what a call claims of limits and budgets, and what it is given."""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Literal, Protocol

import msgspec

from triplegate.core.calendar import Window
from triplegate.core.demand import Reservation, money_wanted
from triplegate.core.errors import Refusal

if TYPE_CHECKING:
    from triplegate.core.catalog import Target
    from triplegate.core.exchange import Exchange

Dimension = Literal["requests", "input", "output", "total", "money", "bytes", "tools"]
Family = Literal["rate", "budget", "concurrent"]


class Limit(msgspec.Struct, frozen=True, gc=False, cache_hash=True):
    """A limit as written: `quota` units per `window`, at most `burst` at once."""

    name: str
    family: Family
    dimension: Dimension
    quota: int
    window: Window
    """Seconds, of budgets also a window of the calendar or a rolling one; 0 for concurrency."""
    burst: int = 0
    """Units that may come at once; 0 = `quota`."""
    per_unit: float = 0.0
    """Seconds of a unit, where the window is seconds; reckoned by itself."""
    depth: float = 0.0
    """Seconds of all that may come at once; reckoned by itself."""

    def __post_init__(self) -> None:
        """Every call asks for both: they are reckoned once."""
        window = self.window
        if isinstance(window, int | float):
            per_unit = window / self.quota if self.quota > 0 else 0.0
            msgspec.structs.force_setattr(self, "per_unit", per_unit)
            msgspec.structs.force_setattr(self, "depth", self.burst * per_unit if self.burst > 0 else window)


class Claim(msgspec.Struct, frozen=True, gc=False):
    """What one call wants of one bucket."""

    bucket: str
    """Limit's label and the subject, never a content hash."""
    limit: Limit
    amount: int = 1
    mode: Literal["enforce", "observe"] = "enforce"
    last: bool = False
    """Of a budget: while anything is left the call may pass, though it may want more than that."""
    cutoff: bool = False
    """Of a budget: the call ends in the middle where no more can be set aside for it."""


class Standing(msgspec.Struct, frozen=True, gc=False):
    """How a bucket stands after the decision; feeds `RateLimit` and `x-ratelimit-*`."""

    claim: Claim
    remaining: int
    reset: float
    """Seconds until more quota is there."""
    denied: bool = False


class Balance(msgspec.Struct, frozen=True, gc=False):
    """What a budget's bucket holds, whatever its quota."""

    spent: int
    held: int
    """Set aside for calls under way."""
    period: int
    """Number of the window that is open."""


class Hold(Protocol):
    """Units set aside for one call. Both ends are synchronous and idempotent; written behind, bounded."""

    def settle(self, actual: Mapping[Dimension, int]) -> None:
        """Correct what was claimed to what was used, per dimension; concurrency is given back."""
        ...

    def release(self) -> None:
        """Give everything back that can be: the call did not happen."""
        ...

    async def extend(self, actual: Mapping[Dimension, int]) -> bool:
        """Top up to `actual` while the call runs; False when that does not fit. Also the heartbeat."""
        ...


class Taken(msgspec.Struct, gc=False):
    """The answer of one admission. Enforced claims: all or none; observed ones are taken and never deny."""

    standings: tuple[Standing, ...]
    retry_after: float | None = None
    """Seconds until the same claims could pass; None when they passed."""
    hold: Hold | None = None
    """What must be settled or released; None when nothing needs to be (plain request rates)."""
    degraded: bool = False
    """True when the shared store was away and a local share decided."""


class Admission(Protocol):
    """The port: counters of rates, concurrency and budgets.

    A store that decides in this process has its `take` without waiting, too, as `take_now` (`AtOnce`).
    """

    async def take(self, claims: tuple[Claim, ...], ttl: float) -> Taken:
        """Take all enforced claims or none, atomically, in one round trip; holds expire after `ttl` seconds."""
        ...

    async def peek(self, claims: tuple[Claim, ...]) -> tuple[Standing, ...]:
        """How the buckets stand; takes nothing."""
        ...

    async def balances(self, claims: tuple[Claim, ...]) -> tuple[Balance, ...]:
        """What was spent of budgets and is held of them, in the window that is open. Raises Refusal overloaded."""
        ...

    async def correct(self, claim: Claim, period: int, amount: int, seen: int | None = None) -> None:
        """Add to what was spent of a budget in that window, or take from it: the ledger says so.

        `seen`: only while that is what was spent, so that two who compare do not both mend it. Raises Refusal.
        """
        ...


AtOnce = Callable[[tuple[Claim, ...], float], Taken]
"""`take` of a store that decides in this process: its own `take_now`, where it has one."""


class Claimant(Protocol):
    """A policy of the `claims` form."""

    def claims(self, exchange: "Exchange", target: "Target | None") -> Iterable[Claim]:
        """Claims of one call (`target` None: once per call; else: once per attempt at that target)."""
        ...


_OWN = frozenset({"input", "output", "total", "money"})
"""What each exchange uses itself."""
TTL = 120.0
"""Seconds that a hold lives by itself: a worker that dies keeps nobody's money for longer."""
_CODES = {"rate": "quota_exceeded", "concurrent": "concurrency_exceeded", "budget": "budget_exceeded"}


class Taker:
    """Takes an exchange's claims: once for the call, once more before each attempt whose target has claims."""

    __slots__ = (
        "_claimants",
        "_exchange",
        "_of_attempts",
        "_paid",
        "_store",
        "_ttl",
        "beaten",
        "counted",
        "cutoff",
        "holds",
        "taken",
    )

    def __init__(
        self,
        store: Admission,
        claimants: tuple[Claimant, ...],
        exchange: "Exchange",
        ttl: float = TTL,
        *,
        of_attempts: tuple[Claimant, ...] = (),
    ) -> None:
        self._store = store
        self._claimants = claimants
        self._exchange: Exchange | None = exchange
        self._ttl = ttl
        self._of_attempts = of_attempts
        self.taken: tuple[Claim, ...] = ()
        self.holds: list[Hold] = []
        self.cutoff: dict[Dimension, int] | None = None
        """What is set aside of budgets that end a call in the middle; None where none of them does."""
        self.counted: Callable[[], Mapping[Dimension, int]] | None = None
        """What a call that is being answered has used so far, where its gate counts before the end."""
        self.beaten = exchange.started
        """Monotonic seconds of the last heartbeat of its holds."""
        self._paid = 0
        """Units of money that are set aside."""

    def claims_at(self, target: "Target") -> bool:
        """Whether an attempt there must be admitted."""
        return bool(target.claimants or self._of_attempts or (self._paid and self._costs_more(target)))

    def _costs_more(self, target: "Target") -> bool:
        """Whether an attempt there may cost what was not reckoned with: another one, or at another model's.

        The latter is a target that is none of the route's, which is tried first.
        """
        exchange = self._exchange
        if exchange is None or len(exchange.attempts) > 1:
            return exchange is not None
        route = exchange.route
        if exchange.demand is None or route is None:
            return False
        for one, _ in route.targets:  # noqa: SIM110 - a generator would cost more than all the rest
            if one is target:
                return False
        return True

    async def take(self, target: "Target | None") -> Taken | None:
        """Take the claims of the call, or of `target` before it is tried; no store call when there are none.

        Raises Refusal quota_exceeded, concurrency_exceeded or budget_exceeded, with the true Retry-After.
        """
        exchange = self._exchange
        if exchange is None:
            return None
        if target is None:
            claims = self._of_call(exchange)
        else:
            if self._paid and self._costs_more(target):
                await self._top_up(exchange)
            claims = claims_of(self._of_attempts, exchange, target, target.claimants)
            if exchange.parent is not None:
                claims = _not_yet_taken(claims, exchange.parent)
        if not claims:
            return None
        taken = await self._store.take(claims, self._ttl)
        self._note(claims, taken, exchange, of_call=target is None)
        return taken

    def take_now(self, store: AtOnce) -> None:
        """As `take` for the call, of a store that answers at once: nothing has to be awaited."""
        exchange = self._exchange
        assert exchange is not None
        claims = self._of_call(exchange)
        if claims:
            self._note(claims, store(claims, self._ttl), exchange, of_call=True)

    def _of_call(self, exchange: "Exchange") -> tuple[Claim, ...]:
        principal = exchange.principal
        claims = claims_of(self._claimants, exchange, None, () if principal is None else principal.budgets)
        return claims if exchange.parent is None else _not_yet_taken(claims, exchange.parent)

    def _note(self, claims: tuple[Claim, ...], taken: Taken, exchange: "Exchange", *, of_call: bool) -> None:
        """What was taken, and what of it is set aside of budgets for the whole call. Raises Refusal where none was."""
        exchange.standings += taken.standings
        if taken.retry_after is not None:
            raise _denied(taken)
        for standing in taken.standings:
            if standing.denied:  # of what is only observed: it is said, and the call goes on
                exchange.decisions.append((label_of(standing.claim), "would refuse", _code_of(standing)))
        self.taken += claims
        if taken.hold is None:
            return
        self.holds.append(taken.hold)
        for claim in claims if of_call else ():
            limit = claim.limit
            if limit.family != "budget":
                continue
            dimension = limit.dimension
            if dimension == "money" and claim.amount > self._paid:
                self._paid = claim.amount
            if claim.cutoff and claim.mode == "enforce":
                self.cutoff = {} if self.cutoff is None else self.cutoff
                self.cutoff[dimension] = min(claim.amount, self.cutoff.get(dimension, claim.amount))

    async def _top_up(self, exchange: "Exchange") -> None:
        """Another attempt: what those before it cost, or may cost yet, and this one may, is set aside together.

        Raises Refusal budget_exceeded where that does not fit: the attempt is not made.
        """
        if exchange.demand is None:  # a price is for the call, however often it is tried
            return
        reservation: Reservation = "strict" if self._paid > money_wanted(exchange, None) else "typical"
        wanted = sum(
            attempt.cost if attempt.numbers.ended else money_wanted(exchange, attempt.target, reservation)
            for attempt in exchange.attempts
        )
        if wanted > self._paid:
            if not await self.holds[0].extend({"money": wanted}):
                raise Refusal("budget_exceeded", "A budget has not enough left for another attempt.", policy="budget")
            self._paid = wanted

    async def beat(self, actual: Mapping[Dimension, int], now: float) -> bool:
        """The call goes on: its holds live on, and grow to what was counted so far; False when that does not fit."""
        self.beaten = now
        fits = True
        for hold in self.holds:
            if not await hold.extend(actual):  # all or none: a rate that is full must not keep money from being held
                fits = False
                await hold.extend({"money": actual.get("money", 0)})
        return fits

    def end(self) -> None:
        """The exchange is over: what held each other would wait for the collector, which costs more than the call."""
        self._exchange = self.counted = None


def claims_of(
    claimants: tuple[Claimant, ...], exchange: "Exchange", target: "Target | None", more: tuple[Claimant, ...] = ()
) -> tuple[Claim, ...]:
    """What all of them claim, in their order; `more`: the budgets of who calls, or what a target has of its own."""
    if len(claimants) == 1 and not more:
        return tuple(claimants[0].claims(exchange, target))
    claims: list[Claim] = []
    for claimant in claimants:
        claims += claimant.claims(exchange, target)
    for claimant in more:
        claims += claimant.claims(exchange, target)
    return tuple(claims)


def _not_yet_taken(claims: tuple[Claim, ...], ancestor: "Exchange | None") -> tuple[Claim, ...]:
    """A rate that an ancestor already took is skipped (design: Reenter); what a call costs itself, nobody paid yet."""
    seen: set[str] = set()
    while ancestor is not None:
        if ancestor.admission is not None:
            seen.update([claim.bucket for claim in ancestor.admission.taken])
        ancestor = ancestor.parent
    return tuple([claim for claim in claims if claim.limit.dimension in _OWN or claim.bucket not in seen])


def label_of(claim: Claim) -> str:
    """The policy that claims: what its bucket begins with."""
    return claim.bucket.partition("|")[0]


def _code_of(standing: Standing) -> str:
    return _CODES[standing.claim.limit.family]


def _denied(taken: Taken) -> Refusal:
    denied = [standing for standing in taken.standings if standing.denied]
    code = _code_of(denied[0]) if denied else "quota_exceeded"
    names = [standing.claim.limit.name for standing in denied]
    listed = ", ".join(f"'{name}'" for name in names)
    return Refusal(
        code,
        f"The budget {listed} is spent." if code == "budget_exceeded" else f"The limit {listed} is reached.",
        policy=label_of(denied[0].claim) if denied else None,
        retry_after=taken.retry_after,
        payload={"violated-policies": names},
    )
