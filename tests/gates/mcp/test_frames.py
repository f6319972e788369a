"""Bodies as they pass: whatever the split, whole events; whatever the end, the truth."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triplegate.core.errors import Refusal
from triplegate.core.http import Frames
from triplegate.gates.mcp.frames import EventEncoder, EventFrames, PrefixFrames, UnlinkedFrames


class Pieces(Frames):
    """Chunks, then a clean end or a failure."""

    def __init__(self, chunks, error=None):
        self.chunks, self.error, self.closed, self.done = list(chunks), error, False, False

    async def __anext__(self):
        if not self.chunks:
            if self.error:
                raise self.error
            raise StopAsyncIteration
        chunk = self.chunks.pop(0)
        self.done = not self.chunks and self.error is None
        return chunk

    def close(self):
        self.closed = True


ANSWER = b'data: {"jsonrpc":"2.0","id":1,"result":{}}\n\n'
NOTE = b'data: {"jsonrpc":"2.0","method":"notifications/progress"}\n\n'


def turn(block):
    return block, b'"result"' in block


def cut_never():
    raise AssertionError("told although the answer had passed")


async def all_of(frames):
    return [frame async for frame in frames]


async def test_a_prefix_comes_first_and_the_rest_as_it_comes():
    rest = Pieces([b"b", b"c"])
    frames = PrefixFrames(b"a", rest)
    assert frames.ready
    assert await all_of(frames) == [b"a", b"b", b"c"]
    assert frames.done
    frames.close()
    assert rest.closed


async def test_a_large_body_that_asks_for_more_breaks_off_wherever_it_is_cut():
    text = b'x"},"resultType" : "input_required","inputRequests":{}}}'
    for at in range(len(text)):
        rest = Pieces([text[:at], text[at:]])
        frames = UnlinkedFrames(b'{"jsonrpc":"2.0","id":1,"result":{"a":"', rest)
        with pytest.raises(Refusal, match="upstream_malformed"):
            await all_of(frames)
        frames.close()
        assert rest.closed


async def test_a_large_body_that_only_speaks_of_it_passes():
    text = b'\\"resultType\\":\\"input_required\\" \\u00e9 \\\\u0041"},"resultType":"complete"}'
    frames = UnlinkedFrames(b'{"result":{"a":"', Pieces([text[:9], text[9:]]))
    assert not frames.done
    assert b"".join(await all_of(frames)) == text
    assert frames.done


@given(st.lists(st.integers(0, len(NOTE + ANSWER)), max_size=6))
def test_events_leave_whole_whatever_the_split(cuts):
    import asyncio

    text = NOTE + ANSWER
    edges = sorted({0, *cuts, len(text)})
    chunks = [text[a:b] for a, b in itertools.pairwise(edges)]
    frames = EventFrames(Pieces(chunks), turn, cut_never)
    passed = asyncio.run(all_of(frames))
    assert b"".join(passed) == text
    assert all(frame.endswith(b"\n\n") for frame in passed if frame)
    assert frames.answered
    frames.close()


async def test_a_stream_without_an_answer_is_no_clean_end():
    told = []
    frames = EventFrames(Pieces([NOTE]), turn, lambda: told.append(1))
    with pytest.raises(Refusal, match="upstream_reset"):
        await all_of(frames)
    frames.close()
    frames.close()
    assert told == [1]


async def test_a_failure_is_told_with_the_calls_id_and_only_while_it_is_news():
    frames = EventFrames(Pieces([NOTE, ANSWER], Refusal("upstream_reset")), turn, cut_never)
    encoder = EventEncoder(frames, b'"mine"')
    await frames.__anext__()
    told = encoder.fail(Refusal("upstream_reset", "gone"))
    assert told.startswith(b"event: message\ndata: {")
    assert b'"id":"mine"' in told
    assert b"-32003" in told
    assert b"-32603" in encoder.fail(ValueError("secret text"))
    assert b"secret" not in encoder.fail(ValueError("secret text"))
    await frames.__anext__()
    assert encoder.fail(Refusal("upstream_reset")) == b""


async def test_an_event_that_never_ends_is_bounded(monkeypatch):
    from triplegate.gates.mcp import frames as module

    monkeypatch.setattr(module, "LARGEST_EVENT", 100)
    frames = EventFrames(Pieces([b"data: " + b"x" * 60, b"x" * 60]), turn, lambda: None)
    with pytest.raises(Refusal, match="upstream_malformed"):
        await all_of(frames)
