"""The listener of the in-loop transport: room for those who speak, times for those who do not, an orderly end."""

import asyncio
import contextlib
import socket

import pytest
from tests.edge.http1_pipe import Echo, make_plane
from tests.journeys.running import free_port

from triplegate.core.clock import SystemClock
from triplegate.core.http import OneFrame, Reply
from triplegate.edge.http1_server import Http1Server

GET = b"GET /a HTTP/1.1\r\nHost: a.test\r\n\r\n"
LAST = b"GET /a HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n"
BIG = bytes(3_000_000)


class Running:
    """A server and the clients that called it."""

    def __init__(self, answer=None, host="127.0.0.1", **more):
        self.plane, _ = make_plane(answer or Echo())
        self.port = free_port()
        self.server = Http1Server(self.plane, host, self.port, SystemClock(), **more)
        self.writers = []

    async def __aenter__(self):
        self.plane.live.start()
        self.task = asyncio.ensure_future(self.server.serve())
        await asyncio.sleep(0)
        return self

    async def __aexit__(self, *error):
        for writer in self.writers:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()
        self.plane.live.stop()
        self.server.stop()
        async with asyncio.timeout(5):
            await self.task

    async def dial(self, host="127.0.0.1"):
        async with asyncio.timeout(5):
            reader, writer = await asyncio.open_connection(host, self.port)
        self.writers.append(writer)
        return reader, writer

    async def ask(self, content=GET, host="127.0.0.1"):
        reader, writer = await self.dial(host)
        writer.write(content)
        return reader


async def read(reader, size=-1):
    async with asyncio.timeout(5):
        return await reader.read(size)


async def until(true):
    async with asyncio.timeout(5):
        while not true():
            await asyncio.sleep(0.005)


async def test_clients_are_answered_over_one_connection_with_the_day_and_time():
    async with Running() as running:
        reader, writer = await running.dial()
        for _ in range(3):
            writer.write(GET)
            answer = await read(reader, 65536)
            assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
            assert b"\r\ndate: " in answer
            assert b" GMT\r\n" in answer
        assert len(running.server) == 1
        writer.close()
        await until(lambda: not len(running.server))


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="no IPv6 here")
async def test_an_ipv4_client_of_a_listener_for_both_has_its_own_address():
    seen = []

    async def note(gate, exchange):
        seen.append(exchange.inbound.peer.address)
        return Reply(200, [], OneFrame(b"x"))

    async with Running(note, host="::") as running:
        for host in ("127.0.0.1", "::1"):
            await read(await running.ask(host=host), 65536)
    assert seen == ["127.0.0.1", "::1"]


async def test_a_head_that_does_not_come_ends_the_connection():
    async with Running(header_timeout=0.2) as running:
        silent, slow = await running.ask(b""), await running.ask(GET[:20])
        assert await read(silent) == b""
        assert (await read(slow)).startswith(b"HTTP/1.1 408 ")


async def test_those_who_say_nothing_make_room_for_others():
    async with Running(connections=3) as running:
        silent = [await running.ask(b"") for _ in range(3)]
        await until(lambda: len(running.server) == 3)
        assert (await read(await running.ask(), 65536)).startswith(b"HTTP/1.1 200 OK\r\n")
        assert await read(silent[0]) == b""
        assert running.server.evicted == 1


async def test_where_all_have_calls_one_more_is_told_so():
    gate = asyncio.Event()

    async def slow(_, exchange):
        if exchange.refusal is not None:
            return Reply(503, [], OneFrame(b""))
        await gate.wait()
        return Reply(200, [], OneFrame(b"x"))

    async with Running(slow, connections=2) as running:
        busy = [await running.ask() for _ in range(2)]
        await until(lambda: len(running.plane.live) == 2)
        assert (await read(await running.ask(b""))).startswith(b"HTTP/1.1 503 ")
        gate.set()
        for reader in busy:
            assert (await read(reader, 65536)).startswith(b"HTTP/1.1 200 ")


async def test_a_stop_answers_what_is_under_way_and_closes_the_rest():
    gate = asyncio.Event()

    async def slow(_, exchange):
        await gate.wait()
        return Reply(200, [], OneFrame(b"x"))

    async with Running(slow) as running:
        idle, busy = await running.ask(b""), await running.ask()
        await until(lambda: len(running.plane.live) == 1)
        running.server.stop()
        assert await read(idle) == b""
        with pytest.raises(ConnectionError):
            await running.dial()
        assert not running.task.done()
        gate.set()
        answer = await read(busy)
        assert b"connection: close\r\n" in answer
        assert answer.endswith(b"x")


async def test_a_slow_reader_gets_all_of_the_last_answer():
    async def big(_, exchange):
        return Reply(200, [], OneFrame(BIG))

    async with Running(big) as running:
        reader = await running.ask(LAST)
        await asyncio.sleep(0.3)
        answer = await read(reader)
        assert len(answer.partition(b"\r\n\r\n")[2]) == len(BIG)


async def test_one_that_we_ended_and_that_stays_is_cut(monkeypatch):
    monkeypatch.setattr("triplegate.edge.http1_server._LINGER", 0.1)
    async with Running() as running:
        await read(await running.ask(LAST))
        await until(lambda: not len(running.server))
