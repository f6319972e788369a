"""Book now and then what long exchanges have used so far: a crash costs no more than the last period's share."""

import asyncio

from triplegate.core.clock import Clock
from triplegate.edge.live import Live

_BATCH = 50
"""Parts between two turns of the loop."""


class Interims:
    """One task for all of them; each that is under way for longer than `interval` gets a part every `interval`."""

    __slots__ = ("_clock", "_interval", "_live")

    def __init__(self, live: Live, clock: Clock, interval: float) -> None:
        self._live, self._clock, self._interval = live, clock, interval

    async def run(self) -> None:
        """For as long as the process serves."""
        while True:
            await asyncio.sleep(self._interval)
            await self.look()

    async def look(self) -> None:
        """Book each whose reply has begun and that is old enough."""
        since = self._clock.now() - self._interval
        old = [one for one in self._live.exchanges() if one.started <= since and one.numbers.first_byte]
        for number, exchange in enumerate(old, 1):
            exchange.house.interim(exchange)
            if number % _BATCH == 0:
                await asyncio.sleep(0)
