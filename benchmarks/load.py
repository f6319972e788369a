"""The load client: keeps connections busy or keeps a rate, checks every answer, and prints one JSON line.

`python -m benchmarks.load WORK URL`. At a fixed rate a request that finds no free connection waits in line and its wait
counts (no coordinated omission). Needs httptools only; uses uvloop where it is installed.
"""

import argparse
import asyncio
import gc
import json
import re
import time
from collections import deque
from typing import Any
from urllib.parse import urlsplit

import httptools

from benchmarks.machine import tree
from benchmarks.works import PROTOCOL, WORKS, Work, rpc, tokens_in

STAMP = re.compile(rb"fp_(\d{6,})")
"""The mock's monotonic clock in a paced token."""
now = time.perf_counter


class Connection(asyncio.Protocol):
    """One keep-alive HTTP/1.1 connection, one request in flight."""

    def __init__(self, load: "Load") -> None:
        self.load = load
        self.raw = b""
        self.busy = False
        self.alone: asyncio.Future[int] | None = None
        """Set while a request of the set-up is awaited; it is not counted."""
        self.session = b""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.parser = httptools.HttpResponseParser(self)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.busy:
            self.finish(0)

    def send(self, raw: bytes, due: float) -> None:
        """Send one request; `due` is when it should have gone out."""
        self.busy, self.due, self.first, self.body = True, due, 0.0, []
        self.transport.write(raw)

    def data_received(self, data: bytes) -> None:
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError:
            self.transport.close()

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() == b"mcp-session-id":
            self.session = value

    def on_body(self, data: bytes) -> None:
        if self.load.work.streams:
            self.load.note_tokens(self, data)
        self.body.append(data)

    def on_message_complete(self) -> None:
        keep, status = self.parser.should_keep_alive(), self.parser.get_status_code()
        self.parser = httptools.HttpResponseParser(self)
        if not keep:
            self.transport.close()
        self.finish(status)

    def finish(self, status: int) -> None:
        """Hand the answer over; status 0 = the connection broke."""
        self.busy = False
        if self.alone is not None:
            alone, self.alone = self.alone, None
            alone.set_result(status)
        else:
            self.load.landed(self, status)


class Load:
    """One measurement of one work at one URL."""

    def __init__(self, work: Work, url: str, headers: list[str], tool: str, path: str | None, pid: int) -> None:
        parts = urlsplit(url)
        self.work, self.pid, self.tool = work, pid, tool
        self.host, self.port = parts.hostname or "127.0.0.1", parts.port or 80
        self.path = path or work.path
        self.headers = [f"Host: {self.host}:{self.port}", *headers]
        self.connections: list[Connection] = []
        self.reset(is_open=False)

    def reset(self, *, is_open: bool) -> None:
        """Forget what was counted."""
        self.open = is_open
        self.latencies: list[float] = []
        self.firsts: list[float] = []
        self.events: list[float] = []
        self.tokens = self.errors = 0
        self.statuses: dict[int, int] = {}
        self.sample = b""
        self.free: deque[Connection] = deque()
        self.line: deque[float] = deque()

    def note_tokens(self, connection: Connection, data: bytes) -> None:
        """Count tokens as they arrive; in paced streams, how long each was on its way from the upstream."""
        self.tokens += tokens_in(data)
        if not connection.first:
            connection.first = now()
            self.firsts.append(connection.first - connection.due)
        stamps = STAMP.findall(data)
        if stamps:
            at = time.monotonic_ns()
            self.events.extend((at - int(stamp)) / 1e9 for stamp in stamps)

    async def connect(self) -> Connection:
        """A fresh connection."""
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(lambda: Connection(self), self.host, self.port)
        return connection

    async def ask(self, raw: bytes) -> Connection:
        """One request outside the count, on a connection of its own. Raises RuntimeError on a bad status."""
        connection = await self.connect()
        connection.alone = asyncio.get_running_loop().create_future()
        alone = connection.alone
        connection.send(raw, now())
        status = await asyncio.wait_for(alone, 15)
        connection.transport.close()
        if status not in {200, 202}:
            raise RuntimeError(f"{status}: {b''.join(connection.body)[:300]!r}")
        return connection

    async def prepare(self) -> Connection:
        """A connection with its request; MCP: after a handshake of its own."""
        headers = self.headers
        if self.work.kind == "mcp":
            hello = {"protocolVersion": PROTOCOL, "capabilities": {}, "clientInfo": {"name": "bench", "version": "1"}}
            first = await self.ask(rpc(self.path, headers, "initialize", hello, 1))
            headers = [*headers, f"MCP-Protocol-Version: {PROTOCOL}"]
            if first.session:
                headers = [*headers, f"Mcp-Session-Id: {first.session.decode()}"]
            await self.ask(rpc(self.path, headers, "notifications/initialized", {}, None))
        connection = await self.connect()
        connection.raw = self.work.request(self.path, headers, self.tool)
        return connection

    def fire(self, connection: Connection, due: float) -> None:
        """Send the connection's request, over a new connection where the old one was closed."""
        if connection.transport.is_closing():
            task = asyncio.ensure_future(self.replace(connection, due))
            task.add_done_callback(lambda done: done.cancelled() or done.exception())
        else:
            connection.send(connection.raw, due)

    async def replace(self, connection: Connection, due: float) -> None:
        """Connect again; refused counts as an error."""
        try:
            fresh = await self.connect()
        except OSError:
            self.count_error(-1, b"")
            await asyncio.sleep(0.05)
            self.next(connection)
            return
        fresh.raw = connection.raw
        self.connections[self.connections.index(connection)] = fresh
        fresh.send(fresh.raw, due)

    def count_error(self, status: int, body: bytes) -> None:
        """An answer that is not the one expected."""
        self.errors += 1
        self.statuses[status] = self.statuses.get(status, 0) + 1
        self.sample = self.sample or body[:300]

    def landed(self, connection: Connection, status: int) -> None:
        """Check one answer, count it, send the next request."""
        took = now() - connection.due
        body = b"".join(connection.body)
        if status == 200 and self.work.good(body):
            self.latencies.append(took)
        else:
            self.count_error(status, body)
        self.next(connection)

    def next(self, connection: Connection) -> None:
        """What this connection does now."""
        if not self.open:
            return
        if not self.work.rate:
            self.fire(connection, now())
        elif self.line:
            self.fire(connection, self.line.popleft())
        else:
            self.free.append(connection)

    async def pace(self, rate: float, until: float) -> None:
        """Open loop: the clock sets the rate, not the gateway."""
        start, sent, step = now(), 0, 1 / rate
        while (at := now()) < until:
            while start + sent * step <= at:
                due = start + sent * step
                sent += 1
                if self.free:
                    self.fire(self.free.popleft(), due)
                else:
                    self.line.append(due)
            await asyncio.sleep(min(step, 0.001))

    async def phase(self, seconds: float, rate: float) -> float:
        """Load for `seconds`; the seconds it really took."""
        self.reset(is_open=True)
        start = now()
        if rate:
            self.free.extend(self.connections)
            await self.pace(rate, start + seconds)
        else:
            for connection in self.connections:
                self.fire(connection, now())
            await asyncio.sleep(seconds)
        took = now() - start
        self.open = False
        return took

    async def settle(self, seconds: float) -> None:
        """Let what is under way land."""
        until = now() + seconds
        while any(connection.busy for connection in self.connections) and now() < until:
            await asyncio.sleep(0.01)

    async def run(self, seconds: float, warm: float, rate: float) -> dict[str, object]:
        """Warm up, measure, and report."""
        self.connections = [await self.prepare() for _ in range(self.work.connections)]
        gc.collect()
        gc.freeze()
        gc.disable()
        await self.phase(warm, rate)
        await self.settle(30)
        early = self.errors
        before = tree(self.pid) if self.pid else None
        took = await self.phase(seconds, rate)
        report = self.report(took, rate)
        if before is not None:
            report |= self.cost(before.cpu, took)
        await self.settle(5)
        if early + self.errors:
            report |= {
                "errors": early + self.errors,
                "statuses": self.statuses,
                "sample": self.sample.decode("latin-1"),
            }
        for connection in self.connections:
            connection.transport.abort()
        return report

    def report(self, took: float, rate: float) -> dict[str, object]:
        """The client's side of the figures; times in ms."""
        found: dict[str, object] = {
            "rps": round(len(self.latencies) / took, 1),
            "answers": len(self.latencies),
            "errors": self.errors,
            "p50_ms": quantile(self.latencies, 0.5),
            "p99_ms": quantile(self.latencies, 0.99),
        }
        if rate:
            found |= {"rate": rate, "unsent": len(self.line)}
        if self.work.streams:
            found |= {
                "tokens_s": round(self.tokens / took),
                "first_byte_p50_ms": quantile(self.firsts, 0.5),
                "first_byte_p99_ms": quantile(self.firsts, 0.99),
            }
        if self.events:
            found |= {"event_p50_ms": quantile(self.events, 0.5), "event_p99_ms": quantile(self.events, 0.99)}
        return found

    def cost(self, before: float, took: float) -> dict[str, object]:
        """The gateway's side: CPU of its process tree while it was measured, and its memory."""
        after = tree(self.pid)
        used = after.cpu - before
        found: dict[str, object] = {
            "cores": round(used / took, 2),
            "cpu_us": round(used / max(1, len(self.latencies)) * 1e6, 1),
            "rss_mb": round(after.rss_mb, 1),
            "processes": after.processes,
        }
        if self.work.streams:
            found["cpu_us_token"] = round(used / max(1, self.tokens) * 1e6, 1)
        return found


def quantile(values: list[float], share: float) -> float | None:
    """The value below which `share` of `values` lie, in ms; None of nothing."""
    if not values:
        return None
    ordered = sorted(values)
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1e3, 3)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", choices=WORKS)
    parser.add_argument("url")
    parser.add_argument("-s", "--seconds", type=float, default=3)
    parser.add_argument("-w", "--warm", type=float, default=1)
    parser.add_argument("-r", "--rate", type=float, help="calls a second, instead of the work's own")
    parser.add_argument("-c", "--connections", type=int)
    parser.add_argument("-H", "--header", action="append", default=[])
    parser.add_argument("--path")
    parser.add_argument("--tool", default="echo")
    parser.add_argument("--pid", type=int, default=0, help="root of the gateway's process tree")
    arguments = parser.parse_args()
    work = WORKS[arguments.work]
    if arguments.rate is not None:
        work = work._replace(rate=arguments.rate)
    if arguments.connections:
        work = work._replace(connections=arguments.connections)
    load = Load(work, arguments.url, arguments.header, arguments.tool, arguments.path, arguments.pid)
    try:
        from uvloop import run
    except ImportError:
        from asyncio import run
    print(json.dumps(run(load.run(arguments.seconds, arguments.warm, work.rate))))


if __name__ == "__main__":
    main()
