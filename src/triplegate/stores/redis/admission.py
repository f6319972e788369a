"""Rates, concurrency and budgets shared through Redis: one script, one round trip, a local share in an outage."""

import asyncio
import secrets
from contextlib import suppress
from typing import Any

from triplegate.core.admission import Balance, Claim, Standing, Taken
from triplegate.core.clock import Clock
from triplegate.core.errors import Refusal
from triplegate.stores.redis.balances import BALANCE, CORRECT
from triplegate.stores.redis.degraded import LastKnown, LocalShare
from triplegate.stores.redis.holds import RedisHold, TakenPart
from triplegate.stores.redis.packing import Packer, mode_of, standings_of
from triplegate.stores.redis.pipeline import Argument, Pipeline, StoreAway
from triplegate.stores.redis.scripts import EXTEND, SETTLE, TAKE, Script
from triplegate.stores.redis.settling import Settling

_AT_ONCE = 200
"""Budgets that one script looks at: others wait meanwhile."""


class RedisAdmission:
    """The Admission port.

    `nodes` is how many workers share the limits; `lease` is the part of a budget that all of them together may spend
    while the store is away.
    """

    def __init__(
        self, pipeline: Pipeline, clock: Clock, namespace: str = "tg", *, nodes: int = 1, lease: float = 0.01
    ) -> None:
        pipeline.on_up.append(self._load)
        self.clock = clock
        self.nodes = nodes
        self.packer = Packer(namespace)
        self.settling = Settling(pipeline)
        self.degraded_takes = 0
        """Decisions made by the local share."""
        self._pipeline = pipeline
        self._lease = lease
        self._known = LastKnown()
        self._local: LocalShare | None = None
        self._mark = self.packer.mark
        self.doubtful = False
        """What was spent of budgets may be lost: they are closed until the ledger was asked."""
        self._id = secrets.token_hex(5)
        self._serial = 0
        pipeline.on_up.append(self._recover)

    @property
    def degraded(self) -> bool:
        """True while the store is away."""
        return not self._pipeline.up

    async def take(self, claims: tuple[Claim, ...], ttl: float) -> Taken:
        """Take all enforced claims or none; never raises for a store that is away.

        Raises Refusal policy_unavailable for a claim nobody counts.
        """
        self._serial += 1
        hold = f"{self._id}{self._serial:x}"
        if not self._pipeline.up:
            return self._take_here(claims, ttl, hold)
        if self.doubtful:
            self._check_known(claims)
        keys, arguments = self.packer.claims(claims)
        holds = any(c.limit.family != "rate" or c.limit.dimension != "requests" for c in claims)
        opening: tuple[Argument, ...] = (b"take", int(ttl * 1e6) if holds else 0, hold)
        try:
            answer = await self._run(TAKE, keys, (*opening, *arguments))
        except asyncio.CancelledError:
            self._forget(claims, hold, ttl, holds=holds)
            raise
        if answer is None:
            self._forget(claims, hold, ttl, holds=holds)
            return self._take_here(claims, ttl, hold)
        if self.doubtful:  # it became so meanwhile
            try:
                self._check_known(claims)
            except Refusal:
                self._forget(claims, hold, ttl, holds=holds)
                raise
        if self._local is not None:  # single late answers end here, an outage ends by `on_up`
            self._recover()
        standings = standings_of(claims, answer)
        self._known.note(standings, self.clock.now())
        if not answer[0]:
            return Taken(standings, answer[1] / 1e6)
        if not holds:
            return Taken(standings)
        parts = [
            TakenPart(claim, f"{hold}:{at + 1}", answer[5 + at * 4])
            for at, claim in enumerate(claims)
            if answer[5 + at * 4]
        ]
        return Taken(standings, None, RedisHold(self, parts, ttl) if parts else None)

    async def peek(self, claims: tuple[Claim, ...]) -> tuple[Standing, ...]:
        """How the buckets stand; takes nothing."""
        keys, arguments = self.packer.claims(claims)
        answer = await self._run(TAKE, keys, (b"peek", 0, b"", *arguments))
        if answer is None:
            return await self._share().peek(claims)
        return tuple([Standing(one.claim, one.remaining, one.reset) for one in standings_of(claims, answer)])

    async def balances(self, claims: tuple[Claim, ...]) -> tuple[Balance, ...]:
        """What was spent of budgets and is held of them. Raises Refusal overloaded while the store is away."""
        found: list[Balance] = []
        for begin in range(0, len(claims), _AT_ONCE):
            some = claims[begin : begin + _AT_ONCE]
            keys, arguments = self.packer.claims(some)
            answer = await self._run(BALANCE, keys, tuple(arguments))
            if answer is None:
                raise self._away()
            found += [Balance(*(int(part) for part in answer[at : at + 3])) for at in range(0, len(answer), 3)]
        return tuple(found)

    async def correct(self, claim: Claim, period: int, amount: int, seen: int | None = None) -> None:
        """Add to what was spent in that window, or take from it, while `seen` is what was spent.

        Raises Refusal overloaded while the store is away.
        """
        keys, arguments = self.packer.claims((claim,))
        if await self._run(CORRECT, keys, (*arguments, period, amount, b"" if seen is None else seen)) is None:
            raise self._away()

    def _check_known(self, claims: tuple[Claim, ...]) -> None:
        """Raises Refusal policy_unavailable where what was spent of a budget would have to be known."""
        if any(claim.limit.family == "budget" and claim.mode == "enforce" for claim in claims):
            raise Refusal(
                "policy_unavailable",
                "What was spent of a budget is being read from the ledger.",
                reason="the shared state was lost",
                retry_after=1.0,
            )

    def watch(self) -> None:
        """Somebody asks the ledger: from now on budgets are closed whenever the store may have lost them."""
        self.doubtful = True
        self._pipeline.on_up.append(self._look_for_mark)
        self._look_for_mark()

    def sure(self) -> None:
        """The ledger was asked: the store knows what was spent, and a mark in it says so."""
        self.doubtful = False
        with suppress(StoreAway):
            self._pipeline.send(b"SET", self._mark, b"1")

    def _look_for_mark(self) -> None:
        """A store that has the mark has lost nothing. Its answer comes before those to calls."""

        def heard(answer: "asyncio.Future[Any]") -> None:
            self.doubtful = answer.cancelled() or answer.result() != 1

        with suppress(StoreAway):
            self._pipeline.send(b"EXISTS", self._mark).add_done_callback(heard)

    def _away(self) -> Refusal:
        return Refusal("overloaded", "The shared state is away.", reason=self._pipeline.last_error, retry_after=1.0)

    async def extend(self, parts: list[TakenPart], wanted: list[int], ttl: float) -> list[Any] | None:
        """The extend script's answer: granted, then new tokens; None when the store is away."""
        keys: list[Argument] = []
        arguments: list[Argument] = [int(ttl * 1e6)]
        for part, amount in zip(parts, wanted, strict=True):
            family, quota, window, burst = self.packer.limit(part.claim)
            keys.append(self.packer.key(part.claim))
            arguments += (family, mode_of(part.claim), quota, window, burst, part.amount, amount, part.hold, part.token)
        return await self._run(EXTEND, keys, tuple(arguments))

    async def _run(self, script: Script, keys: list[Argument], arguments: tuple[Argument, ...]) -> list[Any] | None:
        """A script's answer; None when there is none in time."""
        try:
            answer = await self._pipeline.send(b"EVALSHA", script.name, len(keys), *keys, *arguments)
            if isinstance(answer, Exception) and not isinstance(answer, StoreAway):  # most likely NOSCRIPT
                answer = await self._pipeline.send(b"EVAL", script.text, len(keys), *keys, *arguments)
        except StoreAway:
            return None
        if isinstance(answer, Exception):
            self._pipeline.last_error = str(answer)
            return None
        return list(answer)

    def _take_here(self, claims: tuple[Claim, ...], ttl: float, hold: str) -> Taken:
        self.degraded_takes += 1
        return self._share().take(claims, ttl, hold)

    def _share(self) -> LocalShare:
        if self._local is None:
            self._local = LocalShare(
                self.clock, self._known, self.packer, self.settling, nodes=self.nodes, lease=self._lease
            )
        return self._local

    def _load(self) -> None:
        """Let the server know the scripts before anything needs them."""
        for script in (TAKE, SETTLE, EXTEND, BALANCE, CORRECT):
            self._pipeline.send(b"SCRIPT", b"LOAD", script.text)

    def _recover(self) -> None:
        local, self._local = self._local, None
        if local is not None:
            local.pay()

    def _forget(self, claims: tuple[Claim, ...], hold: str, ttl: float, *, holds: bool) -> None:
        """Nobody got the answer: what it may have set aside is given back."""
        if not holds:
            return
        parts = [
            TakenPart(claim, f"{hold}:{at + 1}", b"") for at, claim in enumerate(claims) if claim.limit.family != "rate"
        ]
        if parts:
            RedisHold(self, parts, ttl).release()
