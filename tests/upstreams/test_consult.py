"""Places that are asked: kept connections, one honest second try, bounds, no redirects, no other coding."""

import asyncio
import contextlib

import pytest
from tests.builders import make_kit
from tests.gates.built import answer
from tests.hostile.scripted import Upstream
from tests.upstreams.test_tls import Authority, Secure

from triplegate.config.documents_base import Tls
from triplegate.core.clock import SystemClock
from triplegate.core.errors import Refusal
from triplegate.upstreams.consult import consult
from triplegate.upstreams.pool import Pool
from triplegate.upstreams.supervisor import TaskSupervisor


@contextlib.asynccontextmanager
async def asked(script, path="/check"):
    async with Upstream(script) as upstream:
        kit = make_kit(clock=SystemClock(), supervisor=TaskSupervisor())
        try:
            yield consult(kit, upstream.url + path, None), upstream, kit
        finally:
            for pool in kit.states.every(Pool):
                pool.close()


def saying(message, *, times=100):
    async def script(talk):
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            for _ in range(times):
                await talk.head()
                await talk.read(2)
                await talk.say(message)

    return script


async def post(place, most=1000, seconds=20.0):
    return await place.post([(b"x-own", b"1")], b"{}", seconds, most)


async def test_what_is_sent_and_what_comes_back_over_one_connection():
    async with asked(saying(answer(b'{"a":1}'))) as (place, upstream, _):
        assert [await post(place) for _ in range(2)] == [(200, b'{"a":1}')] * 2
        [talk] = upstream.talks
        head = bytes(talk.received).split(b"\r\n\r\n")[0].decode().lower()
    assert head.startswith("post /check http/1.1\r\n")
    assert {"content-type: application/json", "accept-encoding: identity", "x-own: 1"} < set(head.split("\r\n"))


async def test_a_kept_connection_that_closed_is_replaced_once():
    async with asked(saying(answer(b"yes"), times=1)) as (place, upstream, _):
        assert [await post(place) for _ in range(3)] == [(200, b"yes")] * 3
        assert len(upstream.talks) == 3


async def test_a_redirect_is_an_answer_and_nobody_follows_it():
    moved = answer(b"", b"Location: http://127.0.0.1:9/", status=b"302 Found")
    async with asked(saying(moved)) as (place, upstream, _):
        assert await post(place) == (302, b"")
        assert len(upstream.talks) == 1


@pytest.mark.parametrize("message", [answer(b"x" * 1001), answer(b"x", b"Content-Encoding: gzip")])
async def test_what_is_too_long_or_coded_is_none(message):
    async with asked(saying(message)) as (place, _, _):
        with pytest.raises(Refusal) as refused:
            await post(place)
    assert refused.value.code == "upstream_malformed"


async def test_nobody_waits_longer_than_is_said():
    async def silent(talk):
        await talk.read_to_end()

    async with asked(silent) as (place, _, _):
        with pytest.raises(Refusal) as refused:
            await post(place, seconds=0.05)
    assert refused.value.code == "upstream_timeout"


async def test_a_bare_address_is_asked_at_its_root():
    async with asked(saying(answer(b"yes")), path="") as (place, upstream, _):
        await post(place)
        assert bytes(upstream.talks[0].received).startswith(b"POST / HTTP/1.1")


async def test_a_private_authority_is_trusted_where_it_is_named(tmp_path):
    authority = Authority(tmp_path, "authority")
    async with Secure(authority.sign("server", "127.0.0.1")) as secure:
        kit = make_kit(clock=SystemClock(), supervisor=TaskSupervisor())
        url = f"https://127.0.0.1:{secure.port}/check"
        trusted, other = consult(kit, url, Tls(ca=authority.path)), consult(kit, url, None)
        assert await trusted.post([], b"", 20.0, 100) == (200, b"ok")
        with pytest.raises(Refusal) as refused:
            await other.post([], b"", 20.0, 100)
        for pool in kit.states.every(Pool):
            pool.close()
    assert refused.value.code == "upstream_unreachable"


def test_an_unusable_address_is_told_at_once():
    with pytest.raises(ValueError, match="credentials"):
        consult(make_kit(), "http://user:pw@far.example/", None)
