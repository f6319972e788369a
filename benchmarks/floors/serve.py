"""One granian listener inside the running loop, as `triplegate serve` uses it."""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress

import uvloop
from granian.constants import Interfaces
from granian.server.embed import Server

App = Callable[..., Awaitable[None]]


async def _serve(app: App, port: int) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    server = Server(
        app,
        address="127.0.0.1",
        port=port,
        interface=Interfaces.ASGINL,
        backlog=8192,
        backpressure=8192,
        log_enabled=False,
    )
    task = asyncio.ensure_future(server.serve())
    stopped = asyncio.ensure_future(stop.wait())
    await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    server.stop()
    with suppress(asyncio.CancelledError):
        await task


def serve(make: Callable[[list[str]], App]) -> None:
    """Serve `make(argv after the port)` on 127.0.0.1 until SIGTERM; the first argument is the port."""
    port = int(sys.argv[1])
    if len(os.sched_getaffinity(0)) == 1:
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))  # as the house does on one core

    async def main() -> None:
        await _serve(make(sys.argv[2:]), port)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
