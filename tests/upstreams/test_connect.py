"""Addresses race, and a dead address costs a quarter of a second, not a minute."""

import asyncio
import contextlib
import socket

import pytest
import uvloop
from tests.hostile.scripted import Stopwatch, Upstream, says
from tests.upstreams.names import Fixed

from triplegate.core.errors import Refusal
from triplegate.upstreams.connect import connect
from triplegate.upstreams.lookups import Address
from triplegate.upstreams.origin import Origin
from triplegate.upstreams.resolve import Resolver

V4 = socket.AF_INET


async def test_what_is_not_a_name_is_unreachable():
    for host in ("a" * 70 + ".test", "no-such-name.invalid"):
        with pytest.raises(Refusal, match="upstream_unreachable"):
            await connect(Origin("http", host, 80), Resolver(), asyncio.Protocol, tls=None, sni=None, timeout=5)


def test_an_address_waits_for_no_name_that_hangs():
    class Deaf(uvloop.Loop):
        async def getaddrinfo(self, *args, **more):
            await asyncio.sleep(5)
            raise OSError("nobody answers")

    async def dial():
        server = await asyncio.start_server(lambda reader, writer: writer.close(), sock=listening)
        origin = Origin("http", "127.0.0.1", listening.getsockname()[1])
        try:
            protocol = await connect(origin, Resolver(), Greeted, tls=None, sni=None, timeout=2)
            protocol.transport.abort()
        finally:
            server.close()

    with socket.create_server(("127.0.0.1", 0)) as listening, asyncio.Runner(loop_factory=Deaf) as runner:
        runner.run(dial())


async def test_the_first_address_that_answers_wins():
    async with Upstream(says()) as upstream:
        with socket.socket() as dead:
            dead.bind(("127.0.0.1", 0))
            resolver = Fixed([Address(V4, dead.getsockname()), Address(V4, ("127.0.0.1", upstream.port))])
            origin = Origin("http", "many.test", 80)
            protocol = await connect(origin, resolver, Greeted, tls=None, sni=None, timeout=2)
            assert protocol.transport.get_extra_info("peername")[1] == upstream.port
            protocol.transport.abort()
            await upstream.until_idle()


async def test_when_no_address_answers_the_reason_is_the_operating_systems():
    with socket.socket() as dead:
        dead.bind(("127.0.0.1", 0))
        resolver = Fixed([Address(V4, dead.getsockname())] * 2)
        with pytest.raises(Refusal) as caught:
            await connect(Origin("http", "many.test", 80), resolver, Greeted, tls=None, sni=None, timeout=2)
        assert caught.value.code == "upstream_unreachable"
        assert "Errno 111" in caught.value.reason


async def test_an_address_that_never_answers_holds_nobody_up_for_long():
    async with Upstream(says()) as upstream:
        with socket.socket() as full, contextlib.ExitStack() as stack:
            full.bind(("127.0.0.1", 0))
            full.listen(0)
            for _ in range(8):
                filler = stack.enter_context(socket.socket())
                filler.setblocking(False)
                filler.connect_ex(full.getsockname())
            resolver = Fixed([Address(V4, full.getsockname()), Address(V4, ("127.0.0.1", upstream.port))])
            with Stopwatch() as watch:
                protocol = await connect(
                    Origin("http", "many.test", 80), resolver, Greeted, tls=None, sni=None, timeout=5
                )
            assert 0.2 <= watch.seconds < 3
            protocol.transport.abort()
            assert (await resolver.addresses("many.test", 80))[0].sockaddr[
                1
            ] == upstream.port  # nobody asks it first now
            await upstream.until_idle()


async def test_sockets_are_tuned_to_notice_a_peer_that_vanished():
    async with Upstream(says()) as upstream:
        origin = Origin("http", "127.0.0.1", upstream.port)
        protocol = await connect(origin, Resolver(), Greeted, tls=None, sni=None, timeout=2)
        sock = protocol.transport.get_extra_info("socket")
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 30_000
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        protocol.transport.abort()
        await upstream.until_idle()


class Greeted(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport
