"""A house where nobody asks has nothing to decide on."""

from triplegate.control.tools.approving import NoApprovals


async def test_nothing_waits() -> None:
    house = NoApprovals()
    assert (list(await house.newest()), await house.find("A1")) == ([], None)
    assert not await house.resolve("A1", approve=True, actor="ann")
