"""An answer is framed by us alone: whole or visibly not; a body waits for the client, and the client for the body."""

import asyncio

import pytest
from tests.edge.http1_pipe import Connected as Client

from triplegate.core.errors import Gone, Refusal

HEAD = b"HTTP/1.1 200 OK\r\na: b\r\ndate: now\r\n"


# how an answer ends ------------------------------------------------------------------------------------------
async def test_what_is_all_here_has_its_length():
    client = Client()
    wire = client.wire()
    await wire.head(200, [(b"a", b"b")])
    assert (client.sent, wire.started) == (b"", False)
    await wire.end(b"all")
    assert client.sent == HEAD + b"content-length: 3\r\n\r\nall"
    assert (wire.started, wire.ended, wire.keep) == (True, True, True)


async def test_what_comes_by_and_by_has_chunks():
    client = Client()
    wire = client.wire()
    await wire.head(200, [(b"a", b"b")])
    await wire.body(b"")
    assert client.sent == HEAD + b"transfer-encoding: chunked\r\n\r\n"
    await wire.body(b"one")
    await wire.body(b"")
    await wire.end(b"two")
    assert client.sent.endswith(b"\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n")


async def test_an_old_client_is_told_by_the_end_of_the_connection():
    client = Client()
    wire = client.wire(version="1.0")
    await wire.head(200, [(b"a", b"b")])
    await wire.body(b"one")
    await wire.end(b"two")
    assert client.sent == HEAD + b"connection: close\r\n\r\nonetwo"
    assert (wire.keep, wire.ended) == (False, True)
    old = Client()
    wire = old.wire(version="1.0")
    await wire.head(200, [(b"a", b"b")])
    await wire.end(b"x")
    assert old.sent == HEAD + b"content-length: 1\r\nconnection: keep-alive\r\n\r\nx"


async def test_a_length_that_is_known_is_kept_to():
    client = Client()
    wire = client.wire()
    await wire.head(200, [(b"content-length", b"6"), (b"a", b"b")])
    await wire.body(b"one")
    await wire.end(b"two")
    assert client.sent == HEAD + b"content-length: 6\r\n\r\nonetwo"
    assert wire.ended


async def test_another_length_than_announced_never_looks_whole():
    client = Client()
    wire = client.wire()
    await wire.head(200, [(b"content-length", b"6")])
    await wire.end(b"short")
    assert (wire.ended, client.cuts) == (False, [(True, False)])
    client = Client()
    wire = client.wire()
    await wire.head(200, [(b"content-length", b"6")])
    with pytest.raises(Refusal, match="internal"):
        await wire.end(b"much too long")
    wire.abort()
    assert (wire.ended, client.cuts, client.sent) == (False, [(True, False)], b"")


@pytest.mark.parametrize(
    ("method", "status", "fields", "framing"),
    [
        ("HEAD", 200, [(b"content-length", b"12")], b"content-length: 12\r\n"),
        ("HEAD", 200, [], b""),
        ("GET", 304, [(b"content-length", b"12")], b"content-length: 12\r\n"),
        ("GET", 204, [(b"content-length", b"12")], b""),
    ],
)
async def test_what_has_no_body_has_none(method, status, fields, framing):
    client = Client()
    wire = client.wire(method)
    await wire.head(status, fields)
    await wire.body(b"never")
    await wire.end(b"never")
    head, _, body = client.sent.partition(b"\r\n\r\n")
    assert body == b""
    assert (head + b"\r\n").split(b"date: now\r\n")[1] == framing
    assert wire.ended


async def test_framing_is_never_copied():
    client = Client()
    wire = client.wire()
    fields = [(b"transfer-encoding", b"gzip"), (b"keep-alive", b"5"), (b"upgrade", b"h2c"), (b"connection", b"close")]
    await wire.head(299, [*fields, (b"date", b"theirs")])
    await wire.end(b"x")
    assert client.sent == b"HTTP/1.1 299 \r\ndate: theirs\r\ncontent-length: 1\r\nconnection: close\r\n\r\nx"
    assert not wire.keep


@pytest.mark.parametrize("value", [b"a\r\nb: c", b"a\nb", b"a\rb", b"a\0b"])
async def test_no_value_makes_a_field(value):
    client = Client()
    wire = client.wire()
    await wire.head(200, [(b"content-length", b"1"), (b"connection", b"x"), (b"a", value)])
    with pytest.raises(Refusal, match="internal"):
        await wire.end(b"x")
    assert (client.sent, wire.started) == (b"", False)


@pytest.mark.parametrize(("version", "reset"), [("1.1", False), ("1.0", True)])
async def test_an_answer_that_is_cut_looks_so(version, reset):
    client = Client()
    wire = client.wire(version=version)
    await wire.head(200, [])
    await wire.body(b"half")
    wire.abort()
    assert client.cuts == [(not reset, reset)]
    assert not wire.keep


async def test_before_its_head_there_is_nothing_to_cut():
    client = Client()
    wire = client.wire()
    await wire.head(200, [])
    wire.abort()
    assert (client.cuts, client.sent) == ([], b"")


# slow and leaving clients -------------------------------------------------------------------------------------
async def test_a_slow_client_is_waited_for():
    client = Client()
    wire = client.wire()
    await wire.head(200, [])
    client.paused = True
    sending = asyncio.ensure_future(wire.body(b"x"))
    await asyncio.sleep(0)
    assert not sending.done()
    wire.check_stall(client.loop.time() + 6)
    assert not wire.gone
    wire.taken()
    await sending
    assert not wire.sending_since


async def test_one_that_takes_little_by_little_is_not_gone():
    client = Client()
    wire = client.wire()
    await wire.head(200, [])
    client.paused, client.queued = True, 100
    sending = asyncio.ensure_future(wire.body(b"x"))
    await asyncio.sleep(0)
    now = client.loop.time()
    for _ in range(5):
        client.queued -= 10
        now += 6
        wire.check_stall(now)
    assert not wire.gone
    wire.task = sending
    wire.check_stall(now + 8)
    assert wire.gone
    with pytest.raises(asyncio.CancelledError):
        await sending


async def test_one_that_takes_nothing_is_gone():
    client = Client()
    wires = []

    async def call():
        wires.append(client.wire())
        await wires[0].head(200, [])
        client.paused = True
        await wires[0].end(b"x")

    task = asyncio.ensure_future(call())
    await asyncio.sleep(0)
    wires[0].check_stall(client.loop.time() + 8)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert wires[0].gone
    assert client.cuts == [(False, False)]


async def test_whoever_asked_is_told_instead():
    client, told = Client(), []
    wire = client.wire()
    wire.on_gone(lambda: told.append(1))
    wire.on_gone(lambda: told.append(2))
    wire.lost()
    wire.lost()
    await asyncio.sleep(0)
    assert (told, wire.gone) == ([1, 2], True)
    await wire.head(200, [])
    await wire.end(b"x")
    assert client.sent == b""


async def test_the_end_of_the_process_cancels_once():
    async def call():
        made.append(Client().wire())
        await asyncio.Event().wait()

    made = []
    task = asyncio.ensure_future(call())
    await asyncio.sleep(0)
    made[0].stop()
    made[0].stop()
    assert (made[0].stopping, made[0].keep, task.cancelling()) == (True, False, 1)
    with pytest.raises(asyncio.CancelledError):
        await task


# a body on its way --------------------------------------------------------------------------------
@pytest.mark.parametrize("elsewhere", [True, False])
async def test_a_body_that_stalls_is_a_timeout_for_whoever_waits(elsewhere):
    client = Client()
    wire = client.wire()
    body = wire.request = client.body(5)

    def sweep():
        wire.check_stall(client.loop.time() + 4)  # not yet
        assert body.broken is None
        wire.check_stall(client.loop.time() + 6)

    client.loop.call_later(0.01, sweep)
    reading = body.whole(10)
    with pytest.raises(Refusal, match="body_timeout"):
        await (asyncio.ensure_future(reading) if elsewhere else reading)
    assert asyncio.current_task().cancelling() == 0


async def test_a_client_that_leaves_while_its_body_is_awaited_is_gone():
    client = Client()
    wire = client.wire()
    body = wire.request = client.body(5)
    client.loop.call_soon(wire.lost)
    with pytest.raises(Gone):
        await body.whole(10)
    assert asyncio.current_task().cancelling() == 0


async def test_after_an_unread_body_nothing_may_follow():
    client = Client()
    wire = client.wire()
    wire.request = client.body(5)
    await wire.head(413, [])
    await wire.end(b"")
    assert b"connection: close\r\n" in client.sent
    assert not wire.keep
    wire.let_go()
    with pytest.raises(Gone):
        await wire.request.whole(10)
