"""Ports: what is taken is refused before anything starts, and `listening` means that a connection succeeds."""

import asyncio
import socket

import httpx
import pytest
from tests.journeys.running import free_port

from triplegate.edge.listeners import PortTaken, claim_port, hold_port, make_server, wait_listening


def test_a_free_port_is_claimed_and_not_held():
    port = claim_port("127.0.0.1", 0)
    assert port > 0
    assert claim_port("127.0.0.1", port) == port


@pytest.mark.parametrize("shared", [False, True])
def test_a_port_that_somebody_listens_on_is_refused_even_when_it_is_shared(shared):
    with socket.socket() as other:
        if shared:
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(PortTaken, match=f"port {port} on 127.0.0.1 is in use"):
            claim_port("127.0.0.1", port)


def test_an_address_that_is_not_ours_is_said_so():
    with pytest.raises(PortTaken, match=r"cannot listen on 192\.0\.2\.1:0"):
        claim_port("192.0.2.1", 0)


async def test_a_server_answers_once_it_listens_and_stops():
    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": [(b"x-a", b"1")]})
        await send({"type": "http.response.body", "body": b"ok"})

    port = claim_port("127.0.0.1", 0)
    server = make_server(app, "127.0.0.1", port, 16)
    serving = asyncio.ensure_future(server.serve())
    await wait_listening("127.0.0.1", port)
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.get(f"http://127.0.0.1:{port}/", timeout=5)
    assert (answer.status_code, answer.text, answer.headers["x-a"]) == (200, "ok", "1")
    server.stop()
    await asyncio.wait_for(serving, 5)
    with pytest.raises(TimeoutError):
        await wait_listening("127.0.0.1", port, 0.1)


async def test_all_addresses_are_reached_by_loopback():
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
    async with server:
        await wait_listening("0.0.0.0", server.sockets[0].getsockname()[1], 2)  # noqa: S104


@pytest.mark.parametrize("wanted", [0, None])
def test_a_port_is_held_without_answering_and_shared_only_with_who_asks_for_that(wanted):
    with hold_port("127.0.0.1", free_port() if wanted is None else wanted) as held:
        port = held.getsockname()[1]
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), 1)
        with socket.socket() as worker:
            worker.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            worker.bind(("127.0.0.1", port))
            worker.listen()
            socket.create_connection(("127.0.0.1", port), 1).close()
        with socket.socket() as other, pytest.raises(OSError, match="in use"):
            other.bind(("127.0.0.1", port))
