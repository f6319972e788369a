"""Each question is decided once, in time; the arguments go with the decision."""

import msgspec

from triplegate.core.approvals import Approval
from triplegate.stores.sql.approvals import KEPT, MOST_OF_A_CONSUMER, SqlApprovals
from triplegate.stores.sql.engine import Database

ONE = Approval(
    "A1", "files", "files__delete", "acme", "web", "ci", "k1", "d" * 64, '{"path":"/x"}', "admin", 100.0, 400.0
)


def another(number: str, **changes: object) -> Approval:
    return msgspec.structs.replace(ONE, approval_id=number, **changes)


async def test_it_is_decided_once_and_forgets_the_arguments(database: Database) -> None:
    store = SqlApprovals(database)
    assert await store.begin(ONE)
    assert await store.find("A1") == ONE
    assert await store.decide("A1", "approved", "ann t1", 200.0)
    assert not await store.decide("A1", "declined", "bob", 201.0)
    assert not await store.decide("A1", "expired", "", 500.0)
    assert await store.find("A1") == another("A1", arguments="", state="approved", actor="ann t1", decided=200.0)
    assert await store.find("A2") is None
    assert not await store.decide("A2", "approved", "ann", 200.0)


async def test_after_its_time_it_can_only_expire(database: Database) -> None:
    store = SqlApprovals(database)
    await store.begin(ONE)
    assert not await store.decide("A1", "approved", "ann", 400.0)
    await store.begin(another("A2", asked=401.0, until=500.0))
    found = {one.approval_id: one for one in await store.newest()}
    assert (found["A1"].state, found["A1"].arguments, found["A1"].decided) == ("expired", "", 400.0)
    assert await store.decide("A2", "expired", "", 450.0)
    await store.begin(another("A3", asked=KEPT + 500.0, until=KEPT + 600.0))
    assert [one.approval_id for one in await store.newest()] == ["A3"]


async def test_one_consumer_cannot_have_everybody_asked(database: Database) -> None:
    store = SqlApprovals(database)
    for number in range(MOST_OF_A_CONSUMER):
        assert await store.begin(another(f"A{number}"))
    assert not await store.begin(another("more"))
    assert await store.begin(another("other", consumer="else"))
    await store.decide("A0", "declined", "ann", 101.0)
    assert await store.begin(another("now"))


async def test_those_that_wait_come_first(database: Database) -> None:
    store = SqlApprovals(database)
    for number, asked in (("A1", 100.0), ("A2", 110.0), ("A3", 120.0)):
        await store.begin(another(number, asked=asked))
    await store.decide("A3", "approved", "nul \0", 130.0)
    assert [one.approval_id for one in await store.newest()] == ["A2", "A1", "A3"]
    assert len(await store.newest(2)) == 2
