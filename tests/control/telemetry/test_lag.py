"""A blocked loop shows in the histogram of its lag."""

import asyncio
import time

from triplegate.control.telemetry.lag import LoopLag
from triplegate.core.meters import Meters


async def test_blocking_the_loop_is_seen() -> None:
    histogram = Meters().loop_lag
    lag = LoopLag(histogram)
    lag.start()
    time.sleep(0.3)  # the fault under test: somebody blocks the loop
    async with asyncio.timeout(5):
        while not histogram.series:
            await asyncio.sleep(0.01)
    lag.close()
    assert histogram.series[()][-1] >= 0.19


async def test_closed_it_stops() -> None:
    histogram = Meters().loop_lag
    lag = LoopLag(histogram)
    lag.start()
    lag.close()
    await asyncio.sleep(0.15)
    assert not histogram.series
