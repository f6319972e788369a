"""The nouns of a request: bodies that are here, replies that are local."""

import pytest
from tests.builders import make_inbound

from triplegate.core.http import BytesBody, Encoder, OneFrame


async def test_a_body_that_is_here_can_be_read_again():
    body = BytesBody(b"abc")
    assert (body.kind, body.length) == ("replayable", 3)
    assert [piece async for piece in body.chunks()] == [b"abc"]
    assert body.started
    assert await body.whole(10) == b"abc"


async def test_no_body_is_no_pieces():
    body = BytesBody()
    assert body.kind == "none"
    assert [piece async for piece in body.chunks()] == []


async def test_a_local_reply_is_one_frame_and_then_done():
    frames = OneFrame(b"x")
    assert not frames.done
    assert await frames.__anext__() == b"x"
    assert frames.done
    with pytest.raises(StopAsyncIteration):
        await frames.__anext__()


async def test_a_local_reply_is_had_at_once_and_only_once():
    frames = OneFrame(b"x")
    assert frames.at_once() == b"x"
    assert frames.done
    assert frames.at_once() == b""
    with pytest.raises(StopAsyncIteration):
        await frames.__anext__()


def test_an_empty_local_reply_is_done_from_the_start():
    assert OneFrame().done


async def test_closing_a_local_reply_twice_is_harmless():
    frames = OneFrame(b"x")
    frames.close()
    frames.close()
    assert [frame async for frame in frames] == []


def test_the_first_of_a_repeated_header_is_given():
    inbound = make_inbound(headers=[(b"a", b"1"), (b"a", b"2")])
    assert inbound.header(b"a") == b"1"
    assert inbound.header(b"b") is None


def test_the_plain_encoder_passes_bytes_and_cuts_on_failure():
    encoder = Encoder()
    assert encoder.feed(b"x") == b"x"
    assert encoder.finish() == b""
    assert encoder.fail(Exception()) is None
