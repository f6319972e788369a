"""A reply on its way to the client: the head at once, frames as they come, an end that is never a lie."""

import asyncio

import http_sf
import pytest
from tests.builders import make_exchange
from tests.gates.built import ListWire

from triplegate.core.admission import Claim, Limit, Standing
from triplegate.core.errors import Refusal
from triplegate.core.http import Encoder, Frames, OneFrame, Reply
from triplegate.edge.pump import head_fields, pump


class Queue(Frames):
    """Frames that a test feeds; an exception among them ends them so."""

    def __init__(self, *frames, last=True):
        self._frames = list(frames)
        self._last = last
        self._more = asyncio.Event()
        self.done = False
        self.closed = 0

    @property
    def ready(self):
        return bool(self._frames)

    def put(self, frame):
        self._frames.append(frame)
        self._more.set()

    def end(self):
        self._last = True
        self._more.set()

    async def __anext__(self):
        while not self._frames:
            if self._last:
                self.done = True
                raise StopAsyncIteration
            self._more.clear()
            await self._more.wait()
        frame = self._frames.pop(0)
        if isinstance(frame, Exception):
            raise frame
        return frame

    def close(self):
        self.closed += 1


class Whole(Encoder):
    whole = True

    def __init__(self, exchange=None):
        self.exchange = exchange

    def finish(self):
        if self.exchange is not None:
            self.exchange.reply_headers.append((b"x-cost", b"7"))
        return b"."


class Telling(Encoder):
    def fail(self, refusal):
        return b"!" + refusal.code.encode()


async def pumped(frames, encoder=None, status=200, headers=(), exchange=None):
    exchange = exchange or make_exchange()
    wire = ListWire(exchange)
    reply = Reply(status, list(headers), frames)
    await pump(exchange, reply, encoder or Encoder(), wire)
    return exchange, wire


async def test_a_reply_that_is_all_here_is_one_message_and_closed_before_it_ends():
    exchange, wire = await pumped(OneFrame(b"all"), headers=[(b"content-length", b"3")])
    assert wire.sent == [("end", b"all", "ok")]
    assert (wire.status, exchange.numbers.status, exchange.numbers.bytes_out) == (200, 200, 3)
    _, empty = await pumped(OneFrame(), status=204)
    assert empty.sent == [("end", b"", "ok")]


async def test_the_head_goes_alone_when_nothing_is_here_yet():
    exchange, frames = make_exchange(), Queue(last=False)
    wire = ListWire(exchange)
    task = asyncio.ensure_future(pump(exchange, Reply(200, [], frames), Encoder(), wire))
    while not wire.started:
        await asyncio.sleep(0)
    assert wire.sent == [("body", b"", None)]
    for piece in (b"one", b"two"):
        frames.put(piece)
        while wire.content[-3:] != piece:
            await asyncio.sleep(0)
    frames.end()
    await asyncio.wait_for(task, 2)
    assert wire.sent[1:] == [("body", b"one", None), ("body", b"two", None), ("end", b"", "ok")]
    assert (frames.closed, exchange.numbers.bytes_out) == (1, 6)


async def test_a_whole_reply_gets_its_length_and_what_was_learnt_meanwhile():
    exchange = make_exchange()
    _, wire = await pumped(Queue(b"one", b"two"), Whole(exchange), exchange=exchange)
    assert wire.sent == [("end", b"onetwo.", "ok")]
    assert (wire.field(b"content-length"), wire.field(b"x-cost")) == (b"7", b"7")


async def test_a_whole_reply_that_is_too_large_streams_after_all():
    piece = bytes(600_000)
    exchange, wire = await pumped(Queue(piece, piece, piece), Whole())
    assert [len(content) for _, content, _ in wire.sent] == [1_200_000, 600_000, 1]
    assert wire.field(b"content-length") is None
    assert exchange.numbers.bytes_out == 1_800_001


async def test_a_failure_before_the_head_can_still_be_answered_properly():
    frames = Queue(b"one", Refusal("upstream_reset"))
    with pytest.raises(Refusal) as caught:
        await pumped(frames, Whole())
    assert (caught.value.code, frames.closed) == ("upstream_reset", 1)


async def test_a_failure_after_the_head_leaves_the_message_incomplete():
    exchange, wire = await pumped(Queue(b"one", Refusal("upstream_reset")))
    assert wire.aborted
    assert not wire.ended
    assert (exchange.outcome, exchange.refusal.code) == ("failed", "upstream_reset")


async def test_or_is_told_in_the_dialect_where_that_can_be_done():
    _, wire = await pumped(Queue(b"one", Refusal("upstream_timeout")), Telling())
    assert wire.sent[-1] == ("end", b"!upstream_timeout", "failed")
    assert not wire.aborted


@pytest.mark.parametrize("encoder", [Encoder, Telling])
async def test_the_end_of_the_process_is_told_too(encoder):
    exchange, frames = make_exchange(), Queue(b"one", last=False)
    wire = ListWire(exchange)
    task = asyncio.ensure_future(pump(exchange, Reply(200, [], frames), encoder(), wire))
    while not wire.started:
        await asyncio.sleep(0)
    wire.stopping = True
    task.cancel()
    await asyncio.wait_for(task, 2)
    assert (exchange.refusal.code, exchange.outcome, frames.closed) == ("draining", "failed", 1)
    assert wire.aborted == (encoder is Encoder)


async def test_whoever_is_sent_away_is_told_why_in_band():
    exchange, frames, told = make_exchange(), Queue(b"one", last=False), []

    class Telling(Encoder):
        def fail(self, refusal):
            told.append(refusal.code)
            return b""

    wire = ListWire(exchange)
    task = asyncio.ensure_future(pump(exchange, Reply(200, [], frames), Telling(), wire))
    while not wire.started:
        await asyncio.sleep(0)
    exchange.refusal = Refusal("forbidden")
    wire.stopping = True
    task.cancel()
    await asyncio.wait_for(task, 2)
    assert (told, exchange.refusal.code) == (["forbidden"], "forbidden")


@pytest.mark.parametrize("gone", [True, False])
async def test_a_cancelled_pump_closes_the_frames_at_once(gone):
    exchange, frames = make_exchange(), Queue(b"one", last=False)
    wire = ListWire(exchange)
    task = asyncio.ensure_future(pump(exchange, Reply(200, [], frames), Encoder(), wire))
    while not wire.started:
        await asyncio.sleep(0)
    wire.gone = wire.stopping = gone  # who left is not told, even while the process ends
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (frames.closed, wire.ended) == (1, False)


async def test_a_reply_to_be_finished_is_read_to_its_end_for_nobody():
    exchange, frames = make_exchange(), Queue(b"one", last=False)
    wire = ListWire(exchange)
    task = asyncio.ensure_future(pump(exchange, Reply(200, [], frames, on_gone="finish"), Encoder(), wire))
    while not wire.started or frames._frames:
        await asyncio.sleep(0)
    wire.gone = True
    task.cancel()
    await asyncio.sleep(0)
    frames.put(b"two")
    await asyncio.sleep(0.01)
    assert (frames._frames, frames.closed, wire.sent.count(b"two")) == ([], 0, 0)
    frames.end()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (frames.done, frames.closed) == (True, 1)


@pytest.mark.parametrize(
    ("status", "code", "outcome"),
    [
        (200, None, "ok"),
        (404, None, "ok"),
        (500, None, "failed"),
        (401, "unauthenticated", "refused"),
        (429, "quota_exceeded", "refused"),
        (502, "upstream_unreachable", "failed"),
        (429, "upstream_rate_limited", "failed"),
        (500, "internal", "failed"),
        (500, "no_backend", "failed"),
        (503, "no_endpoint", "failed"),
    ],
)
async def test_the_outcome_says_whose_doing_it_was(status, code, outcome):
    exchange = make_exchange()
    exchange.refusal = Refusal(code) if code else None
    await pumped(OneFrame(b"x"), status=status, exchange=exchange)
    assert exchange.outcome == outcome


def test_what_is_promised_stands_on_every_reply():
    exchange = make_exchange()
    exchange.reply_headers = [(b"x-promised", b"1")]
    exchange.standings = (Standing(Claim("b", Limit("few", "rate", "requests", 9, 60.0)), 4, 3.2),)
    exchange.house.clock.advance(0.25)
    exchange.numbers.first_byte = exchange.house.clock.now()
    found = dict(head_fields(exchange, Reply(200, [(b"content-type", b"a/b")], OneFrame())))
    assert (found[b"content-type"], found[b"x-promised"], found[b"x-request-id"]) == (b"a/b", b"1", b"r1")
    assert found[b"x-triplegate-overhead-ms"] == b"250.00"
    ((name, parameters),) = http_sf.parse(found[b"ratelimit"], tltype="list")
    assert (name, parameters["r"], parameters["t"]) == ("few", 4, 4)
    ((name, parameters),) = http_sf.parse(found[b"ratelimit-policy"], tltype="list")
    assert (name, parameters["q"], parameters["w"]) == ("few", 9, 60)
