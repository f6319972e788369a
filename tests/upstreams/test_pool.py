"""The way out: what is sent, what is sent again, and what never is."""

import asyncio
import time

import msgspec
import pytest
from tests.builders import make_kit
from tests.hostile.scripted import DISPATCH, Pieces, Upstream, ask, content, pool_to, says

from triplegate.core.errors import Refusal
from triplegate.core.http import BytesBody
from triplegate.upstreams.origin import parse
from triplegate.upstreams.pool import Pool, shared_pool
from triplegate.upstreams.supervisor import TaskSupervisor
from triplegate.upstreams.tunnel import Tunnel

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


async def test_a_request_goes_out_as_it_was_given_with_framing_of_our_own():
    async with Upstream(says(OK)) as upstream, pool_to(upstream) as pool:
        headers = [(b"x-a", b"1"), (b"content-length", b"999"), (b"transfer-encoding", b"chunked"), (b"x-a", b"2")]
        await content(await ask(pool, "POST", BytesBody(b"abc"), headers=headers))
        received = upstream.talks[0].received
        await upstream.until(lambda: received.endswith(b"abc"))
        assert received == (b"POST /x HTTP/1.1\r\nhost: up.test\r\nx-a: 1\r\nx-a: 2\r\ncontent-length: 3\r\n\r\nabc")


async def test_a_large_body_that_is_here_goes_out_whole():
    body = b"x" * 300_000

    async def script(talk):
        head = await talk.head()
        assert b"content-length: 300000\r\n" in head
        assert await talk.read(len(body)) == body
        await talk.say(OK)
        await talk.read_to_end()

    async with Upstream(script) as upstream, pool_to(upstream) as pool:
        assert await content(await ask(pool, "POST", BytesBody(body))) == b"ok"


async def test_connections_are_kept_and_the_last_one_used_is_used_first():
    async with Upstream(says(*[OK] * 5)) as upstream, pool_to(upstream) as pool:
        replies = await asyncio.gather(*(ask(pool) for _ in range(3)))
        for reply in replies:
            await content(reply)
        assert pool.counters().open == pool.counters().idle == 3
        last = pool._idle[-1]
        await content(await ask(pool))
        assert pool._idle[-1] is last
        assert upstream.connections == 3
        assert pool.counters().reused == 1


def closes_on_reuse(received):
    """Answers the first request of each connection, and closes when the second one comes."""

    async def script(talk):
        await talk.head()
        received.append(talk.number)
        await talk.say(OK)
        await talk.head()
        received.append(talk.number)

    return script


async def test_a_stale_connection_costs_a_get_nothing():
    received = []
    async with Upstream(closes_on_reuse(received)) as upstream, pool_to(upstream) as pool:
        for _ in range(50):
            assert await content(await ask(pool)) == b"ok"
        assert pool.counters().stale == 49
        assert upstream.connections == 50


async def test_a_stale_connection_never_sends_a_post_twice():
    received = []
    async with Upstream(closes_on_reuse(received)) as upstream, pool_to(upstream) as pool:
        await content(await ask(pool))
        with pytest.raises(Refusal, match="upstream_reset"):
            await ask(pool, "POST", BytesBody(b"pay"))
        assert received == [1, 1]
        assert upstream.connections == 1


async def test_a_put_whose_body_cannot_be_repeated_is_not_sent_twice():
    async with Upstream(closes_on_reuse([])) as upstream, pool_to(upstream) as pool:
        await content(await ask(pool))
        with pytest.raises(Refusal, match="upstream_reset"):
            await ask(pool, "PUT", Pieces([b"one", b"two"]))
        assert upstream.connections == 1


async def test_the_retry_is_one_only_and_on_a_fresh_connection():
    async def script(talk):
        await talk.head()
        if talk.number <= 2:
            await talk.say(OK)
            await talk.head()
        # the third connection closes without a word

    async with Upstream(script) as upstream, pool_to(upstream) as pool:
        for reply in await asyncio.gather(ask(pool), ask(pool)):
            await content(reply)
        assert pool.counters().idle == 2
        with pytest.raises(Refusal, match="upstream_reset"):
            await ask(pool)
        assert upstream.connections == 3
        assert pool.counters().stale == 1


async def test_once_a_byte_of_the_reply_came_nothing_is_sent_again():
    async def script(talk):
        await talk.head()
        await talk.say(OK)
        await talk.head()
        await talk.say(b"H")

    async with Upstream(script) as upstream, pool_to(upstream) as pool:
        await content(await ask(pool))
        with pytest.raises(Refusal, match="upstream_reset"):
            await ask(pool)
        assert upstream.connections == 1


async def test_a_connection_the_upstream_closed_while_idle_is_not_used():
    async with Upstream(says(OK, close=True)) as upstream, pool_to(upstream) as pool:
        for count in range(3):
            await content(await ask(pool, "POST", BytesBody(b"x")))
            await upstream.until_idle()
            await upstream.until(lambda: pool.counters().open == 0)
            assert upstream.connections == count + 1
        assert pool.counters().stale == 0


@pytest.mark.parametrize(
    ("target", "headers"),
    [
        (b"/x\r\nX-Admin: 1", []),
        (b"/x HTTP/1.1", []),
        (b"", []),
        (b"/x", [(b"x-a", b"1\r\nX-Admin: 1")]),
        (b"/x", [(b"x-a", b"1\nX-Admin: 1")]),
        (b"/x", [(b"x-a", b"1\rX-Admin: 1")]),
        (b"/x", [(b"x-a", b"\0")]),
        (b"/x", [(b"x-a\r\nx-admin", b"1")]),
    ],
)
async def test_nothing_can_be_injected_into_a_request(target, headers):
    async with Upstream(says(OK)) as upstream, pool_to(upstream) as pool:
        with pytest.raises(Refusal, match="internal"):
            await pool.send("GET", target, headers, BytesBody(), DISPATCH)
        assert upstream.connections == 0


async def test_an_upgrade_becomes_a_tunnel_that_counts_until_it_ends():
    async def script(talk):
        head = await talk.head()
        assert b"connection: upgrade\r\nupgrade: websocket\r\n" in head
        await talk.say(b"HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nearly")
        await talk.say(await talk.read(4))

    async with Upstream(script) as upstream, pool_to(upstream) as pool:
        reply = await pool.upgrade(b"/ws", [(b"host", b"a"), (b"sec-websocket-key", b"k")], DISPATCH)
        assert reply.status == 101
        tunnel = reply.frames
        assert isinstance(tunnel, Tunnel)
        assert await tunnel.read() == b"early"
        tunnel.write(b"ping")
        assert await tunnel.read() == b"ping"
        assert pool.counters().open == 1
        assert await tunnel.read() == b""
        assert pool.counters().open == 0


async def test_an_upgrade_that_is_declined_is_a_normal_reply():
    async with Upstream(says(OK)) as upstream, pool_to(upstream) as pool:
        reply = await pool.upgrade(b"/ws", [(b"host", b"a")], DISPATCH)
        assert reply.status == 200
        assert await content(reply) == b"ok"


async def test_a_pool_outlives_reloads_and_identities_never_share_one():
    kit = make_kit(supervisor=TaskSupervisor())
    origin, _ = parse("http://127.0.0.1:9")
    pool = shared_pool(kit, origin)
    assert shared_pool(kit, parse("http://127.0.0.1:9/base")[0]) is pool
    assert shared_pool(kit, parse("http://127.0.0.1:9", credential="other")[0]) is not pool
    assert shared_pool(kit, parse("http://127.0.0.1:9", tls="client-certificate")[0]) is not pool
    pool.close()


async def test_tls_and_scheme_must_agree():
    with pytest.raises(ValueError, match="TLS"):
        Pool(parse("https://a.test")[0], TaskSupervisor())


async def test_one_attempt_has_a_time_of_its_own_with_its_whole_answer():
    async def trickle(talk):
        await talk.head()
        await talk.say(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(1000):
            await talk.say(b"x")
            await asyncio.sleep(0.02)

    rules = msgspec.structs.replace(DISPATCH, attempt=0.2)
    async with Upstream(trickle) as upstream, pool_to(upstream) as pool:
        began = time.monotonic()
        reply = await ask(pool, dispatch=rules)
        with pytest.raises(Refusal, match="upstream_timeout") as caught:
            await content(reply)
        assert "total" in caught.value.reason
        assert time.monotonic() - began < DISPATCH.total / 2
