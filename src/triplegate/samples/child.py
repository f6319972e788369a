"""All samples in one process: prints one JSON line with its ports once they listen, then serves until told to stop."""

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from triplegate.samples import llm_provider, mcp_server, orders
from triplegate.samples.http import Server
from triplegate.samples.journal import Journal
from triplegate.samples.parent import die_with_parent


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="triplegate.samples.child", description=__doc__)
    for sample in ("orders", "llm", "mcp"):
        parser.add_argument(f"--{sample}-port", type=int, default=0, help="0: a free one")
    parser.add_argument("--stand-in-port", type=int, help="the scripted provider answers here too, for the real model")
    parser.add_argument("--journal", type=Path, help="append every request to this file, on disk before the answer")
    parser.add_argument("--parent", type=int, help="end when this process does (it must be the parent)")
    return parser.parse_args(argv)


async def serve(options: argparse.Namespace) -> None:
    """Serve until SIGTERM or SIGINT; the ports go to standard output once all of them listen."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    journal = Journal(options.journal) if options.journal else None
    book = orders.Book()
    provider = llm_provider.handler(journal)
    servers = {
        "orders": Server(orders.handler(book, journal), options.orders_port),
        "llm": Server(provider, options.llm_port),
        "mcp": Server(mcp_server.handler(book, journal), options.mcp_port),
    }
    if options.stand_in_port is not None:
        servers["stand_in"] = Server(provider, options.stand_in_port)
    try:
        for server in servers.values():
            await server.start()
        tell({name: server.port for name, server in servers.items()})
        await stop.wait()
    finally:
        for server in servers.values():
            await server.stop()
        if journal is not None:
            journal.close()


def tell(ports: dict[str, int]) -> None:
    """Print the ports as one JSON line, and let go of standard output."""
    sys.stdout.write(msgspec.json.encode(ports).decode() + "\n")
    sys.stdout.flush()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the samples; 1 when a port is taken."""
    options = _arguments(argv)
    if options.parent is not None:
        die_with_parent(options.parent)
    try:
        asyncio.run(serve(options))
    except OSError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
