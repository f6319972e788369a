"""A body waits for the client, and the client for whoever takes the body."""

import asyncio

import pytest
from tests.edge.http1_pipe import Connected as Client

from triplegate.core.errors import Refusal


async def test_a_body_comes_as_it_is_fed():
    client = Client()
    body = client.body(6)
    reading = asyncio.ensure_future(body.whole(100))
    await asyncio.sleep(0)
    assert body.feed(b"one") == b""
    assert not body.done
    assert body.feed(b"twoGET /") == b"GET /"
    assert await reading == b"onetwo"
    assert body.done


async def test_a_body_that_nobody_takes_is_read_no_further():
    client = Client()
    body = client.body(200_000)
    body.feed(bytes(70_000))
    assert not client.reading
    pieces = body.chunks()
    assert len(await anext(pieces)) == 70_000
    assert client.reading


async def test_a_broken_body_is_told_after_what_has_come():
    client = Client()
    body = client.body()
    pieces = body.chunks()
    body.feed(b"3\r\nabc\r\n")
    assert await anext(pieces) == b"abc"
    assert body.feed(b"zz") == b""
    with pytest.raises(Refusal, match="malformed_request"):
        await anext(pieces)


async def test_a_body_is_asked_for_when_it_is_wanted_and_has_not_come():
    client = Client()
    body = client.body(2, expect=True)
    reading = asyncio.ensure_future(body.whole(100))
    await asyncio.sleep(0)
    assert client.sent == b"HTTP/1.1 100 Continue\r\n\r\n"
    body.feed(b"ok")
    await reading
    here = Client()
    body = here.body(2, expect=True)
    body.feed(b"ok")
    assert await body.whole(100) == b"ok"
    assert here.sent == b""
