"""Asks now and then whether the callers of long-lived exchanges may still be here, and ends those who may not."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from triplegate.core.exchange import Exchange
from triplegate.edge.live import Live
from triplegate.edge.serve import as_refusal

_BATCH = 50
"""Looks between two turns of the loop: thousands of channels must not hold up the calls."""


class Rechecks:
    """One task for all of them; it looks every `interval` seconds, and at once when it is asked to."""

    __slots__ = ("_asked", "_check", "_interval", "_live", "ended")

    def __init__(self, live: Live, check: Callable[[Exchange], Awaitable[None]], interval: float) -> None:
        self._live, self._check, self._interval = live, check, interval
        self._asked = asyncio.Event()
        self.ended = 0
        """Exchanges that were ended so far."""

    def ask(self) -> None:
        """Look soon: keys or the configuration have changed."""
        self._asked.set()

    async def run(self) -> None:
        """For as long as the process serves."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._interval):
                    await self._asked.wait()
            self._asked.clear()
            await self.look()

    async def look(self) -> None:
        """Look at each that lasts; whoever would not be let in now is told so and ended."""
        lasting = [(wire, exchange) for wire, exchange in self._live.wires.items() if _lasts(exchange)]
        for number, (wire, exchange) in enumerate(lasting, 1):
            try:
                await self._check(exchange)
            except Exception as error:  # noqa: BLE001 - what cannot be answered is not a yes
                if exchange.outcome is None:
                    self.ended += 1
                    refusal = as_refusal(error)
                    exchange.refusal = exchange.refusal or refusal
                    wire.dismiss(refusal)
            if number % _BATCH == 0:
                await asyncio.sleep(0)


def _lasts(exchange: Exchange) -> bool:
    """An open channel, or a stream of events under way."""
    return exchange.numbers.streamed and exchange.numbers.first_byte > 0
