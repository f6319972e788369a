"""Verdicts that are on their way: whoever gives up waiting may wait again, and nobody is asked twice."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from triplegate.core.errors import Refusal
from triplegate.core.exchange import Exchange
from triplegate.wire.guards.pieces import Pieces
from triplegate.wire.screening.spans import Span

if TYPE_CHECKING:
    from triplegate.stores.verdicts.bench import Bench

Spans = Mapping[int, Sequence[Span]]


class Pending:
    """Those of one question; given up when its exchange closes."""

    __slots__ = ("_bench", "_came", "_exchange", "_refusal", "_spans", "cancel")

    def __init__(self, bench: "Bench", exchange: Exchange, groups: Sequence[Pieces], what: str) -> None:
        """Ask at once. Raises Refusal guard_unavailable where there is no room."""
        self._bench, self._exchange = bench, exchange
        self._came = asyncio.Event()
        self._spans: list[Spans | None] = []
        self._refusal: Refusal | None = bench.unavailable(what, "the question was given up")
        try:
            self.cancel = bench.kit.supervisor.spawn(self._ask(groups, what), "guards")
        except Refusal as refusal:
            raise bench.unavailable(what, refusal.code) from None
        exchange.on_close(self._closed)

    async def wait(self) -> list[Spans | None]:
        """What is to be masked by group, None for a blocked one. Raises the Refusal that the verdicts are."""
        if not self._came.is_set():
            now = self._bench.kit.clock.now
            begun = now()
            try:
                await self._came.wait()
            finally:
                self._bench.held(self._exchange, now() - begun)
        if self._refusal is not None:
            raise self._refusal
        return self._spans

    async def _ask(self, groups: Sequence[Pieces], what: str) -> None:
        try:
            self._spans = await self._bench.heard(self._exchange, groups, what)
            self._refusal = None
        except Refusal as refusal:
            self._refusal = refusal
        finally:
            self._came.set()

    def _closed(self, _: Exchange) -> None:
        self.cancel()
