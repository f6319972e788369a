"""Compressed answers are unpacked piece by piece; bombs, cut ends and unknown codings are refused."""

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.gates.built import always, answer, built
from tests.gates.llm.calls import COUNT, DONE, REPLY, STOP, WORD, chat, one
from tests.hostile.scripted import Upstream

from triplegate.core.errors import Refusal
from triplegate.core.http import Frames, OneFrame, Reply
from triplegate.gates.llm.decoding import Inflated, decoded


class Pieces(Frames):
    def __init__(self, *pieces):
        self._pieces = list(pieces)
        self.done = False
        self.closed = False

    async def __anext__(self):
        if not self._pieces:
            self.done = True
            raise StopAsyncIteration
        return self._pieces.pop(0)

    def close(self):
        self.closed = True


async def unpacked(*pieces, most=1 << 20):
    frames = Inflated(Pieces(*pieces), most)
    content = b"".join([piece async for piece in frames])
    assert frames.done
    return content


@given(st.binary(max_size=500), st.integers(1, 40), st.booleans())
async def test_whatever_the_cuts_the_content_is_the_same(content, size, zipped):
    packed = gzip.compress(content) if zipped else zlib.compress(content)
    assert await unpacked(*[packed[at : at + size] for at in range(0, len(packed), size)]) == content


@pytest.mark.parametrize("size", [(1 << 20) - 1, 1 << 20, (1 << 20) + 1, 3 << 20, (3 << 20) + 258])
async def test_what_is_large_comes_in_steps_and_whole(size):
    assert await unpacked(gzip.compress(bytes(size)), most=4 << 20) == bytes(size)


async def test_a_bomb_is_refused_before_it_is_unpacked():
    packed = gzip.compress(bytes(50 << 20))
    with pytest.raises(Refusal) as caught:
        await unpacked(packed, most=4 << 20)
    assert caught.value.code == "upstream_malformed"


@pytest.mark.parametrize(
    "pieces", [(b"no gzip at all",), (gzip.compress(b"abc")[:-4],), (gzip.compress(b"abc") + b"more",), ()]
)
async def test_what_cannot_be_unpacked_is_malformed(pieces):
    with pytest.raises(Refusal) as caught:
        await unpacked(*pieces)
    assert caught.value.code == "upstream_malformed"


def test_plain_answers_are_left_alone():
    for headers in ([], [(b"content-encoding", b"identity")]):
        reply = Reply(200, headers, OneFrame(b"x"))
        frames = reply.frames
        assert decoded(reply).frames is frames


@pytest.mark.parametrize("codings", [[b"br"], [b"zstd"], [b"gzip, br"], [b"gzip", b"gzip"]])
def test_an_unknown_coding_is_refused_and_the_connection_given_up(codings):
    frames = Pieces(b"x")
    with pytest.raises(Refusal):
        decoded(Reply(200, [(b"content-encoding", coding) for coding in codings], frames))
    assert frames.closed


async def test_a_close_reaches_the_connection():
    frames = Pieces(b"x")
    Inflated(frames).close()
    assert frames.closed


@pytest.mark.parametrize("streamed", [True, False])
async def test_a_compressed_answer_is_read_counted_and_passed_on_plain(tmp_path, streamed):
    content = WORD + STOP + COUNT + DONE if streamed else REPLY
    kind = b"text/event-stream" if streamed else b"application/json"
    packed = answer(gzip.compress(content), b"Content-Encoding: gzip", kind=kind)
    async with Upstream(always(packed)) as upstream, built(tmp_path, one(upstream.url)) as made:
        exchange, wire = await made.serve("POST", "/v1/chat/completions", body=chat(stream=streamed))
    assert (wire.status, wire.content) == (200, WORD + STOP + DONE if streamed else REPLY)
    assert wire.field(b"content-encoding") is None
    assert (exchange.outcome, made.records[-1].usage_source, made.records[-1].cost) == ("ok", "provider", 200_000)
