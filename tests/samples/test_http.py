"""The samples' HTTP server, on real sockets, byte by byte."""

import asyncio
import socket
import struct
from collections.abc import AsyncGenerator

import httpx
import pytest

from triplegate.samples.http import Answer, Cut, Request, Server


async def told(request: Request) -> Answer:
    body = await request.body()
    return Answer.json({"method": request.method, "path": request.path, "query": request.query, "size": len(body)})


async def exchange(server: Server, sent: bytes) -> bytes:
    """Send bytes, end our side only when the server ended its own, return all it said."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(sent)
    async with asyncio.timeout(5):
        said = await reader.read()
    writer.close()
    await writer.wait_closed()
    return said


async def test_a_connection_is_kept_for_the_next_request() -> None:
    async with Server(told) as server, httpx.AsyncClient(base_url=server.url) as client:
        for number in range(3):
            assert (await client.post(f"/a%20b?n={number}", content=b"xyz")).json() == {
                "method": "POST", "path": "/a b", "query": {"n": str(number)}, "size": 3,
            }  # fmt: skip
        assert len(server.connections) == 1


async def test_pipelined_requests_are_answered_in_order_and_the_last_one_closes() -> None:
    async with Server(told) as server:
        first = b"POST /1 HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\nabc"
        second = b"GET /2 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
        said = await exchange(server, first + second)
    assert said.count(b"HTTP/1.1 200 OK") == 2
    assert said.index(b'"path":"/1"') < said.index(b'"path":"/2"')


async def test_trailers_do_not_become_headers_of_the_next_request() -> None:
    async def names(request: Request) -> Answer:
        await request.body()
        return Answer(repr([name for name, _ in request.headers]).encode())

    async with Server(names) as server:
        first = b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\nsum: 1\r\n\r\n"
        said = await exchange(server, first + b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
    assert said.endswith(b"['host', 'connection']")
    assert b"sum" not in said


async def test_a_body_left_unread_does_not_spoil_the_next_request() -> None:
    async def careless(request: Request) -> Answer:
        return Answer(request.path.encode())

    async with Server(careless) as server, httpx.AsyncClient(base_url=server.url) as client:
        assert (await client.post("/1", content=b"GET /no HTTP/1.1\r\n\r\n" * 100_000)).text == "/1"
        assert (await client.get("/2")).text == "/2"


async def test_a_streamed_answer_leaves_chunk_by_chunk() -> None:
    go_on = asyncio.Event()

    async def stream(request: Request) -> Answer:
        async def chunks() -> AsyncGenerator[bytes, None]:
            yield b"one"
            await go_on.wait()
            yield b"two"

        return Answer(chunks())

    async with (
        Server(stream) as server,
        httpx.AsyncClient(base_url=server.url) as client,
        client.stream("GET", "/") as reply,
    ):
        assert reply.headers["transfer-encoding"] == "chunked"
        pieces = reply.aiter_bytes()
        assert await anext(pieces) == b"one"
        go_on.set()
        assert await anext(pieces) == b"two"
        assert [piece async for piece in pieces] == []


async def test_http_1_0_gets_no_chunks_and_a_close() -> None:
    async def stream(request: Request) -> Answer:
        async def chunks() -> AsyncGenerator[bytes, None]:
            yield b"one"
            yield b"two"

        return Answer(chunks())

    async with Server(stream) as server:
        said = await exchange(server, b"GET / HTTP/1.0\r\n\r\n")
    assert said.endswith(b"\r\n\r\nonetwo")
    assert b"chunked" not in said


async def test_head_and_204_carry_no_body() -> None:
    async def handler(request: Request) -> Answer:
        async def chunks() -> AsyncGenerator[bytes, None]:
            yield b"12345"

        if request.path == "/stream":
            return Answer(chunks())
        return Answer(status=204) if request.method == "DELETE" else Answer(b"12345")

    async with Server(handler) as server:
        said = await exchange(server, b"HEAD / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        assert said.endswith(b"content-length: 5\r\n\r\n")
        said = await exchange(server, b"DELETE / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        assert said == b"HTTP/1.1 204 No Content\r\n\r\n"
        said = await exchange(server, b"HEAD /stream HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        assert said.endswith(b"transfer-encoding: chunked\r\n\r\n")


async def test_expect_100_continue_is_answered_before_the_body_comes() -> None:
    async with Server(told) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"POST / HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n")
        async with asyncio.timeout(5):
            assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
            writer.write(b"ok")
            assert b"200 OK" in await reader.readuntil(b"\r\n\r\n")
        writer.close()
        await writer.wait_closed()


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"nonsense\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nbad header\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nx: " + b"y" * 70_000 + b"\r\n\r\n", b"431"),
    ],
)
async def test_what_is_not_http_gets_an_error_and_a_close(sent: bytes, status: bytes) -> None:
    async with Server(told) as server:
        assert (await exchange(server, sent)).startswith(b"HTTP/1.1 " + status)


async def test_a_body_over_the_limit_is_refused() -> None:
    async def strict(request: Request) -> Answer:
        return Answer(await request.body(limit=10))

    async with Server(strict) as server:
        sent = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 11\r\n\r\n12345678901"
        assert (await exchange(server, sent)).startswith(b"HTTP/1.1 413")


async def test_a_fast_sender_is_held_back_until_the_handler_reads() -> None:
    read = asyncio.Event()

    async def late(request: Request) -> Answer:
        await read.wait()
        return Answer(str(sum([len(chunk) async for chunk in request.chunks()])).encode())

    size = 30_000_000
    async with Server(late) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % size)
        writer.write(b"x" * size)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await writer.drain()
        read.set()
        async with asyncio.timeout(10):
            assert (await reader.read()).endswith(b"\r\n\r\n%d" % size)
        writer.close()
        await writer.wait_closed()


async def test_a_fault_of_a_handler_is_a_500_and_one_in_a_body_a_cut() -> None:
    async def faulty(request: Request) -> Answer:
        async def chunks() -> AsyncGenerator[bytes, None]:
            yield b"half"
            raise ZeroDivisionError

        if request.path == "/body":
            return Answer(chunks())
        raise ZeroDivisionError

    faults: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, trouble: faults.append(trouble["exception"]))
    async with Server(faulty) as server, httpx.AsyncClient(base_url=server.url) as client:
        assert (await client.get("/")).status_code == 500
        with pytest.raises(httpx.RemoteProtocolError):
            await client.get("/body")
    assert [type(fault) for fault in faults] == [ZeroDivisionError, ZeroDivisionError]


@pytest.mark.parametrize("reset", [False, True])
async def test_a_cut_ends_the_connection_in_the_middle(reset: bool) -> None:
    async def cut(request: Request) -> Answer:
        async def chunks() -> AsyncGenerator[bytes, None]:
            yield b"half"
            if request.query.get("wait"):
                await asyncio.sleep(0.05)  # let the first half arrive before a reset throws it away
            raise Cut(reset=reset)

        return Answer(chunks())

    async with Server(cut) as server, httpx.AsyncClient(base_url=server.url) as client:
        with pytest.raises(httpx.ReadError if reset else httpx.RemoteProtocolError):
            await client.get("/?wait=1")


@pytest.mark.parametrize("how", ["close", "reset"])
async def test_a_client_that_leaves_cancels_its_answer_at_once(how: str) -> None:
    started, gone = asyncio.Event(), asyncio.Event()

    async def endless(request: Request) -> Answer:
        async def chunks() -> AsyncGenerator[bytes, None]:
            yield b"first"
            started.set()
            await asyncio.sleep(60)

        answer = Answer(chunks())
        answer.ended = lambda outcome: gone.set() if outcome == "gone" else None
        return answer

    async with Server(endless) as server:
        _, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        async with asyncio.timeout(2):
            await started.wait()
            if how == "reset":
                linger = struct.pack("ii", 1, 0)
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            writer.close()
            await gone.wait()
        assert not server.connections


async def test_stop_ends_accepted_connections_and_frees_the_port() -> None:
    server = await Server(told).start()
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
    await reader.readuntil(b"\r\n\r\n")
    await server.stop()
    async with asyncio.timeout(2):
        await reader.read()
    writer.close()
    await writer.wait_closed()
    again = await Server(told, server.port).start()
    assert again.port == server.port
    await again.stop()
