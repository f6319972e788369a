"""Calls out on someone else's word: the checked address is the dialled one, and everything is bounded."""

import asyncio
import os

import pytest
from tests.hostile.scripted import Upstream, says
from tests.upstreams.test_guard import URLS

from triplegate.core.errors import Refusal
from triplegate.upstreams import dial as dial_module
from triplegate.upstreams.dial import HttpxDial

OK = b"HTTP/1.1 200 OK\r\nX-A: 1\r\nContent-Length: 2\r\n\r\nok"


@pytest.fixture
async def private():
    dial = HttpxDial(allow_private=True)
    yield dial
    await dial.close()


async def refusal_of(awaitable) -> Refusal:
    with pytest.raises(Refusal) as caught:
        await awaitable
    return caught.value


async def test_status_headers_and_body_come_back(private):
    async with Upstream(says(OK)) as upstream:
        status, headers, body = await private.fetch("POST", upstream.url + "/x?y=1", [(b"x-b", b"2")], b"abc")
        assert (status, body) == (200, b"ok")
        assert (b"x-a", b"1") in headers
        received = bytes(upstream.talks[0].received).lower()
        assert received.startswith(b"post /x?y=1 http/1.1\r\n")
        assert b"host: 127.0.0.1:%d\r\n" % upstream.port in received
        assert b"accept-encoding: identity\r\n" in received
        assert b"x-b: 2\r\n" in received


async def test_the_name_goes_into_host_and_the_checked_address_is_dialled():
    async def resolver(host, port):
        return ["127.0.0.1"]

    async with Upstream(says(OK)) as upstream:
        dial = HttpxDial(allow_private=True, resolver=resolver)
        assert (await dial.fetch("GET", f"http://keys.test:{upstream.port}/", []))[0] == 200
        assert b"host: keys.test:%d\r\n" % upstream.port in bytes(upstream.talks[0].received).lower()
        await dial.close()


class Rebinding:
    """Answers with an address that passes the first time it is asked, with this machine's own from then on."""

    def __init__(self):
        self.asked = 0

    async def __call__(self, host, port):
        self.asked += 1
        return ["127.0.0.2"] if self.asked == 1 else ["127.0.0.1"]


async def test_a_name_is_resolved_once_so_that_it_cannot_change_in_between(monkeypatch):
    """The canary listens on this machine; nothing ever connects to it."""
    async with Upstream(says(OK)) as canary:
        resolver = Rebinding()
        dial = HttpxDial(ports=frozenset({canary.port}), resolver=resolver)
        monkeypatch.setattr(dial_module, "why_not", lambda address: None if address == "127.0.0.2" else "private")
        first = await refusal_of(dial.fetch("GET", f"https://rebind.test:{canary.port}/", []))
        assert first.code == "upstream_unreachable"
        assert "127.0.0.1" not in first.reason
        assert resolver.asked == 1
        second = await refusal_of(dial.fetch("GET", f"https://rebind.test:{canary.port}/", []))
        assert second.code == "upstream_unreachable"
        assert "127.0.0.1" in second.reason
        assert canary.connections == 0
        await dial.close()


@pytest.mark.parametrize(
    "answer", [["127.0.0.1"], ["8.8.8.8", "127.0.0.1"], ["8.8.8.8", "::1"], ["10.0.0.1"], ["garbage"], []]
)
async def test_one_private_address_among_many_refuses_the_name(answer):
    async def resolver(host, port):
        return answer

    dial = HttpxDial(resolver=resolver)
    assert (await refusal_of(dial.fetch("GET", "https://a.test/", []))).code == "upstream_unreachable"
    await dial.close()


async def test_no_form_of_this_machine_is_ever_dialled():
    async def resolver(host, port):
        return ["127.0.0.1"]

    dial = HttpxDial(resolver=resolver)
    for url in URLS:
        refusal = await refusal_of(dial.fetch("GET", url, []))
        assert refusal.code == "upstream_unreachable", url
    assert dial._client is None, "nothing was even prepared"
    await dial.close()


async def test_redirects_are_returned_not_followed(private):
    async with Upstream(says(OK)) as canary:
        moved = b"HTTP/1.1 302 Found\r\nLocation: %b/\r\nContent-Length: 0\r\n\r\n" % canary.url.encode()
        async with Upstream(says(moved)) as upstream:
            status, headers, _ = await private.fetch("GET", upstream.url, [])
            assert status == 302
            assert dict(headers)[b"location"] == canary.url.encode() + b"/"
        assert canary.connections == 0


async def test_proxies_of_the_environment_are_ignored(private, monkeypatch):
    async with Upstream(says(OK)) as proxy, Upstream(says(OK)) as upstream:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        await private.fetch("GET", upstream.url, [])
        assert proxy.connections == 0
        assert upstream.connections == 1


async def test_cookies_are_not_kept(private):
    baked = b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n"
    async with Upstream(says(baked)) as upstream:
        for _ in range(2):
            await private.fetch("GET", upstream.url, [])
        assert b"cookie" not in bytes(upstream.talks[1].received).lower()


async def test_connections_are_not_kept(private):
    """A pool by address alone would share a connection between two names."""
    async with Upstream(says(OK, OK)) as upstream:
        for _ in range(2):
            await private.fetch("GET", upstream.url, [])
        assert upstream.connections == 2


async def test_a_reply_that_is_too_large_is_refused(private):
    async def script(talk):
        await talk.head()
        await talk.say(b"HTTP/1.1 200 OK\r\n\r\n")
        for _ in range(64):
            await talk.say(os.urandom(1 << 20))

    async with Upstream(script) as upstream:
        assert (await refusal_of(private.fetch("GET", upstream.url, []))).code == "upstream_malformed"
        await upstream.until_idle()


async def test_a_compressed_reply_nobody_asked_for_is_refused(private):
    bomb = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n\x1f\x8b"
    async with Upstream(says(bomb)) as upstream:
        assert (await refusal_of(private.fetch("GET", upstream.url, []))).code == "upstream_malformed"


async def test_time_is_bounded_over_all(private, monkeypatch):
    async def script(talk):
        await talk.head()
        while True:
            await talk.say(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" if not talk.number else b"x")
            await asyncio.sleep(0.05)

    monkeypatch.setattr(dial_module, "_SECONDS", 0.3)
    async with Upstream(script) as upstream:
        assert (await refusal_of(private.fetch("GET", upstream.url, []))).code in ("upstream_timeout", "upstream_reset")


async def test_a_dead_port_and_a_cut_reply_are_told_apart(private):
    async with Upstream(says(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe", close=True)) as upstream:
        assert (await refusal_of(private.fetch("GET", upstream.url, []))).code == "upstream_reset"
    assert (await refusal_of(private.fetch("GET", upstream.url, []))).code == "upstream_unreachable"


async def test_what_is_logged_has_neither_path_nor_query_nor_credentials(private):
    refusal = await refusal_of(private.fetch("GET", "http://user:hunter2@a.test/secret?token=hunter2", []))
    assert "hunter2" not in refusal.reason
    assert "secret" not in refusal.reason
