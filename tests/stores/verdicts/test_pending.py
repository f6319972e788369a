"""Verdicts on their way: asked for at once, waited for as often as one likes, given up with their exchange."""

import asyncio
import contextlib

import pytest
from tests.builders import make_exchange, make_kit
from tests.stores.verdicts.askers import asker, pieces_with, says

from triplegate.core.errors import Refusal
from triplegate.stores.verdicts.bench import HOLD, Bench, Rules
from triplegate.stores.verdicts.pending import Pending
from triplegate.upstreams.supervisor import TaskSupervisor

HELLO = pieces_with("Hello")


def bench(send, supervisor=None):
    kit = make_kit(supervisor=supervisor or TaskSupervisor())
    rules = Rules("g", frozenset({"input"}), enforces=True, holds=True, reversible=False, beside=True)
    return Bench(kit, rules, [asker(kit, send)])


async def test_it_is_asked_before_anybody_waits():
    asked = asyncio.Event()

    async def send(exchange, body, seconds):
        asked.set()
        return b'{"action": "allow"}'

    exchange = make_exchange()
    pending = Pending(bench(send), exchange, [HELLO], "call")
    await asyncio.wait_for(asked.wait(), 20)
    assert await pending.wait() == await pending.wait() == [{}]
    assert [name for name, _ in exchange.reply_headers] in ([], [HOLD])  # held only if it was waited for


async def test_a_refusal_is_told_to_everybody_who_waits():
    pending = Pending(bench(says("block")), make_exchange(), [HELLO], "call")
    for _ in range(2):
        with pytest.raises(Refusal) as refused:
            await pending.wait()
        assert refused.value.code == "content_blocked"


async def test_the_exchange_takes_it_along():
    gone = asyncio.Event()

    async def hanging(exchange, body, seconds):
        try:
            await asyncio.Event().wait()
        finally:
            gone.set()

    exchange = make_exchange()
    pending = Pending(bench(hanging), exchange, [HELLO], "call")
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.01):
            await pending.wait()
    exchange.close("gone")
    await asyncio.wait_for(gone.wait(), 20)
    with pytest.raises(Refusal) as refused:
        await pending.wait()
    assert refused.value.code == "guard_unavailable"


async def test_without_room_there_is_no_verdict():
    with pytest.raises(Refusal) as refused:
        Pending(bench(says("allow"), TaskSupervisor(limit=0)), make_exchange(), [HELLO], "call")
    assert (refused.value.code, refused.value.reason) == ("guard_unavailable", "overloaded")
