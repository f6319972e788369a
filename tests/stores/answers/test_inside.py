"""A call of our own goes through the whole gate in its caller's name, and comes back whole or not at all."""

import json

import pytest
from tests.stores.semantic.providing import CHAT, asked, providing

from triplegate.core.errors import Refusal
from triplegate.stores.answers.inside import inside

BODY = {"model": "m", "messages": [{"role": "user", "content": "How far is the moon?"}]}


async def test_it_is_answered_and_booked_to_whoever_it_is_for(tmp_path):
    async with providing(tmp_path) as (made, _):
        exchange = await asked(made)
        content, cost = await inside(made.kit, exchange, CHAT.removeprefix("/v1"), BODY, 20, 10_000)
        told, record = json.loads(content), made.records[-1]
    assert cost == record.cost
    assert told["choices"][0]["message"]["content"].startswith("Open the page")
    assert (record.parent, record.consumer, record.cost) == (exchange.id, "ci", 200_000)


@pytest.mark.parametrize(("body", "most"), [({"model": "none"}, 10_000), (BODY, 10)])
async def test_what_is_refused_or_too_large_is_a_refusal(tmp_path, body, most):
    async with providing(tmp_path) as (made, _):
        exchange = await asked(made)
        with pytest.raises(Refusal):
            await inside(made.kit, exchange, "/chat/completions", body, 20, most)


async def test_what_takes_too_long_is_given_up(tmp_path):
    async with providing(tmp_path) as (made, _):
        exchange = await asked(made)
        with pytest.raises(TimeoutError):
            await inside(made.kit, exchange, "/chat/completions", BODY, 0.0, 10_000)


async def test_without_a_gateway_nothing_can_be_asked(tmp_path):
    async with providing(tmp_path) as (made, _):
        exchange = await asked(made)
        made.kit.reenter = None
        with pytest.raises(Refusal, match="cannot be asked"):
            await inside(made.kit, exchange, "/chat/completions", BODY, 20, 10_000)
