"""The head waits for the first content; what fails before it can still be mended, what fails after it is told."""

import asyncio

import pytest
from tests.gates.llm import toy
from tests.gates.llm.calls import DONE, STOP, WORD, event
from tests.gates.llm.test_decoding import Pieces
from tests.gates.llm.test_flow import relayed, translated

from triplegate.core.errors import Refusal
from triplegate.gates.llm.streaming import Streaming

ROLE = event(choices=[{"index": 0, "delta": {"role": "assistant"}}])


def streaming(*pieces, flow=None):
    frames = Pieces(*pieces)
    return Streaming(frames, flow or relayed(), "p/x"), frames


async def rest_of(frames):
    return [piece async for piece in frames if piece]


async def test_what_was_held_comes_first_in_one_piece():
    stream, frames = streaming(ROLE, WORD, STOP, DONE)
    await stream.hold(5, 5)
    assert len(frames._pieces) == 2
    assert stream.ready
    assert await rest_of(stream) == [ROLE + WORD, STOP, DONE]


async def test_an_answer_without_content_is_an_answer_when_it_finished():
    stream, _ = streaming(ROLE, STOP + DONE)
    await stream.hold(5, 5)
    assert b"".join(await rest_of(stream)) == ROLE + STOP + DONE


@pytest.mark.parametrize(
    ("pieces", "code"),
    [
        ([ROLE], "upstream_reset"),
        ([], "upstream_reset"),
        ([ROLE, event(error={"message": "no", "code": "rate_limit"})], "upstream_rate_limited"),
        ([event(error={"type": "overloaded_error"}), DONE], "upstream_overloaded"),
        ([ROLE, b"data: {no\n\n", WORD], "upstream_malformed"),
    ],
)
async def test_a_failure_before_content_is_a_refusal_and_gives_the_connection_up(pieces, code):
    stream, frames = streaming(*pieces)
    with pytest.raises(Refusal) as caught:
        await stream.hold(5, 5)
    assert (caught.value.code, frames.closed) == (code, True)


async def test_a_failure_after_content_comes_after_what_was_said():
    stream, _ = streaming(ROLE, WORD)
    await stream.hold(5, 5)
    assert await anext(stream) == ROLE + WORD
    with pytest.raises(Refusal) as caught:
        await anext(stream)
    assert caught.value.code == "upstream_reset"


async def test_what_cannot_be_read_after_content_ends_the_frames():
    stream, frames = streaming(ROLE, WORD, WORD + b"data: {no\n\n" + WORD, STOP)
    await stream.hold(5, 5)
    assert [await anext(stream), await anext(stream)] == [ROLE + WORD, WORD]
    with pytest.raises(Refusal) as caught:
        await anext(stream)
    assert (caught.value.code, frames._pieces) == ("upstream_malformed", [STOP])


async def test_a_foreign_error_after_content_ends_the_frames_at_once():
    stream, frames = streaming(
        toy.line("block") + toy.WORD, toy.WORD + toy.line("error", "rate"), toy.WORD, flow=translated()
    )
    await stream.hold(5, 5)
    assert [await anext(stream), await anext(stream)] == [b"<word>", b"<word>"]
    with pytest.raises(Refusal) as caught:
        await anext(stream)
    assert (caught.value.code, frames._pieces) == ("upstream_rate_limited", [toy.WORD])


async def test_a_foreign_answer_ends_in_the_clients_way():
    stream, _ = streaming(toy.line("block"), toy.WORD, toy.STOP, flow=translated())
    await stream.hold(5, 5)
    assert b"".join(await rest_of(stream)) == b"<word><end of m>"


async def test_the_hold_is_bounded_in_chunks_and_bytes():
    for size, count in ((1, 100), (30_000, 20)):
        stream, frames = streaming(*[b": %b\n\n" % (b"x" * size)] * count, WORD, STOP + DONE)
        await stream.hold(5, 5)
        assert len(frames._pieces) > 5


async def test_a_provider_without_a_word_in_time_is_given_up():
    class Silent(Pieces):
        async def __anext__(self):
            await asyncio.Event().wait()

    frames = Silent()
    with pytest.raises(Refusal) as caught:
        await Streaming(frames, relayed(), "p/x").hold(0.01, 5)
    assert (caught.value.code, frames.closed) == ("upstream_timeout", True)


async def test_a_head_that_was_held_long_enough_goes_out_and_nothing_is_lost():
    come = asyncio.Event()

    class Late(Pieces):
        async def __anext__(self):
            await come.wait()
            return await super().__anext__()

    stream = Streaming(Late(ROLE, WORD, STOP, DONE), relayed(), "p/x")
    await stream.hold(5, 0.01)
    come.set()
    assert b"".join(await rest_of(stream)) == ROLE + WORD + STOP + DONE


class Wordless(Pieces):
    """Silent, or never silent and never saying anything."""

    def __init__(self, piece=None):
        super().__init__()
        self.piece, self.waits = piece, []

    async def comes(self, within):
        self.waits.append(within)
        return False

    async def __anext__(self):
        await asyncio.sleep(0) if self.piece else await asyncio.Event().wait()
        return self.piece


@pytest.mark.parametrize("piece", [None, b": alive\n\n"], ids=["silent", "busy"])
async def test_a_stream_whose_head_is_out_still_owes_its_first_content_in_time(piece):
    stream = Streaming(Wordless(piece), relayed(), "p/x")
    await stream.hold(0.1, 0.01)
    with pytest.raises(Refusal) as caught:
        await rest_of(stream)
    assert (caught.value.code, caught.value.reason) == ("upstream_timeout", "idle: no content in 0.1 s")


async def test_who_waits_for_more_is_told_when_the_first_content_is_overdue():
    stream = Streaming(frames := Wordless(), relayed(), "p/x")
    await stream.hold(0.1, 0.01)
    assert not await stream.comes(0.001)
    assert await stream.comes(60)
    assert frames.waits[0] == 0.001
    assert frames.waits[1] < 0.1
    with pytest.raises(Refusal):
        await anext(stream)


async def test_after_its_first_content_a_stream_may_be_silent_for_longer():
    go_on = asyncio.Event()

    class Thinking(Pieces):
        async def __anext__(self):
            if len(self._pieces) < 4:
                await go_on.wait()
            return await super().__anext__()

    class Late(Thinking):
        async def __anext__(self):
            if len(self._pieces) == 4:
                await asyncio.sleep(0.02)
            return await super().__anext__()

    stream = Streaming(frames := Late(ROLE, WORD, STOP, DONE), relayed(), "p/x")
    await stream.hold(30, 0.01)
    go_on.set()
    assert await anext(stream) == ROLE
    assert await anext(stream) == WORD
    assert await stream.comes(60)
    assert len(frames._pieces) == 2


async def test_whether_more_is_here_is_asked_of_the_provider():
    class Slow(Pieces):
        asked = 0

        async def comes(self, within):
            self.asked += 1
            return within > 1

    stream = Streaming(Slow(ROLE, WORD, STOP + DONE), relayed(), "p/x")
    await stream.hold(5, 5)
    assert await stream.comes(0.1)  # what was held is here
    await anext(stream)
    assert [await stream.comes(0.1), await stream.comes(2)] == [False, True]
    assert len(await rest_of(stream)) == 1
    assert await stream.comes(0.1)
