"""A message is kept once by its id, given to one sender at a time, and stays visible when it was given up."""

import asyncio

from triplegate.stores.sql.engine import Database
from triplegate.stores.sql.outbox import CLAIMED, KEPT, SqlOutbox

NOW = 1_767_225_600.0


async def test_each_message_is_kept_once_and_claimed_by_one(database: Database) -> None:
    outbox = SqlOutbox(database)
    kept = await asyncio.gather(*[outbox.put("m1", "budget.threshold", "{}", NOW) for _ in range(4)])
    assert sorted(kept) == [False, False, False, True]
    assert await outbox.known(["m1", "m2"]) == {"m1"}
    claims = await asyncio.gather(*[outbox.claim(NOW) for _ in range(3)])
    assert sorted(len(one) for one in claims) == [0, 0, 1]
    (again,) = await outbox.claim(NOW + CLAIMED)
    assert (again.message_id, again.body, again.tries) == ("m1", "{}", 0), "its sender died"
    await outbox.sent("m1")
    assert await outbox.claim(NOW + 9_999) == []
    assert not await outbox.put("m1", "budget.threshold", "{}", NOW + 5)


async def test_what_fails_is_tried_later_and_in_the_end_given_up_visibly(database: Database) -> None:
    outbox = SqlOutbox(database)
    await outbox.put("m1", "budget.threshold", "{}", NOW)
    await outbox.claim(NOW)
    await outbox.failed("m1", "status 500", NOW + 100)
    assert await outbox.claim(NOW + 99) == []
    (message,) = await outbox.claim(NOW + 100)
    assert (message.tries, message.failure) == (1, "status 500")
    await outbox.failed("m1", "x" * 900, None)
    assert await outbox.claim(NOW + 99_999) == []
    (dead,) = await outbox.troubled()
    assert (dead.tries, len(dead.failure)) == (2, 500)
    await outbox.clean(NOW + KEPT - 1)
    assert len(await outbox.troubled()) == 1
    await outbox.clean(NOW + KEPT + 1)
    assert await outbox.troubled() == []
