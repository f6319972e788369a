"""The life of a duplex exchange: however it goes, it is opened or refused, told how it ends, and closed once."""

import asyncio

import pytest
from tests.builders import PlainGate, make_exchange

from triplegate.core.errors import Gone, Refusal
from triplegate.core.http import Duplex, Frames, Message, OneFrame, Reply
from triplegate.edge.duplex import Line, carry
from triplegate.edge.live import Live


class ListLine(Line):
    """A client of a script: messages in, and everything it was told in order."""

    normal = 1000
    departs = True

    def __init__(self, exchange, *messages):
        super().__init__(exchange, write_idle=5.0)
        self.messages = list(messages)
        self.told = []
        self.slow = None

    async def _open(self, headers):
        self.told.append(("open", dict(headers)))

    async def _receive(self):
        if not self.messages:
            await asyncio.Event().wait()
        message = self.messages.pop(0)
        if isinstance(message, Exception):
            raise message
        return message

    async def _send(self, message):
        if self.slow is not None:
            await self.slow.wait()
        self.told.append(("message", message.data))

    async def _end(self, code, reason, trailers):
        self.told.append(("end", code, reason, self.exchange.outcome))

    async def refuse(self, status, headers, content):
        self.told.append(("refused", status, content, self.exchange.outcome))

    def abort(self):
        self.told.append(("abort",))

    def code_of(self, refusal):
        return 4000 + refusal.status

    def outcome_of(self, code):
        return "ok" if code == 1000 else "failed"


class Echo(Duplex):
    """Sends back what comes; ends with the client."""

    async def run(self, client):
        while (message := await client.receive()) is not None:
            await client.send(message)


class Closing(Frames):
    done = True
    closed = 0

    async def __anext__(self):
        raise StopAsyncIteration

    def close(self):
        self.closed += 1


def echo():
    return Echo(101, [(b"x-upstream", b"1")], Closing())


async def carried(answer, *messages, live=None, most=10, act=None, refusal=None, taps=()):
    """The exchange and the line after its life; `act` is called with the line once it runs."""
    exchange = make_exchange()
    exchange.refusal = refusal
    exchange.on_message.extend(taps)
    lines = []
    live = Live() if live is None else live

    async def life():
        line = ListLine(exchange, *messages)
        lines.append(line)
        await carry(line, answer, live, most)

    task = asyncio.ensure_future(life())
    if act is not None:
        while not lines or not lines[0].accepted:
            await asyncio.sleep(0)
        await act(lines[0])
    async with asyncio.timeout(5):
        await asyncio.wait({task})
    assert len(exchange.house.spool.records) == 1
    assert len(live) == 0
    return exchange, lines[0], task


def giving(reply):
    async def answer(gate, exchange):
        if isinstance(reply, Exception):
            raise reply
        if exchange.refusal is not None:
            return gate.refuse(exchange, exchange.refusal)
        return reply

    return answer


async def test_messages_go_both_ways_and_the_record_stands_before_the_end_is_told():
    reply = echo()
    exchange, line, _ = await carried(giving(reply), Message(b"one", text=True), Message(b"three"), None)
    opened, *rest = line.told
    assert opened[0] == "open"
    assert (opened[1][b"x-upstream"], opened[1][b"x-request-id"]) == (b"1", b"r1")
    assert rest == [("message", b"one"), ("message", b"three"), ("end", 1000, "", "ok")]
    numbers = exchange.numbers
    assert (numbers.bytes_in, numbers.bytes_out, numbers.status, numbers.streamed) == (8, 8, 101, True)
    assert numbers.first_byte
    assert reply.frames.closed == 1


async def test_a_refusal_of_the_chain_is_answered_before_anything_is_open():
    exchange, line, _ = await carried(giving(echo()), refusal=Refusal("forbidden"))
    assert line.told == [("refused", 403, b"forbidden", "refused")]
    assert exchange.numbers.status == 403


async def test_an_ordinary_answer_of_the_upstream_is_the_answer():
    exchange, line, _ = await carried(giving(Reply(418, [], OneFrame(b"short and stout"))))
    assert line.told == [("refused", 418, b"short and stout", "ok")]
    assert exchange.numbers.bytes_out == 15


async def test_an_endless_answer_to_the_handshake_is_cut_short():
    class Endless(Closing):
        done = False

        async def __anext__(self):
            return b"x" * 100_000

    _, line, _ = await carried(giving(Reply(200, [], Endless())))
    assert line.told == [("refused", 502, b"upstream_malformed", "failed")]


@pytest.mark.parametrize(
    ("refusal", "told"),
    [
        (Refusal("upstream_reset", "gone"), ("end", 4502, "gone", "failed")),
        (Refusal("quota_exceeded", "slow down"), ("end", 4429, "slow down", "refused")),
    ],
)
async def test_what_breaks_once_it_is_open_is_told_in_band(refusal, told):
    class Breaks(Duplex):
        async def run(self, client):
            raise refusal

    exchange, line, _ = await carried(giving(Breaks(101, [], Closing())))
    assert line.told[1:] == [told]
    assert exchange.refusal is refusal


async def test_the_text_of_an_unknown_failure_stays_inside(capfd):
    _, line, _ = await carried(giving(ValueError("secret")))
    assert line.told == [("refused", 500, b"internal", "failed")]
    assert "secret" in capfd.readouterr().err


async def test_a_client_that_leaves_is_gone_and_nothing_is_sent_after_it():
    reply = echo()
    exchange, line, _ = await carried(giving(reply), Gone())
    assert line.told[1:] == [("abort",)]
    assert (exchange.outcome, reply.frames.closed) == ("gone", 1)


async def test_a_client_that_takes_nothing_is_gone():
    async def act(line):
        line.slow = asyncio.Event()
        line.messages.append(Message(b"x"))
        while not line.sending_since:
            await asyncio.sleep(0)
        line.check_stall(line.sending_since + 4.9)
        assert not line.gone
        line.check_stall(line.sending_since + 5.1)

    class Pushes(Duplex):
        async def run(self, client):
            while not client.messages:
                await asyncio.sleep(0)
            await client.send(Message(b"x"))

    exchange, line, task = await carried(giving(Pushes(101, [], Closing())), act=act)
    assert (exchange.outcome, line.told[1:], task.cancelled()) == ("gone", [("abort",)], True)


async def test_the_drain_is_told_in_band_and_the_second_word_cuts():
    async def act(line):
        line.stop()

    exchange, line, _ = await carried(giving(echo()), act=act)
    assert line.told[1:] == [("end", 4503, "The gateway is shutting down.", "failed")]
    assert exchange.refusal.code == "draining"

    async def cut(line):
        async def never(code, reason, trailers):
            await asyncio.Event().wait()

        line._end = never
        line.stop()
        for _ in range(5):
            await asyncio.sleep(0)
        line.stop()

    _, line, task = await carried(giving(echo()), act=cut)
    assert task.cancelled()


async def test_an_end_from_outside_gives_its_reason_and_the_first_one_counts():
    async def act(line):
        line.dismiss(Refusal("invalid_credentials", "revoked"))
        line.dismiss(Refusal("draining"))

    _, line, _ = await carried(giving(echo()), act=act)
    assert line.told[1:] == [("end", 4401, "revoked", "refused")]
    line.dismiss(Refusal("draining"))  # it is over: nothing happens
    assert line.verdict.code == "invalid_credentials"


async def test_nothing_is_begun_over_the_bound_or_while_the_process_drains():
    live = Live()
    _, line, _ = await carried(giving(echo()), live=live, most=0)
    assert line.told == [("refused", 503, b"overloaded", "refused")]
    await live.depart(1)
    _, line, _ = await carried(giving(echo()), live=live)
    assert line.told == [("refused", 503, b"draining", "refused")]


async def test_taps_see_each_message_and_may_change_or_drop_it():
    def drop(message, direction):
        return None if message.data == b"secret" else message

    def mark(message, direction):
        return Message(direction.encode() + b":" + message.data)

    messages = (Message(b"a"), Message(b"secret"), None)
    exchange, line, _ = await carried(giving(echo()), *messages, taps=(drop, mark))
    assert line.told[1:-1] == [("message", b"out:in:a")]
    assert exchange.numbers.bytes_out == len(b"out:in:a")


async def test_closing_is_done_once():
    class Twice(Duplex):
        async def run(self, client):
            await client.close(1000, "first")
            await client.close(1011, "second")
            await client.fail(Refusal("internal"))

    exchange, line, _ = await carried(giving(Twice(101, [], Closing())))
    assert line.told[1:] == [("end", 1000, "first", "ok")]
    assert exchange.outcome == "ok"


async def test_a_gate_that_answers_by_itself_is_an_answer():
    _, line, _ = await carried(giving(await PlainGate().forward(None)))
    assert line.told == [("refused", 200, b"ok", "ok")]
