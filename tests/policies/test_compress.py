"""Replies are compressed as the client wants, and those that must stay as they are do; nothing is held back."""

import zlib

import brotli
import pytest
import zstandard
from pydantic import ValidationError
from tests.builders import make_exchange, make_inbound, make_kit

from triplegate.core.errors import Refusal
from triplegate.core.http import Duplex, Frames, OneFrame, Reply
from triplegate.policies.compress import Compress

TEXT = b"All work and no play makes a dull gateway. " * 100
KIND = (b"content-type", b"text/html; charset=utf-8")
EVENTS = (b"content-type", b"text/event-stream")


def plain(content, coding):
    """What the client sees, of a message that may not have ended."""
    if coding == b"gzip":
        return zlib.decompressobj(31).decompress(content)
    if coding == b"br":
        return brotli.Decompressor().process(content)
    return zstandard.ZstdDecompressor().decompressobj().decompress(content)


class Pieces(Frames):
    """Pieces of which only the first `here` have come; a Refusal among them is raised."""

    def __init__(self, *pieces, here=1000):
        self.pieces, self.here = list(pieces), here
        self.done = not pieces
        self.closed = False

    @property
    def ready(self):
        return self.here > 0

    async def __anext__(self):
        if not self.pieces:
            raise StopAsyncIteration
        self.here -= 1
        piece = self.pieces.pop(0)
        if isinstance(piece, Exception):
            raise piece
        self.done = not self.pieces
        return piece

    def close(self):
        self.closed = True


async def answered(reply, accept=b"gzip", policy=None, method="GET"):
    """The reply after the policy."""

    async def proceed(exchange):
        return reply

    exchange = make_exchange()
    exchange.inbound = make_inbound(method, headers=[] if accept is None else [(b"accept-encoding", accept)])
    return await (policy or Compress()).build(make_kit())(exchange, proceed)


async def content_of(reply):
    return b"".join([frame async for frame in reply.frames])


def whole(content=TEXT, *fields, status=200):
    return Reply(status, [KIND, (b"content-length", str(len(content)).encode()), *fields], OneFrame(content))


@pytest.mark.parametrize("coding", [b"gzip", b"br", b"zstd"])
@pytest.mark.parametrize("pieces", [(TEXT,), (TEXT, b"", TEXT[:10], TEXT), (TEXT * 40, TEXT), (TEXT, b"")])
async def test_every_coding_gives_the_same_bytes_however_they_come(coding, pieces):
    reply = await answered(Reply(200, [KIND], Pieces(*pieces)), coding)
    assert (b"content-encoding", coding) in reply.headers
    content = await content_of(reply)
    assert plain(content, coding) == b"".join(pieces)
    assert len(content) < len(b"".join(pieces)) / 4
    assert reply.frames.done


@pytest.mark.parametrize(
    ("accept", "coding"),
    [
        (b"gzip, br", b"br"),
        (b"gzip, br;q=0.5", b"gzip"),
        (b"*", b"zstd"),
        (b"gzip;q=0", None),
        (b"", None),
        (None, None),
    ],
)
async def test_the_client_chooses_and_caches_are_told(accept, coding):
    reply = await answered(whole(), accept)
    fields = dict(reply.headers)
    assert fields.get(b"content-encoding") == coding
    assert fields[b"vary"] == b"Accept-Encoding"


async def test_only_what_was_written_is_offered():
    policy = Compress(codings=["gzip"])
    assert dict((await answered(whole(), b"zstd, br, gzip;q=0.1", policy)).headers)[b"content-encoding"] == b"gzip"


async def test_the_head_says_no_more_of_the_plain_bytes():
    plain_only = [(b"accept-ranges", b"bytes"), (b"content-md5", b"x"), (b"repr-digest", b"x"), (b"digest", b"x")]
    reply = await answered(whole(TEXT, *plain_only, (b"etag", b'"a"'), (b"vary", b"Cookie"), (b"x", b"1")))
    assert reply.headers == [
        KIND,
        (b"etag", b'W/"a"'),
        (b"vary", b"Cookie"),
        (b"x", b"1"),
        (b"vary", b"Accept-Encoding"),
        (b"content-encoding", b"gzip"),
    ]
    weak = await answered(whole(TEXT, (b"etag", b'W/"a"'), (b"vary", b"accept-encoding")))
    assert [line for line in weak.headers if line[0] in (b"etag", b"vary")] == [
        (b"etag", b'W/"a"'),
        (b"vary", b"accept-encoding"),
    ]


@pytest.mark.parametrize(
    ("reply", "method"),
    [
        (whole(TEXT, (b"content-encoding", b"br")), "GET"),
        (whole(TEXT, (b"content-range", b"bytes 0-9/10")), "GET"),
        (whole(TEXT, (b"cache-control", b"public, No-Transform")), "GET"),
        (whole(TEXT, status=206), "GET"),
        (whole(b"", status=204), "GET"),
        (whole(b"", status=304), "GET"),
        (whole(b""), "HEAD"),
        (Reply(200, [], OneFrame(TEXT)), "GET"),
        (Reply(200, [(b"content-type", b"image/png")], OneFrame(TEXT)), "GET"),
        (Reply(200, [(b"content-type", b"application/grpc")], OneFrame(TEXT)), "GET"),
        (Reply(200, [EVENTS], Pieces(TEXT)), "GET"),
        (Duplex(101, [KIND], OneFrame()), "GET"),
    ],
)
async def test_what_must_stay_as_it_is_does(reply, method):
    headers, frames = list(reply.headers), reply.frames
    after = await answered(reply, method=method)
    assert (after.headers, after.frames) == (headers, frames)


@pytest.mark.parametrize(
    ("reply", "small"),
    [
        (whole(TEXT[:1023]), True),
        (whole(TEXT[:1024]), False),
        (Reply(200, [KIND], Pieces(TEXT[:1023])), True),
        (Reply(200, [KIND], Pieces(TEXT[:10], TEXT)), False),
        (Reply(200, [KIND], Pieces()), True),
    ],
)
async def test_what_is_small_is_not_worth_it(reply, small):
    after = await answered(reply)
    assert (b"content-encoding" not in dict(after.headers)) is small
    assert b"vary" in dict(after.headers)
    if small:
        assert TEXT.startswith(await content_of(after))


async def test_types_are_those_that_were_written():
    policy = Compress(types=["application/x-own"], min_size=0)
    own = Reply(200, [(b"content-type", b"Application/X-Own")], Pieces(b"abc"))
    assert b"content-encoding" in dict((await answered(own, policy=policy)).headers)
    assert b"content-encoding" not in dict((await answered(whole(), policy=policy)).headers)


@pytest.mark.parametrize("coding", [b"gzip", b"br", b"zstd"])
async def test_nothing_is_held_back_while_more_is_waited_for(coding):
    frames = Pieces(b"one ", b"two ", b"three", here=1)
    reply = await answered(Reply(200, [KIND], frames), coding, Compress(min_size=0))
    got = await anext(reply.frames)
    assert plain(got, coding) == b"one "
    assert not reply.frames.ready
    got += await anext(reply.frames)
    assert plain(got, coding) == b"one two "
    got += await anext(reply.frames)
    assert (plain(got, coding), reply.frames.done) == (b"one two three", True)
    with pytest.raises(StopAsyncIteration):
        await anext(reply.frames)


@pytest.mark.parametrize("coding", [b"gzip", b"br", b"zstd"])
async def test_events_are_compressed_each_for_itself_when_that_is_wanted(coding):
    events = [b"data: %d\n\n" % number for number in range(5)]
    reply = await answered(Reply(200, [EVENTS], Pieces(*events)), coding, Compress(streams=True, min_size=0))
    got = b""
    for number in range(5):
        got += await anext(reply.frames)
        assert plain(got, coding) == b"".join(events[: number + 1])


async def test_a_head_whose_body_comes_later_is_not_held_back():
    frames = Pieces(TEXT, here=0)
    reply = await answered(Reply(200, [KIND], frames))
    assert frames.pieces == [TEXT]
    assert not reply.frames.ready
    assert plain(await content_of(reply), b"gzip") == TEXT


async def test_a_failure_goes_through_and_what_is_behind_is_closed():
    failing = Pieces(TEXT * 2, Refusal("upstream_reset"))
    reply = await answered(Reply(200, [KIND], failing))
    with pytest.raises(Refusal, match="upstream_reset"):
        await content_of(reply)
    reply.frames.close()
    assert failing.closed
    at_once = Pieces(Refusal("upstream_reset"))
    with pytest.raises(Refusal, match="upstream_reset"):
        await answered(Reply(200, [KIND], at_once))
    assert at_once.closed


def test_what_cannot_be_meant_is_refused():
    for fields in ({"codings": []}, {"codings": ["deflate"]}, {"types": ["html"]}, {"mode": "observe"}):
        with pytest.raises(ValidationError):
            Compress.model_validate(fields)
