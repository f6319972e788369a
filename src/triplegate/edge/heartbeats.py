"""Holds of long calls live as long as the calls: now and then they are prolonged, and grow to what was used so far."""

import asyncio

from triplegate.core.admission import TTL
from triplegate.core.clock import Clock
from triplegate.core.exchange import Exchange
from triplegate.core.house import used
from triplegate.edge.live import Live

EVERY = TTL / 3
"""Seconds between two heartbeats of a call: two may fail."""
_BATCH = 50
"""Looks between two turns of the loop."""


class Heartbeats:
    """One task for all of them."""

    __slots__ = ("_clock", "_every", "_live", "beats", "refused")

    def __init__(self, live: Live, clock: Clock, every: float = EVERY) -> None:
        self._live, self._clock, self._every = live, clock, every
        self.beats = self.refused = 0
        """Heartbeats so far, and those whose call had used more than there was."""

    async def run(self) -> None:
        """For as long as the process serves."""
        while True:
            await asyncio.sleep(self._every / 4)
            await self.look()

    async def look(self) -> None:
        """Prolong the holds of each call that is due."""
        since = self._clock.now() - self._every
        for number, exchange in enumerate([one for one in self._live.exchanges() if _due(one, since)], 1):
            if exchange.outcome is None:
                await self._beat(exchange)
            if number % _BATCH == 0:
                await asyncio.sleep(0)

    async def _beat(self, exchange: Exchange) -> None:
        admission = exchange.admission
        assert admission is not None
        actual = used(exchange) if admission.counted is None else admission.counted()
        self.beats += 1
        if not await admission.beat(actual, self._clock.now()):
            self.refused += 1


def _due(exchange: Exchange, since: float) -> bool:
    admission = exchange.admission
    return admission is not None and bool(admission.holds) and admission.beaten <= since
