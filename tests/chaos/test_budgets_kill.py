"""kill -9 while many streams spend of budgets: each is charged once, and no budget forgets what was spent of it."""

import asyncio
import random
from collections import Counter

import pytest
from tests.chaos.budgeted import (
    LIMITS,
    ORDER,
    UNITS,
    check_budgets,
    check_ledger,
    furnish_budgets,
    keys_of,
    order,
    said,
    spent,
)
from tests.chaos.calls import Call, Load
from tests.chaos.test_kill import compare_usage, settled
from tests.journeys.running import House

from triplegate.samples.start import start_samples

DENIED = {429, 503}
"""Budgets that are spent, and those of which is not known yet what was spent."""


def mixed(house: House, keys: dict[str, str], chance: random.Random):
    """Streams mostly, whole answers and priced calls between them; a fourth of the calls by one with little left."""

    def make(_: int) -> Call:
        key = keys["tight" if chance.random() < 0.25 else "ci"]
        kind = chance.random()
        if kind < 0.7:
            body = said(chance.randrange(1, 12), chance.uniform(0.0, 0.03))
            return Call(house.port, "/v1/chat/completions", key=key, body=body)
        if kind < 0.8:
            return Call(house.port, "/v1/chat/completions", key=key, body=said(5, stream=False))
        return order(house, key)

    return make


async def kill_often(house: House, log, kills: int, size: int, seed: int) -> Counter:
    try:
        answered = await kill_and_check(house, log, kills, size, random.Random(seed))
        assert await asyncio.to_thread(house.stop) == 0
    finally:
        await asyncio.to_thread(house.kill)  # whatever was found wrong, nothing goes on running
    return answered


async def kill_and_check(house: House, log, kills: int, size: int, chance: random.Random) -> Counter:
    answered: Counter[object] = Counter()
    await asyncio.to_thread(house.start)
    keys = await asyncio.to_thread(keys_of, house)
    for number in range(kills):
        if number:
            await asyncio.to_thread(house.start)
        async with Load(size, mixed(house, keys, chance)) as load:
            await load.made(size)
            await asyncio.sleep(chance.uniform(0.0, 0.4))
            await asyncio.to_thread(house.kill)
        answered += load.seen
    await asyncio.to_thread(house.start)
    assert answered[200] >= kills * size / 4
    assert set(answered) <= {200, "dropped", "refused", "incomplete", *DENIED}, answered
    await asyncio.to_thread(settled, house)
    found = check_ledger(house.directory, log)
    assert found["final"] >= answered[200]
    assert found["unknown"] or kills < 5, "no kill came between an intent and its end"
    await asyncio.to_thread(compare_usage, house)
    tight = (await asyncio.to_thread(spent, house, "consumer"))["tight"]
    most = round(LIMITS["tight"] * UNITS) + ORDER
    assert tight <= most, "a kill in the middle lets nobody spend more than the budget and a call"
    await check_budgets(house, keys)
    check_ledger(house.directory, log)
    return answered


async def test_two_kills_under_fifty_streams_leave_budgets_right_to_the_unit(tmp_path):
    log = tmp_path / "journal.jsonl"
    with start_samples(journal=log) as samples:
        furnish_budgets(tmp_path, samples)
        await kill_often(House(tmp_path), log, 2, 50, 20_261_124)


@pytest.mark.long
@pytest.mark.timeout(400)
@pytest.mark.parametrize("seed", range(5))
async def test_fifty_kills_under_fifty_streams_leave_budgets_right_to_the_unit(tmp_path, seed):
    log = tmp_path / "journal.jsonl"
    with start_samples(journal=log) as samples:
        furnish_budgets(tmp_path, samples)
        answered = await kill_often(House(tmp_path), log, 10, 50, seed)
        assert answered[429], "the budget of one of them was spent"


@pytest.mark.soak
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(1000, 1050))
async def test_five_hundred_kills_under_fifty_streams_leave_budgets_right_to_the_unit(tmp_path, seed):
    log = tmp_path / "journal.jsonl"
    with start_samples(journal=log) as samples:
        furnish_budgets(tmp_path, samples)
        await kill_often(House(tmp_path), log, 10, 50, seed)
