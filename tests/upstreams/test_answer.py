"""An answer stands by itself: complete ones need no connection, closed ones give none away."""

import asyncio

import pytest

from triplegate.core.errors import Refusal
from triplegate.upstreams.answer import Answer


class Line:
    """Remembers what an answer asks of its connection."""

    uploading = False

    def __init__(self):
        self.loop = asyncio.get_running_loop()
        self.armed, self.resumed, self.abandoned = [], 0, 0

    def arm(self, seconds, phase):
        self.armed.append((seconds, phase))

    def resume(self):
        self.resumed += 1

    def abandon(self):
        self.abandoned += 1


async def test_frames_that_have_come_are_one_and_reading_goes_on():
    line = Line()
    answer = Answer(line, 3.0, None)
    answer.buffer += [b"a", b"b"]
    assert answer.ready
    assert await anext(answer) == b"ab"
    assert line.resumed == 1
    assert not answer.done
    assert line.armed == [], "nothing was waited for"


def test_what_is_complete_is_had_at_once_and_nothing_else_is():
    answer = Answer(None, 3.0, None)
    answer.buffer += [b"a", b"b"]
    assert answer.at_once() is None
    answer.complete = True
    assert answer.at_once() == b"ab"
    assert answer.done
    assert answer.at_once() == b""


async def test_a_wait_is_bounded_and_the_bound_is_lifted_after_it():
    line = Line()
    answer = Answer(line, 3.0, None)
    task = asyncio.ensure_future(anext(answer))
    await asyncio.sleep(0)
    assert line.armed == [(3.0, "idle")]
    answer.buffer.append(b"x")
    answer.wake()
    assert await task == b"x"
    assert line.armed[-1] == (float("inf"), "idle")


async def test_while_the_body_is_sent_its_sender_keeps_the_time():
    line = Line()
    line.uploading = True
    answer = Answer(line, 3.0, None)
    task = asyncio.ensure_future(anext(answer))
    await asyncio.sleep(0)
    assert line.armed == []
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_an_error_comes_after_what_came_before_it():
    answer = Answer(Line(), 3.0, None)
    answer.buffer.append(b"x")
    answer.error = Refusal("upstream_reset")
    assert await anext(answer) == b"x"
    for _ in range(2):
        with pytest.raises(Refusal):
            await anext(answer)


async def test_closing_abandons_the_connection_once():
    line = Line()
    answer = Answer(line, 3.0, None)
    answer.close()
    answer.close()
    assert line.abandoned == 1
    with pytest.raises(StopAsyncIteration):
        await anext(answer)


async def test_a_complete_answer_has_no_connection_left_to_close():
    line = Line()
    answer = Answer(line, 3.0, None)
    answer.status, answer.complete, answer.connection = 200, True, None
    await answer.head(1.0)
    assert answer.done
    answer.close()
    assert line.abandoned == 0


async def test_a_wait_in_pieces_loses_nothing_and_is_bounded_as_a_whole():
    line = Line()
    answer = Answer(line, 3.0, None)
    assert not await answer.comes(0.01)
    assert not await answer.comes(0.01)
    bounds = [seconds for seconds, _ in line.armed if seconds != float("inf")]
    assert len(bounds) >= 2
    assert bounds == sorted(bounds, reverse=True)
    assert bounds[-1] < 3.0, "what has passed already counts"
    waiting = asyncio.ensure_future(answer.comes(60.0))
    await asyncio.sleep(0)
    answer.wake()  # for nothing
    await asyncio.sleep(0)
    assert not waiting.done()
    answer.buffer.append(b"x")
    answer.wake()
    assert await waiting
    assert await anext(answer) == b"x"
    assert not await answer.comes(0.01)
    assert bounds[-1] < line.armed[-2][0] <= 3.0, "after a frame the silence begins anew"
    answer.error = Refusal("upstream_timeout")
    assert await answer.comes(60.0), "an end is not waited for"


async def test_nothing_is_waited_for_where_nothing_will_come():
    answer = Answer(Line(), 3.0, None)
    answer.close()
    assert await answer.comes(60.0)
