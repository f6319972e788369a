"""Lease: one holder at a time; the same on every adapter."""

import asyncio

from tests.servers.states import State


async def test_only_one_of_many_gets_it(state: State) -> None:
    clients = [state.lease, *[other.lease for other in state.others]]
    got = await asyncio.gather(*[clients[n % len(clients)].take("x", f"owner-{n}", 60.0) for n in range(50)])
    assert sum(got) == 1


async def test_the_holder_renews_and_others_wait(state: State) -> None:
    assert await state.lease.take("x", "a", 0.2)
    assert await state.lease.take("x", "a", 60.0)
    await state.outlive(0.2)
    assert not await state.lease.take("x", "b", 60.0)
    assert await state.lease.take("y", "b", 60.0)


async def test_a_lease_ends_with_its_life(state: State) -> None:
    assert await state.lease.take("x", "a", 0.05)
    await state.outlive(0.05)
    assert await state.lease.take("x", "b", 60.0)
    assert not await state.lease.take("x", "a", 60.0)


async def test_only_the_holder_gives_it_back(state: State) -> None:
    assert await state.lease.take("x", "a", 60.0)
    await state.lease.give("x", "b")
    assert not await state.lease.take("x", "b", 60.0)
    await state.lease.give("x", "a")
    await state.lease.give("x", "a")
    assert await state.lease.take("x", "b", 60.0)
