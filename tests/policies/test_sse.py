"""Silence is filled between events and never inside one; whatever the service says comes as it was."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from tests.builders import make_exchange, make_kit

from triplegate.core.http import Frames, OneFrame, Reply
from triplegate.policies.sse import Kept, Sse
from triplegate.wire.sse import SseReader

STREAM = (b"content-type", b"text/event-stream; charset=utf-8")
SILENCE = None


class Script(Frames):
    """Pieces in their order; None is a silence that outlasts the wait."""

    def __init__(self, *pieces):
        self.pieces = list(pieces)
        self.asked, self.closed = [], 0
        self.done = False

    @property
    def ready(self):
        return bool(self.pieces) and self.pieces[0] is not SILENCE

    async def comes(self, within):
        self.asked.append(within)
        if self.pieces and self.pieces[0] is SILENCE:
            del self.pieces[0]
            return False
        return True

    async def __anext__(self):
        while self.pieces and self.pieces[0] is SILENCE:
            del self.pieces[0]
        if not self.pieces:
            raise StopAsyncIteration
        return self.pieces.pop(0)

    def close(self):
        self.closed += 1


async def through(reply, method="GET", **settings):
    policy = Sse(**settings)

    async def proceed(exchange):
        return reply

    exchange = make_exchange(method=method)
    return await policy.build(make_kit())(exchange, proceed)


async def sent(*pieces, **settings):
    reply = await through(Reply(200, [STREAM], Script(*pieces)), **settings)
    return [piece async for piece in reply.frames]


async def test_each_silence_between_events_gets_a_comment():
    assert await sent(SILENCE, b"data: 1\n\n", SILENCE, SILENCE, b"data: 2\r\n\r\n", SILENCE) == [
        b":\n\n",
        b"data: 1\n\n",
        b":\n\n",
        b":\n\n",
        b"data: 2\r\n\r\n",
        b":\n\n",
    ]


@pytest.mark.parametrize("half", [b"data: 1", b"data: 1\n", b"data: 1\r\n", b"id: 4\ndata: x\r", b"data: a\n\nda"])
async def test_an_event_that_is_not_over_is_left_alone(half):
    assert await sent(half, SILENCE, b"\n\n") == [half, b"\n\n"]


async def test_the_wait_is_as_written():
    script = Script(b"data: 1\n\n")
    reply = await through(Reply(200, [STREAM], script), keep_alive="7s")
    assert [piece async for piece in reply.frames] == [b"data: 1\n\n"]
    assert set(script.asked) == {7.0}
    reply.frames.close()
    assert script.closed == 1


async def test_the_hint_is_the_first_that_browsers_hear():
    reply = await through(Reply(200, [STREAM], Script(SILENCE, b"data: 1\n\n")), retry="2500ms")
    assert reply.frames.ready
    assert [piece async for piece in reply.frames] == [b"retry: 2500\n\n", b":\n\n", b"data: 1\n\n"]


async def test_a_mark_at_the_begin_is_left_out_when_it_is_not_there_any_more():
    mark = b"\xef\xbb\xbf"
    assert await sent(mark + b"data: 1\n\n") == [mark + b"data: 1\n\n"]
    for begin in ([mark + b"data: 1\n\n"], [mark[:1], SILENCE, mark[1:] + b"data: 1\n\n"]):
        assert b"".join(await sent(*begin, retry="1s")) == b"retry: 1000\n\ndata: 1\n\n"
        assert b"".join(await sent(SILENCE, *begin)) == b":\n\ndata: 1\n\n"


LINES = st.sampled_from([b"data: x", b"id: 7", b"event: e", b": said", b"", b"retry: 1", b"data"])
ENDS = st.sampled_from([b"\n", b"\r\n", b"\r"])


@given(
    st.lists(st.tuples(LINES, ENDS), max_size=20),
    st.booleans(),
    st.booleans(),
    st.lists(st.integers(1, 9), min_size=1, max_size=8),
)
async def test_a_reader_finds_the_same_events_however_they_are_split(lines, marked, hinted, sizes):
    text = (b"\xef\xbb\xbf" if marked else b"") + b"".join(line + end for line, end in lines)
    pieces, at, turn = [], 0, 0
    while at < len(text):
        size = sizes[turn % len(sizes)]
        pieces += [text[at : at + size], SILENCE]
        at, turn = at + size, turn + 1
    frames = Kept(Script(SILENCE, *pieces), 1.0, b"retry: 9\n\n" if hinted else b"")
    got = [piece async for piece in frames]
    plain, kept = SseReader(), SseReader()
    wanted = plain.feed(text)
    seen = [event for piece in got for event in kept.feed(piece)]
    assert seen[1:] == wanted if hinted else seen == wanted
    said = b"".join(piece for piece in got if piece not in (b":\n\n", b"retry: 9\n\n"))
    assert said == text.removeprefix(b"\xef\xbb\xbf")


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (200, [(b"content-type", b"text/plain")]),
        (200, [STREAM, (b"content-encoding", b"gzip")]),
        (200, [STREAM, (b"content-length", b"9")]),
        (500, [STREAM]),
    ],
)
async def test_other_replies_are_not_touched(status, headers):
    reply = Reply(status, headers, Script(b"data: 1\n\n"))
    frames = reply.frames
    assert (await through(reply, retry="1s")).frames is frames


async def test_what_has_no_body_gets_none():
    for reply, method in (
        (Reply(200, [STREAM], OneFrame()), "GET"),
        (Reply(200, [STREAM], Script(b"x")), "HEAD"),
    ):
        frames = reply.frames
        assert (await through(reply, method, retry="1s")).frames is frames


@pytest.mark.parametrize("wrong", [{"keep_alive": "10ms"}, {"keep_alive": "11m"}, {"retry": "2d"}, {"retry": 0}])
def test_times_have_their_bounds(wrong):
    with pytest.raises(ValidationError):
        Sse(**wrong)


def test_it_cannot_merely_observe():
    with pytest.raises(ValidationError):
        Sse(mode="observe")
