"""Whatever connects on this loop to a name: it is looked up once, remembered, and its addresses are tried in turn."""

import asyncio
import socket
import ssl

import pytest
from tests.certificates import Authority
from tests.servers.spawn import free_port
from tests.upstreams.names import Fixed

from triplegate.upstreams.lookups import Address

V4 = socket.AF_INET


@pytest.fixture
async def server():
    """Its port; it says hello."""

    async def greet(reader, writer):
        writer.write(b"hello\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", free_port()) as running:
        yield running.sockets[0].getsockname()[1]


def names(rows) -> Fixed:
    """What names lead to on this loop from now on."""
    found = asyncio.get_running_loop()._names = Fixed(rows)
    return found


async def greeting(host, port, **options):
    async with asyncio.timeout(10):
        reader, writer = await asyncio.open_connection(host, port, **options)
        said = await reader.read()
        writer.close()
        return said


async def test_a_name_is_remembered_and_a_dead_address_passed_over(server):
    found = names([Address(V4, ("127.0.0.2", server)), Address(V4, ("127.0.0.1", server))])
    for _ in range(3):
        assert await greeting("a.test", server) == b"hello\n"
    assert found.asked == 1


async def test_where_no_address_answers_the_call_is_told(server):
    names([Address(V4, ("127.0.0.2", server)), Address(V4, ("127.0.0.3", server))])
    with pytest.raises(ConnectionRefusedError):
        await greeting("a.test", server)


async def test_a_name_nobody_knows_is_told_and_a_look_up_that_hangs_can_be_left(server):
    found = names(socket.gaierror(socket.EAI_NONAME, "no such name"))
    with pytest.raises(socket.gaierror, match="no such name"):
        await greeting("a.test", server)
    found.hangs = True
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.open_connection("b.test", server), 0.05)


async def test_addresses_and_sockets_need_no_look_up(server):
    found = names(OSError("never asked"))
    assert await greeting("127.0.0.1", server) == b"hello\n"
    own = socket.create_connection(("127.0.0.1", server))
    own.setblocking(False)
    assert await greeting(None, None, sock=own) == b"hello\n"
    assert found.asked == 0


async def test_a_certificate_is_checked_against_the_name_not_the_address(tmp_path):
    authority = Authority(tmp_path)
    pair = authority.sign("a", "a.test")
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    theirs.load_cert_chain(pair.certificate, pair.key)

    async def greet(reader, writer):
        writer.write(b"hello\n")
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", free_port(), ssl=theirs) as running:
        port = running.sockets[0].getsockname()[1]
        names([Address(V4, ("127.0.0.1", port))])
        assert await greeting("a.test", port, ssl=authority.client()) == b"hello\n"
        assert await greeting("b.test", port, ssl=authority.client(), server_hostname="a.test") == b"hello\n"
        with pytest.raises(ssl.SSLCertVerificationError):
            await greeting("b.test", port, ssl=authority.client())
