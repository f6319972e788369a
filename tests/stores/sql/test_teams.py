"""Who exists: orgs, teams, consumers."""

from triplegate.stores.sql.engine import Database
from triplegate.stores.sql.teams import Member, SqlTeamStore


async def test_members_come_in_the_order_of_the_tree(database: Database) -> None:
    store = SqlTeamStore(database)
    members = [
        Member("acme", created=1.0),
        Member("acme", "ops", created=2.0),
        Member("acme", "web", plan="free", created=3.0),
        Member("acme", "web", "ci", created=4.0),
        Member("other", created=5.0),
    ]
    for member in reversed(members):
        await store.put(member)
    assert await store.list() == members
    assert await store.list("acme") == members[:4]


async def test_putting_again_changes_the_plan_alone(database: Database) -> None:
    store = SqlTeamStore(database)
    await store.put(Member("acme", "web", "ci", "free", 1.0))
    await store.put(Member("acme", "web", "ci", "gold", 9.0))
    assert await store.list() == [Member("acme", "web", "ci", "gold", 1.0)]


async def test_one_is_dropped_once(database: Database) -> None:
    store = SqlTeamStore(database)
    await store.put(Member("acme", "web"))
    await store.put(Member("acme", "web", "ci"))
    assert await store.drop("acme", "web", "ci")
    assert not await store.drop("acme", "web", "ci")
    assert await store.list() == [Member("acme", "web")]
