"""Once: the first time is told from all others; the same on every adapter."""

import asyncio

from tests.servers.states import State


async def test_one_of_many_is_the_first(state: State) -> None:
    clients = [state.once, *[other.once for other in state.others]]
    firsts = await asyncio.gather(*[clients[n % len(clients)].first("jti", 60.0) for n in range(100)])
    assert sum(firsts) == 1


async def test_names_are_apart(state: State) -> None:
    assert await state.once.first("a", 60.0)
    assert await state.once.first("b", 60.0)
    assert not await state.once.first("a", 60.0)


async def test_it_is_remembered_for_its_time_and_no_longer(state: State) -> None:
    assert await state.once.first("a", 0.2)
    assert not await state.once.first("a", 60.0), "a second look must not prolong the first"
    await state.outlive(0.2)
    assert await state.once.first("a", 60.0)
