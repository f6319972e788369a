"""Two nodes, one Redis, one PostgreSQL: limits and keys are shared, and one is enough to serve."""

import asyncio
from collections import Counter

import pytest
import sqlalchemy as sa
from tests.chaos.calls import Call, Load, ask
from tests.chaos.houses import furnish
from tests.journeys.running import House, eventually, journal
from tests.servers.postgres import PostgresServer
from tests.servers.redis import RedisServer

from triplegate.samples.start import start_samples
from triplegate.stores.sql.engine import Database
from triplegate.stores.sql.tables import records

LIMIT = 40
SOON = 5.0
"""Seconds in which a node knows of another one's changes."""


@pytest.fixture(scope="module")
def nodes(tmp_path_factory):
    """Two houses, `one` and `two`, and the journal of what they both call."""
    log = tmp_path_factory.mktemp("samples") / "journal.jsonl"
    redis, postgres = RedisServer("redis").start(), PostgresServer().start()
    try:
        with start_samples(journal=log) as samples:
            made = []
            for name in ("one", "two"):
                folder = tmp_path_factory.mktemp(name)
                shared = (
                    f"state: {{redis: {redis.url}}}\nstore: {postgres.url}\npepper: env:PEPPER\nnodes: 2\nnode: {name}"
                )
                furnish(folder, samples, settings=shared, tight=LIMIT)
                made.append(House(folder, PEPPER="the very same"))
            with made[0] as one, made[1] as two:
                one.log, one.store = log, postgres.url
                one.admin("GET", "/config")
                two.owner = one.owner  # an admin token is good on every node
                yield one, two
    finally:
        postgres.stop()
        redis.stop()


async def status(house: House, path: str, key: str) -> int:
    return (await ask(house.port, path, key=key)).status


async def soon(house: House, path: str, key: str, wanted: int) -> None:
    async with asyncio.timeout(SOON):
        while await status(house, path, key) != wanted:
            await asyncio.sleep(0.05)


async def test_a_key_made_on_one_node_opens_the_other_and_a_revoked_one_closes_it(nodes):
    one, two = nodes
    made = await asyncio.to_thread(one.admin, "POST", "/keys", json={"org": "acme", "team": "web", "consumer": "ci"})
    key, identity = made.json()["key"], made.json()["key_id"]
    assert await status(one, "/orders/ord_1001", key) == 200
    await soon(two, "/orders/ord_1001", key, 200)
    gone = await asyncio.to_thread(two.admin, "DELETE", f"/keys/{identity}")
    assert gone.status_code in (200, 204)
    assert await status(two, "/orders/ord_1001", key) == 401
    await soon(one, "/orders/ord_1001", key, 401)


async def test_a_limit_is_one_limit_for_both_nodes(nodes):
    one, two = nodes
    key = await asyncio.to_thread(one.key)
    await soon(two, "/orders/ord_1001", key, 200)
    answers = await asyncio.gather(*(status(house, "/echo", key) for _ in range(LIMIT) for house in (one, two)))
    assert Counter(answers) == {200: LIMIT, 429: LIMIT}


async def test_the_report_of_either_node_is_that_of_both(nodes):
    one, two = nodes
    key = await asyncio.to_thread(one.key)
    await soon(two, "/orders/ord_1001", key, 200)
    await asyncio.gather(*(status(house, "/orders/ord_1002", key) for _ in range(10) for house in (one, two)))

    def reports() -> tuple[int, int]:
        found = [house.usage("route")[("orders",)]["requests"] for house in (one, two, one)]
        return found[1], found[2]

    first, second = await asyncio.to_thread(reports)
    assert first == second


async def test_when_one_node_is_killed_the_other_serves_and_what_it_had_called_is_booked(nodes):
    one, two = nodes
    key = await asyncio.to_thread(one.key)
    await soon(two, "/orders/ord_1001", key, 200)

    def calls(house: House):
        return lambda _: Call(house.port, "/orders/ord_1001", key=key)

    async with Load(5, calls(one), pause=0.02) as stays, Load(5, calls(two), pause=0.02) as goes:
        await goes.made(50)
        await asyncio.to_thread(two.kill)
        await stays.made(100)
        await goes.stop()
    assert set(stays.seen) == {200}, "the one that stays does not notice"
    assert set(goes.seen) <= {200, "dropped", "refused", "incomplete"}
    await asyncio.to_thread(two.start)  # it books what its dead predecessor had not
    await asyncio.to_thread(settled, one, two)
    booked = await rows(one.store)
    upstream = {line["id"] for line in journal(one.log) if line["event"] == "request" and "/orders" in line["path"]}
    assert [name for name in upstream if booked[name] != 1] == []


def settled(*houses: House) -> None:
    for house in houses:
        house.usage("route")
        spool = house.directory / ".triplegate" / "spool"
        eventually(lambda spool=spool: len(list(spool.glob("*.lock"))) == 1, 10.0)
        house.usage("route")


async def rows(url: str) -> Counter:
    """Exchange → records."""
    database = Database(url)
    try:
        async with database.reading() as connection:
            return Counter(await connection.scalars(sa.select(records.c.exchange)))
    finally:
        await database.close()
