"""An answer that runs out of budget ends with the dialect's own error, and costs no more than there was."""

import pytest
from tests.builders import make_exchange
from tests.gates.llm.calls import DONE, STOP, WORD, chat
from tests.gates.llm.test_decoding import Pieces
from tests.gates.llm.test_flow import relayed

from triplegate.core.admission import Claim, Limit, Taker
from triplegate.core.calendar import Calendar
from triplegate.core.catalog import Target
from triplegate.core.clock import SetClock
from triplegate.core.errors import Refusal
from triplegate.core.http import Reply
from triplegate.core.money import Price
from triplegate.gates.llm.call import read_call
from triplegate.gates.llm.cutoff import cutoff_of
from triplegate.gates.llm.metering import Meter, StreamEncoder
from triplegate.gates.llm.paths.chat import CHAT
from triplegate.gates.llm.streaming import Streaming
from triplegate.stores.memory.admission import MemoryAdmission

PRICE = Price(input=0, output=1_000_000)
"""A unit of money a token."""


class Budget:
    def __init__(self, limit, amount, **more):
        self.limit, self.amount, self.more = limit, amount, more

    def claims(self, exchange, target):
        return [Claim("team", self.limit, self.amount, cutoff=True, **self.more)]


async def written(words, claimant):
    """What a client gets of an answer of so many words, and its exchange, attempt and store."""
    exchange, store = make_exchange(), MemoryAdmission(SetClock())
    exchange.admission = Taker(store, (claimant,), exchange)
    await exchange.admission.take(None)
    call = read_call(CHAT, chat(stream=True))
    attempt = exchange.attempt(Target("deployment", "d", price=PRICE))
    attempt.adopted, attempt.flow = True, relayed()
    reply = Reply(200, [], Streaming(Pieces(*[WORD] * words, STOP, DONE), attempt.flow, "d"))
    reply.frames.cutoff = cutoff_of(exchange, attempt, call)
    encoder = StreamEncoder(exchange, attempt.flow, Meter(exchange, attempt, call), "d")
    sent = b""
    try:
        async for frame in reply.frames:
            sent += encoder.feed(frame)
        sent += encoder.finish()
    except Refusal as refusal:
        sent += encoder.fail(refusal)
        exchange.refusal = refusal
    exchange.close("ok" if exchange.refusal is None else "failed")
    return sent, exchange, attempt, store


@pytest.mark.parametrize("dimension", ["money", "total"])
async def test_it_ends_where_the_budget_does(dimension):
    limit = Limit("team", "budget", dimension, 20, Calendar("day"))
    sent, exchange, attempt, store = await written(100, Budget(limit, 5))
    assert exchange.refusal.code == "budget_exceeded"
    assert b'"code":"budget_exceeded"' in sent.replace(b" ", b"")
    said = attempt.cost if dimension == "money" else exchange.usage.total
    assert 19 <= said <= 21, "to the piece"
    (standing,) = await store.peek((Claim("team", limit),))
    assert standing.remaining == 0


async def test_while_there_is_enough_it_grows_unseen():
    limit = Limit("team", "budget", "money", 1_000, Calendar("day"))
    sent, exchange, attempt, store = await written(100, Budget(limit, 5))
    assert (sent, exchange.refusal, attempt.cost) == (WORD * 100 + STOP + DONE, None, 100)
    (standing,) = await store.peek((Claim("team", limit),))
    assert standing.remaining == 900


async def test_a_budget_that_is_only_observed_ends_nothing():
    limit = Limit("team", "budget", "money", 20, Calendar("day"))
    sent, exchange, _, _ = await written(100, Budget(limit, 5, mode="observe"))
    assert (sent, exchange.admission.cutoff) == (WORD * 100 + STOP + DONE, None)


def test_where_no_budget_says_so_nobody_looks():
    exchange, call = make_exchange(), read_call(CHAT, chat())
    attempt = exchange.attempt(Target("deployment", "d", price=PRICE))
    assert cutoff_of(exchange, attempt, call) is None
    exchange.admission = Taker(MemoryAdmission(SetClock()), (), exchange)
    assert cutoff_of(exchange, attempt, call) is None
