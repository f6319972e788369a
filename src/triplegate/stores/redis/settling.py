"""Corrections written behind the answer: bounded, one flush a tick, kept while the store is away."""

import asyncio
from collections import deque
from typing import Any

import msgspec

from triplegate.stores.redis.pipeline import Argument, Pipeline, StoreAway
from triplegate.stores.redis.scripts import SETTLE

KEPT = 10_000
"""Corrections that wait for the store at most; above it the oldest go and decay by themselves."""
GIVEN_UP = 240.0
"""Seconds after which a correction is dropped: the scripts recognise a repeated one for 300."""


class Correction(msgspec.Struct, frozen=True, gc=False):
    """One bucket to be settled: as the settle script reads it."""

    key: str
    family: bytes
    quota: int
    window: int
    burst: int
    claimed: int
    fixed: int
    actual: int
    hold: str
    token: bytes
    refundable: bool

    @property
    def repeatable(self) -> bool:
        """Budgets and places know what was settled; a rate would be refunded twice."""
        return self.family != b"r"


class Settling:
    """Sends corrections without waiting for the answer."""

    __slots__ = ("_kept", "_pipeline", "dropped")

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._kept: deque[tuple[float, list[Correction]]] = deque()
        self.dropped = 0
        """Corrections that were lost: their rates decay, their holds expire, the ledger has the truth."""
        pipeline.on_up.append(self.resend)

    def __len__(self) -> int:
        return len(self._kept)

    def add(self, corrections: list[Correction]) -> None:
        """Send them now, or when the store is back."""
        self._send(self._pipeline.now(), corrections)

    def resend(self) -> None:
        """The store is back: what was kept goes out."""
        kept, self._kept = self._kept, deque()
        oldest = self._pipeline.now() - GIVEN_UP
        for since, corrections in kept:
            if since > oldest:
                self._send(since, corrections)
            else:
                self.dropped += 1

    def _send(self, since: float, corrections: list[Correction], *, whole: bool = False) -> None:
        keys: list[Argument] = [correction.key for correction in corrections]
        arguments: list[Argument] = []
        for one in corrections:
            arguments += (one.family, one.quota, one.window, one.burst, one.claimed, one.fixed, one.actual)
            arguments += (one.hold, one.token, int(one.refundable))
        opening: tuple[Argument, ...] = (b"EVAL", SETTLE.text) if whole else (b"EVALSHA", SETTLE.name)
        try:
            sent = self._pipeline.send(*opening, len(keys), *keys, *arguments)
        except StoreAway:
            self._keep(since, corrections)
            return
        sent.add_done_callback(lambda done: self._answered(done, since, corrections, whole=whole))

    def _answered(
        self, done: "asyncio.Future[Any]", since: float, corrections: list[Correction], *, whole: bool
    ) -> None:
        if done.cancelled():
            return
        answer = done.result()
        if not isinstance(answer, Exception):
            return
        if not isinstance(answer, StoreAway) and not whole:  # most likely NOSCRIPT: nothing has happened yet
            self._send(since, corrections, whole=True)
            return
        again = [correction for correction in corrections if correction.repeatable]
        if again:
            self._keep(since, again)

    def _keep(self, since: float, corrections: list[Correction]) -> None:
        if len(self._kept) >= KEPT:
            self._kept.popleft()
            self.dropped += 1
        self._kept.append((since, corrections))
