"""A guard gives its verdict in time, or it is said why not; it never raises."""

import asyncio

import pytest
from tests.builders import make_exchange, make_kit
from tests.stores.verdicts.askers import asker, pieces_with, says

from triplegate.core.errors import Refusal
from triplegate.stores.verdicts.asker import call_of
from triplegate.stores.verdicts.sending import Unanswered
from triplegate.wire.guards.told import Told

HELLO = pieces_with("Hello")


def raising(error):
    async def send(exchange, body, seconds):
        raise error

    return send


async def saying(exchange, body, seconds):
    return b"{}"


async def hanging(exchange, body, seconds):
    await asyncio.Event().wait()


async def test_its_verdict_is_heard():
    heard = await asker(make_kit(), says("block")).hear(make_exchange(), HELLO)
    assert (heard.told, heard.why) == (Told("block"), "")


@pytest.mark.parametrize(
    ("send", "why"),
    [
        (raising(Unanswered("status 500")), "status 500"),
        (raising(Refusal("upstream_reset", "", reason="what it said")), "upstream_reset"),
        (raising(ValueError("what it said")), "no verdict in its answer"),
        (raising(RuntimeError("what it said")), "broken"),
        (saying, "broken"),
    ],
)
async def test_without_one_it_is_said_why_in_words_of_ours(send, why):
    heard = await asker(make_kit(), send).hear(make_exchange(), HELLO)
    assert (heard.told, heard.why) == (None, why)


async def test_nobody_waits_longer_than_is_said():
    kit = make_kit()
    guard = asker(kit, hanging, timeout=0.01, at_once=1)
    heard = await asyncio.gather(*[guard.hear(make_exchange(), HELLO) for _ in range(6)])
    assert sorted(one.why for one in heard) == ["timeout"] * 5 + ["too many questions"]
    again = await asker(kit, says("allow"), at_once=1).hear(make_exchange(), HELLO)
    assert again.told is not None  # whoever gave up has left


async def test_nobody_waits_longer_than_whoever_called():
    kit, exchange = make_kit(), make_exchange()
    exchange.deadline = kit.clock.now() + 0.01
    assert (await asker(kit, hanging, timeout=3600.0).hear(exchange, HELLO)).why == "timeout"


async def test_it_is_never_asked_about_more_than_it_may_be_given():
    heard = await asker(make_kit(), raising(AssertionError)).hear(make_exchange(), pieces_with("x" * 1001))
    assert (heard.told, heard.unseen) == (None, True)


async def test_a_verdict_is_remembered_where_that_is_said_and_a_failure_never():
    kit, asked = make_kit(), []

    async def send(exchange, body, seconds):
        asked.append(body)
        return b"{" if len(asked) == 1 else b'{"action": "allow"}'

    guard = asker(kit, send, remember=60.0)
    heard = [(await guard.hear(make_exchange(), HELLO)).told for _ in range(3)]
    assert heard == [None, Told(), Told()]
    assert len(asked) == 2
    kit.clock.advance(61)
    await guard.hear(make_exchange(), HELLO)
    assert len(asked) == 3


def test_it_may_know_who_calls():
    exchange = make_exchange()
    call = call_of(exchange)
    assert (call.id, call.model, call.team, call.consumer) == (exchange.id, "", "acme/web", "alice")
    assert call_of(make_exchange(principal=None)).team == ""
