"""A link at a front: bounded in number, in silence, in what waits, and in what HTTP/2 lets a client do to others."""

import asyncio

import h2.events
import pytest
from tests.certificates import Authority
from tests.edge.fronted import Http2, fronted

from triplegate.edge import front
from triplegate.edge.front_certificates import Certificates, TlsTerms
from triplegate.wire.client_address import TrustedProxies
from triplegate.wire.http2_frames import RESETS

HERE = ("127.0.0.1/32",)


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("link"))


@pytest.fixture
def certificates(authority):
    pair = authority.sign("local", "localhost", "127.0.0.1")
    return Certificates(TlsTerms(((str(pair.certificate), str(pair.key)),), http2=False))


@pytest.mark.parametrize("silent", [b"", b"PRI * HTTP/2.0\r\n"])
async def test_silence_is_bounded_and_never_reaches_the_server_behind(silent):
    async with fronted(http2=True, header_timeout=0.2) as house:
        clients = [await house.connect() for _ in range(5)]
        for client in clients:
            client.writer.write(silent)
        assert house.terms.behind[False][1] == {}
        assert [await client.ended() for client in clients] == [b""] * 5
        assert house.terms.refused["slow"] == 5


async def test_connections_are_bounded_in_all_and_by_address():
    async with fronted(http2=True, connections=3) as house:
        kept = [await house.connect() for _ in range(3)]
        for client in kept:
            await client.ask()
        assert await (await house.connect()).ended() == b""
        assert house.terms.refused == {"connections": 1}
        for client in kept:
            client.close()
    async with fronted(proxies=TrustedProxies(HERE), per_address=1) as house:
        first = await house.connect()
        assert (await first.ask(before=b"PROXY TCP4 192.0.2.7 10.0.0.1 1 80\r\n"))["address"] == "192.0.2.7"
        other = await house.connect()
        await other.ask(before=b"PROXY TCP4 192.0.2.8 10.0.0.1 1 80\r\n")
        again = await house.connect()
        again.writer.write(b"PROXY TCP4 192.0.2.7 10.0.0.1 2 80\r\nGET / HTTP/1.1\r\nhost: a\r\n\r\n")
        assert await again.ended() == b""
        first.close()
        async with asyncio.timeout(5):
            while house.terms.addresses["192.0.2.7"]:
                await asyncio.sleep(0.01)
        assert (await (await house.connect()).ask(before=b"PROXY TCP4 192.0.2.7 10.0.0.1 3 80\r\n"))["size"] == 0


@pytest.mark.parametrize("secure", [False, True])
async def test_large_bodies_go_both_ways_and_a_slow_reader_holds_the_reply_back(authority, certificates, secure):
    shown = certificates if secure else None
    async with fronted(certificates=shown, http2=not secure) as house:
        client = await house.connect(authority.client() if secure else None)
        body = b"y" * 3_000_000
        client.writer.write(b"POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
        assert b'"size": 3000000' in await client.answer()
        client.writer.write(b"GET /large HTTP/1.1\r\nhost: localhost\r\n\r\n" * 20)
        await asyncio.sleep(0.1)
        for link in house.terms.links:
            assert link._transport.get_write_buffer_size() < 1_000_000
        for _ in range(20):
            assert await client.answer() == b"x" * 1_000_000
        client.close()


async def test_a_client_that_says_its_last_word_still_gets_its_answer_through_http2():
    async with fronted(http2=True) as house:
        http2 = Http2(await house.connect())
        assert (await http2.ask())["version"] == "2"
        http2.client.writer.write_eof()
        await http2.client.ended()


async def test_a_flood_of_resets_ends_its_connection_and_no_other():
    async with fronted(http2=True) as house:
        good, bad = Http2(await house.connect()), Http2(await house.connect())
        assert (await bad.ask())["version"] == "2"
        for _ in range(RESETS + 1):
            bad.h2.reset_stream(bad.begin())
        bad.flush()
        with pytest.raises((EOFError, ConnectionError)):
            await bad.until(h2.events.PingReceived)
        assert house.terms.refused["flood of resets"] == 1
        assert (await good.ask())["version"] == "2"
        good.client.close()


async def test_idle_http2_is_told_goodbye_and_a_stream_under_way_is_not_idle(monkeypatch):
    monkeypatch.setattr(front, "SWEEP", 0.05)
    async with fronted(http2=True, header_timeout=0.3) as house:
        idle, busy = Http2(await house.connect()), Http2(await house.connect())
        await idle.ask()
        stream = busy.begin("/slow")
        gone = await idle.until(h2.events.ConnectionTerminated)
        assert gone.error_code == 0
        house.go.set()
        await busy.until(h2.events.StreamEnded, stream)
        busy.client.close()


async def test_a_header_block_that_never_ends_is_cut(monkeypatch):
    monkeypatch.setattr(front, "SWEEP", 0.05)
    async with fronted(http2=True, header_timeout=0.3) as house:
        http2 = Http2(await house.connect())
        await http2.ask()
        http2.client.writer.write(b"\x00\x00\x05\x01\x00\x00\x00\x00\x63\x82\x84")
        await http2.client.ended()
        assert house.terms.refused["slow"] == 1


@pytest.mark.parametrize("secure", [False, True])
async def test_the_end_of_a_reply_reaches_a_client_that_still_sends(authority, certificates, secure):
    """The server behind answers early and closes: what it said must not be lost to a reset."""
    async with fronted(certificates=certificates if secure else None, http2=not secure) as house:
        client = await house.connect(authority.client() if secure else None)
        client.writer.write(b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        client.writer.write(b"z" * 200_000)
        assert b'"version": "1.1"' in await client.answer()
        assert await client.ended() == b""


async def test_tls_that_is_cut_is_no_end_of_a_request(authority, certificates):
    async with fronted(certificates=certificates) as house:
        client = await house.connect(authority.client())
        client.writer.write(b"POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 10\r\n\r\nhalf")
        async with asyncio.timeout(5):
            while not house.terms.behind[False][1]:
                await asyncio.sleep(0.01)
        client.close()
        async with asyncio.timeout(5):
            while house.terms.links:
                await asyncio.sleep(0.01)
        assert house.terms.behind[False][1] == {}


async def test_a_server_behind_that_cannot_be_reached_is_told_by_the_end(certificates):
    async with fronted(http2=True) as house:
        port, table = house.terms.behind[False]
        house.terms.behind[False] = (1, table)
        client = await house.connect()
        client.writer.write(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        assert await client.ended() == b""
        assert (house.terms.refused["server behind"], table) == (1, {})
        house.terms.behind[False] = (port, table)
