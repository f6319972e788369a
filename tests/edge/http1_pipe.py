"""A client's connection without a network: bytes go in, what was answered is read off, and the loop turns as told."""

import asyncio

from tests.builders import PlainGate, make_house

from triplegate.core.errors import Gone, Refusal
from triplegate.core.exchange import Exchange
from triplegate.core.http import OneFrame, Peer, Reply
from triplegate.edge.asgi import DataPlane, EdgeLimits
from triplegate.edge.guard import Canonical, Limits
from triplegate.edge.http1 import Connection
from triplegate.edge.http1_body import Http1Body
from triplegate.edge.http1_wire import Http1Wire
from triplegate.edge.live import Live

LIMITS = EdgeLimits(Limits(), body=200_000, body_idle=5.0, write_idle=7.0)


class Opening(PlainGate):
    """Opens what it is given and keeps it."""

    def __init__(self):
        super().__init__()
        self.opened = []
        self.house = make_house()

    def open(self, inbound):
        exchange = Exchange(self.house.make_id(), self, inbound, self.house, 0.0, request_id=b"r")
        self.opened.append(exchange)
        return exchange


class Echo:
    """Answers each call with its own line and body, and keeps what it was asked."""

    def __init__(self):
        self.seen = []
        self.broken = []

    async def __call__(self, gate, exchange):
        inbound = exchange.inbound
        if exchange.refusal is not None:
            return gate.refuse(exchange, exchange.refusal)
        try:
            body = await inbound.body.whole(1 << 20)
        except (Refusal, Gone) as error:
            self.broken.append(error)
            raise
        self.seen.append((inbound.method, inbound.path, tuple(inbound.headers), body))
        return Reply(200, [(b"content-type", b"text/plain")], OneFrame(b"<" + body + b">"))


def make_plane(answer, limits=LIMITS):
    gate = Opening()
    return DataPlane(lambda path: gate, answer, limits, None, Live()), gate


class Keeper:
    """The server's side of a connection, written down."""

    scheme = "http"

    def __init__(self, plane, room=True):
        self.plane, self.room = plane, room
        self.loop = asyncio.get_running_loop()
        self.closing = False
        self.told = []

    def admit(self, connection):
        return self.room

    def date(self):
        return b"date: Thu, 01 Jan 2026 00:00:00 GMT\r\n"

    def __getattr__(self, name):
        if name not in ("await_head", "busy", "await_end", "forget"):
            raise AttributeError(name)
        return lambda connection: self.told.append(name)


class Pipe(asyncio.Transport):
    """The transport of one connection."""

    def __init__(self, keeper, address="192.0.2.7"):
        super().__init__({"peername": (address, 4000)})
        self.keeper = keeper
        self.sent = b""
        self.halted = self.ended = self.gone = False
        self.how = ""
        self.connection = Connection(keeper)
        self.connection.connection_made(self)

    def say(self, content):
        if not self.gone:
            self.connection.data_received(content)
        return self

    def leave(self):
        """The client closes."""
        if not self.gone:
            self.connection.eof_received()
            self._lose("left")

    def write(self, data):
        assert not self.ended, "written after the end"
        self.sent += data

    def get_write_buffer_size(self):
        return 0

    def can_write_eof(self):
        return True

    def write_eof(self):
        self.ended = True

    def is_closing(self):
        return self.gone

    def close(self):
        self._lose("closed")

    def abort(self):
        self._lose("aborted")

    def pause_reading(self):
        self.halted = True

    def resume_reading(self):
        self.halted = False

    def _lose(self, how):
        if not self.gone:
            self.gone, self.how = True, how
            self.keeper.loop.call_soon(self.connection.connection_lost, None)


async def turn(times=12):
    """Let what is ready run."""
    for _ in range(times):
        await asyncio.sleep(0)


def answers(content):
    """(status, fields, body) of each answer that is whole, and what is left of the bytes."""
    found = []
    while b"\r\n\r\n" in content:
        head, _, rest = content.partition(b"\r\n\r\n")
        first, *lines = head.split(b"\r\n")
        fields = dict(line.split(b": ", 1) for line in lines)
        status = int(first.split()[1])
        if status < 200:
            content = rest
            continue
        if fields.get(b"transfer-encoding") == b"chunked":
            body, whole, rest = _chunks(rest)
        else:
            size = int(fields.get(b"content-length", len(rest)))
            body, whole, rest = rest[:size], len(rest) >= size, rest[size:]
        if not whole:
            break
        found.append((status, fields, body))
        content = rest
    return found, content


def _chunks(content):
    body = b""
    while b"\r\n" in content:
        line, _, rest = content.partition(b"\r\n")
        size = int(line, 16)
        if len(rest) < size + 2:
            break
        body, content = body + rest[:size], rest[size + 2 :]
        if not size:
            return body, True, content
    return body, False, content


class Connected:
    """The connection of one call."""

    def __init__(self):
        self.loop = asyncio.get_running_loop()
        self.paused = False
        self.sent = b""
        self.reading = True
        self.cuts = []
        self.queued = 0

    def unsent(self):
        return self.queued

    def write(self, content):
        self.sent += content

    def read_on(self, *, wanted):
        self.reading = wanted

    def cut(self, *, queued=True, reset=False):
        self.cuts.append((queued, reset))

    def date(self):
        return b"date: now\r\n"

    def wire(self, method="GET", version="1.1", keep=True):
        wire = Http1Wire(self, LIMITS, method, version, keep=keep)
        wire.task = asyncio.current_task()
        return wire

    def body(self, length=None, *, expect=False):
        seen = Canonical(
            "data", "POST", "http", "a", None, "/", b"", [], Peer(""), "1.1", length, length is None, expect
        )
        return Http1Body(self, seen, LIMITS)
