"""One client's connection: requests in order whatever their pieces, nothing after a doubt, no bytes that harm."""

import asyncio
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.edge.http1_pipe import LIMITS, Echo, Keeper, Pipe, answers, make_plane, turn

from triplegate.core.http import OneFrame, Reply

GET = b"GET /a HTTP/1.1\r\nHost: a.test\r\n\r\n"
POST = b"POST /b HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = (
    b"PUT /c HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x\r\nde\r\n0\r\nT: 1\r\n\r\n"
)
LAST = b"GET /d HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n"


def opened(answer=None, **more):
    plane, gate = make_plane(answer or Echo(), **more)
    return Pipe(Keeper(plane)), gate


def split(content, cuts):
    places = sorted({0, len(content), *(cut % (len(content) + 1) for cut in cuts)})
    return [content[a:b] for a, b in pairwise(places)]


async def test_a_request_is_answered_and_the_connection_waits_for_the_next():
    pipe, gate = opened()
    await turn_after(pipe, GET)
    [(status, fields, body)], rest = answers(pipe.sent)
    assert (status, body, rest) == (200, b"<>", b"")
    assert fields[b"date"] == b"Thu, 01 Jan 2026 00:00:00 GMT"
    assert b"connection" not in fields
    assert not pipe.ended
    assert pipe.keeper.told == ["await_head", "busy", "await_head"]
    assert gate.opened[0].inbound.peer.address == "192.0.2.7"
    assert gate.opened[0].outcome == "ok"


async def turn_after(pipe, content):
    pipe.say(content)
    await turn()


@given(st.lists(st.integers(0, 1000), max_size=15))
def test_requests_are_the_same_at_any_split_and_answered_in_order(cuts):
    async def story():
        echo = Echo()
        pipe, _ = opened(echo)
        for piece in split(GET + POST + b"\r\n" + CHUNKED + LAST + GET, cuts):
            pipe.say(piece)
            await turn(2)
        await turn(60)
        assert [(method, path, body) for method, path, _, body in echo.seen] == [
            ("GET", "/a", b""),
            ("POST", "/b", b"hello"),
            ("PUT", "/c", b"abcde"),
            ("GET", "/d", b""),
        ]
        found, rest = answers(pipe.sent)
        assert ([body for _, _, body in found], rest) == ([b"<>", b"<hello>", b"<abcde>", b"<>"], b"")
        assert found[-1][1][b"connection"] == b"close"
        assert pipe.ended

    asyncio.run(story())


NOISE = st.one_of(
    st.binary(max_size=60),
    st.sampled_from(
        [GET, POST, CHUNKED, LAST, b"\r\n\r\n", b"0\r\n\r\n", b"\n", b"Host: a\r\n", b"GET / HTTP/1.1\r\n"]
    ),
)


@settings(max_examples=200)
@given(st.lists(NOISE, max_size=8), st.lists(st.integers(0, 1000), max_size=4))
def test_no_bytes_break_or_hang_it(parts, cuts):
    async def story():
        echo = Echo()
        pipe, gate = opened(echo)
        for piece in split(b"".join(parts), cuts):
            pipe.say(piece)
            await turn(3)
        await turn(60)
        found, rest = answers(pipe.sent)
        assert rest == b"", "answers are whole"
        if any(status >= 400 for status, _, _ in found):
            assert found[-1][1].get(b"connection") == b"close"
            assert pipe.ended
        pipe.leave()
        await turn(20)
        assert "forget" in pipe.keeper.told
        assert all(exchange.outcome for exchange in gate.opened)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(story())


@pytest.mark.parametrize(
    "request_",
    [
        POST.replace(b"\r\n\r\n", b"\r\nTransfer-Encoding: chunked\r\n\r\n"),
        POST.replace(b"\r\n\r\n", b"\r\nContent-Length: 5\r\n\r\n"),
        GET.replace(b"\r\nHost", b"\nHost"),
        GET.replace(b"Host: a.test", b"Host: a.test\r\n folded"),
        GET.replace(b"/a", b"http://b.test/a"),
        GET.replace(b"/a", b"/a#b"),
        GET.replace(b"Host: a.test\r\n", b""),
        CHUNKED.replace(b"3\r\n", b"3 \r\n"),
        CHUNKED.replace(b"abc\r\n", b"abcX\r\n"),
    ],
)
async def test_what_can_be_read_in_two_ways_is_refused_and_nothing_follows(request_):
    echo = Echo()
    pipe, gate = opened(echo)
    await turn_after(pipe, request_ + GET)
    [(status, fields, _)], rest = answers(pipe.sent)
    assert (status, fields[b"connection"], rest) == (400, b"close", b"")
    assert (pipe.ended, echo.seen) == (True, [])
    assert [exchange.outcome for exchange in gate.opened] == ["refused"]


async def test_bytes_after_the_end_are_dropped_until_the_client_leaves():
    pipe, gate = opened()
    await turn_after(pipe, LAST)
    assert pipe.ended
    await turn_after(pipe, GET)
    pipe.leave()
    await turn()
    assert len(gate.opened) == 1
    assert pipe.keeper.told[-2:] == ["await_end", "forget"]


async def test_what_is_sent_ahead_waits_and_is_bounded():
    gate_open = asyncio.Event()

    async def slow(gate, exchange):
        await gate_open.wait()
        return Reply(200, [], OneFrame(b"x"))

    pipe, _ = opened(slow)
    await turn_after(pipe, GET)
    for _ in range(40):
        pipe.say(POST.replace(b"5", b"2000").replace(b"hello", b"h" * 2000))
    assert pipe.halted
    gate_open.set()
    await turn(600)
    assert not pipe.halted
    assert len(answers(pipe.sent)[0]) == 41


async def test_a_client_that_leaves_ends_its_call_at_once():
    ended = []

    async def long(gate, exchange):
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            ended.append(exchange)
            raise

    pipe, gate = opened(long)
    await turn_after(pipe, GET)
    pipe.leave()
    await turn()
    assert ended == gate.opened
    assert gate.opened[0].outcome == "gone"
    assert pipe.sent == b""


@pytest.mark.parametrize("framed", [POST[:-2], CHUNKED[:-12]])
async def test_a_client_that_leaves_within_its_body_is_gone(framed):
    echo = Echo()
    pipe, gate = opened(echo)
    await turn_after(pipe, framed)
    pipe.leave()
    await turn()
    assert [type(error).__name__ for error in echo.broken] == ["Gone"]
    assert gate.opened[0].outcome == "gone"


async def test_a_wanted_body_is_asked_for_and_an_unwanted_one_is_not():
    expecting = POST[:-5].replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n")
    pipe, _ = opened()
    await turn_after(pipe, expecting)
    assert pipe.sent == b"HTTP/1.1 100 Continue\r\n\r\n"
    await turn_after(pipe, b"hello")
    assert [body for _, _, body in answers(pipe.sent)[0]] == [b"<hello>"]

    async def refusing(gate, exchange):
        return Reply(401, [], OneFrame(b"no"))

    pipe, _ = opened(refusing)
    await turn_after(pipe, expecting)
    [(status, fields, _)], _ = answers(pipe.sent)
    assert (status, fields[b"connection"], pipe.ended) == (401, b"close", True)


async def test_a_refused_call_whose_body_is_here_costs_no_connection():
    async def refusing(gate, exchange):
        return Reply(401, [], OneFrame(b"no"))

    pipe, _ = opened(refusing)
    await turn_after(pipe, POST + GET)
    assert [status for status, _, _ in answers(pipe.sent)[0]] == [401, 401]
    assert not pipe.ended


async def test_a_slow_head_is_told_if_it_has_begun():
    pipe, _ = opened()
    pipe.say(GET[:20])
    pipe.connection.late()
    await turn()
    assert [status for status, _, _ in answers(pipe.sent)[0]] == [408]
    assert pipe.ended
    silent, _ = opened()
    silent.connection.late()
    assert (silent.sent, silent.ended) == (b"", True)


async def test_at_the_end_of_the_process_a_call_is_answered_and_no_other_follows():
    gate_open = asyncio.Event()

    async def slow(gate, exchange):
        await gate_open.wait()
        return Reply(200, [], OneFrame(b"x"))

    pipe, _ = opened(slow)
    await turn_after(pipe, GET + GET)
    pipe.connection.end()
    gate_open.set()
    await turn()
    [(status, fields, _)], _ = answers(pipe.sent)
    assert (status, fields[b"connection"], pipe.ended) == (200, b"close", True)
    idle, _ = opened()
    idle.connection.end()
    assert idle.ended


async def test_one_task_serves_a_connection_and_ends_with_it():
    tasks = set()

    async def note(gate, exchange):
        tasks.add(asyncio.current_task())
        return Reply(200, [], OneFrame(b"x"))

    pipe, _ = opened(note)
    for _ in range(3):
        await turn_after(pipe, GET)
    await turn_after(pipe, GET + GET)
    [task] = tasks
    assert len(answers(pipe.sent)[0]) == 5
    assert not task.done()
    pipe.leave()
    await turn()
    assert task.done()


async def test_a_connection_told_to_end_in_the_moment_its_call_does_is_closed():
    stop = []

    async def answer(gate, exchange):
        stop.append(asyncio.current_task())
        return Reply(200, [], OneFrame(b"x"))

    pipe, _ = opened(answer)
    pipe.write = lambda data: stop[0].cancel()
    await turn_after(pipe, GET)
    assert pipe.ended
    assert stop[0].done()


async def test_where_there_is_no_room_a_client_is_told_so():
    plane, _ = make_plane(Echo())
    pipe = Pipe(Keeper(plane, room=False))
    await turn_after(pipe, GET)
    [(status, fields, _)], _ = answers(pipe.sent)
    assert (status, fields[b"connection"], pipe.ended) == (503, b"close", True)


async def test_heads_have_bounds():
    for request_, status in (
        (GET.replace(b"/a", b"/" + b"a" * 9000), 414),
        (b"GET /" + b"a" * 20_000, 414),
        (GET.replace(b"\r\n\r\n", b"\r\nX: " + b"a" * 70_000 + b"\r\n\r\n"), 431),
        (GET[:-2] + b"X: " + b"a" * 90_000, 431),
        (GET.replace(b"\r\n\r\n", b"\r\nX: 1" * 200 + b"\r\n\r\n"), 431),
    ):
        pipe, _ = opened()
        await turn_after(pipe, request_)
        assert [found for found, _, _ in answers(pipe.sent)[0]] == [status]
        assert pipe.ended


async def test_the_limits_are_those_of_the_plane():
    pipe, _ = opened(limits=LIMITS.__class__(LIMITS.head, body=4))
    await turn_after(pipe, POST)
    assert [status for status, _, _ in answers(pipe.sent)[0]] == [413]
