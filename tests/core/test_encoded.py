"""Frames as a client would get them: fed, ended, booked, and a failure noted."""

import pytest
from tests.builders import make_exchange

from triplegate.core.encoded import Encoded
from triplegate.core.errors import Refusal
from triplegate.core.http import Encoder, Frames, OneFrame, Reply


class Counting(Encoder):
    """Says what it was fed, and promises a field at the end."""

    def __init__(self, exchange):
        self.exchange = exchange

    def feed(self, frame):
        return b"" if frame == b"hidden" else b"<%b>" % frame

    def finish(self):
        self.exchange.reply_headers.append((b"x-cost", b"1"))
        return b"."


class Some(Frames):
    """These, then an end or a failure."""

    def __init__(self, *pieces, failure=None, knows=False):
        self.pieces, self.failure, self.knows = list(pieces), failure, knows
        self.done = self.closed = False

    async def __anext__(self):
        if not self.pieces:
            if self.failure is not None:
                raise self.failure
            raise StopAsyncIteration
        piece = self.pieces.pop(0)
        self.done = self.knows and not self.pieces
        return piece

    def close(self):
        self.closed = True


def encoded(frames):
    exchange = make_exchange()
    reply = Reply(200, [], frames)
    reply.frames = Encoded(exchange, reply, Counting(exchange))
    return exchange, reply


@pytest.mark.parametrize("knows", [True, False])
async def test_every_frame_is_fed_and_the_end_is_told_once(knows):
    exchange, reply = encoded(Some(b"a", b"hidden", b"b", knows=knows))
    assert b"".join([piece async for piece in reply.frames]) == b"<a><b>."
    assert reply.headers == [(b"x-cost", b"1")]
    assert (reply.frames.done, exchange.numbers.bytes_out) == (True, 7)


async def test_an_empty_reply_ends_too():
    _, reply = encoded(OneFrame())
    assert [piece async for piece in reply.frames] == [b"."]
    assert reply.frames.ready in (True, False)
    assert await reply.frames.comes(0.0)
    reply.frames.bear(1.0)


async def test_a_failure_is_the_exchanges_and_goes_on_to_whoever_reads():
    frames = Some(b"a", failure=Refusal("upstream_reset", "gone"))
    exchange, reply = encoded(frames)
    assert await anext(reply.frames) == b"<a>"
    with pytest.raises(Refusal):
        await anext(reply.frames)
    assert exchange.refusal.code == "upstream_reset"
    reply.frames.close()
    assert frames.closed
