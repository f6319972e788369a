"""Memory mailboxes are bounded in number and bytes, and leave no reader behind."""

import pytest

from triplegate.core.clock import SetClock
from triplegate.stores.memory.mailbox import MemoryMailbox, id_of


async def test_the_box_used_longest_ago_goes_first() -> None:
    mailbox = MemoryMailbox(SetClock(), max_boxes=2)
    for box in "abc":
        await mailbox.append(box, b"x", 60.0)
    assert [len(await mailbox.read(box, "", 0)) for box in "abc"] == [0, 1, 1]


async def test_a_box_keeps_its_newest_bytes() -> None:
    mailbox = MemoryMailbox(SetClock(), max_bytes=100)
    for n in range(10):
        await mailbox.append("box", bytes([n]) * 30, 60.0)
    assert [message[0] for _, message in await mailbox.read("box", "", 0)] == [7, 8, 9]


async def test_all_boxes_together_stay_within_their_bytes() -> None:
    mailbox = MemoryMailbox(SetClock(), max_bytes=100, max_total=250)
    for box in "abcd":
        await mailbox.append(box, bytes(100), 60.0)
    assert [len(await mailbox.read(box, "", 0)) for box in "abcd"] == [0, 0, 1, 1]


async def test_a_reader_that_gave_up_leaves_nothing() -> None:
    clock = SetClock()
    mailbox = MemoryMailbox(clock)
    assert await mailbox.read("a", "", 0.01) == []
    for n in range(10):
        clock.advance(1.0)
        await mailbox.append(f"box-{n}", b"x", 0.5)
    assert len(mailbox) <= 2


@pytest.mark.parametrize(("text", "place"), [("", (0, 0)), ("0-7", (0, 7)), ("1700-0", (1700, 0))])
def test_ids_are_two_numbers(text: str, place: tuple[int, int]) -> None:
    assert id_of(text) == place
