"""Mailbox: messages in order, read again from any place, waited for without polling; the same on every adapter."""

import asyncio

import pytest
from tests.servers.states import State


async def test_messages_come_in_order_and_again_from_any_place(state: State) -> None:
    ids = [await state.mailbox.append("box", f"m{n}".encode(), 60.0) for n in range(5)]
    assert len(set(ids)) == 5
    everything = await state.mailbox.read("box", "", 0)
    assert everything == [(identity, f"m{n}".encode()) for n, identity in enumerate(ids)]
    assert await state.mailbox.read("box", ids[2], 0) == everything[3:]
    assert await state.mailbox.read("box", ids[4], 0) == []
    assert await state.mailbox.read("other", "", 0) == []


async def test_a_reader_is_woken_by_the_first_message(state: State) -> None:
    reading = asyncio.gather(*[state.mailbox.read("box", "", 20.0) for _ in range(3)])
    await asyncio.sleep(0)
    writer = state.others_mailbox()
    identity = await writer.append("box", b"hello", 60.0)
    async with asyncio.timeout(10):
        assert await reading == [[(identity, b"hello")]] * 3


async def test_a_reader_wakes_for_its_own_box_only(state: State) -> None:
    waiting = asyncio.gather(state.mailbox.read("mine", "", 0.2))
    await state.mailbox.append("theirs", b"x", 60.0)
    assert await waiting == [[]]


async def test_waiting_ends_with_nothing_after_its_time(state: State) -> None:
    last = await state.mailbox.append("box", b"old", 60.0)
    assert await state.mailbox.read("box", last, 0.05) == []
    assert await state.mailbox.read("never-written", "", 0.05) == []


async def test_a_box_ends_with_its_life_and_goes_on_with_higher_ids(state: State) -> None:
    first = await state.mailbox.append("box", b"old", 0.05)
    await state.outlive(0.05)
    assert await state.mailbox.read("box", "", 0) == []
    second = await state.mailbox.append("box", b"new", 60.0)
    assert await state.mailbox.read("box", first, 0) == [(second, b"new")]


async def test_a_box_keeps_its_last_thousand_messages(state: State) -> None:
    for n in range(1_010):
        await state.mailbox.append("box", str(n).encode(), 60.0)
    kept = await state.mailbox.read("box", "", 0)
    assert (len(kept), kept[0][1], kept[-1][1]) == (1_000, b"10", b"1009")


@pytest.mark.parametrize("place", ["x", "1", "1-", "-1", "1-x", "1-2-3", "²-1", "$", "+"])
async def test_a_place_that_is_none_is_an_error(state: State, place: str) -> None:
    with pytest.raises(ValueError, match="not a message id"):
        await state.mailbox.read("box", place, 0)


async def test_a_message_larger_than_a_box_is_an_error(state: State) -> None:
    with pytest.raises(ValueError, match="1048576 bytes"):
        await state.mailbox.append("box", bytes(1024 * 1024 + 1), 60.0)
