"""Prices are written down when a configuration with others is taken, and once the database is there."""

import asyncio
from contextlib import asynccontextmanager

import pytest
import sqlalchemy as sa
from tests.app.conftest import CONFIGURATION, read
from tests.journeys.running import write

from triplegate.app import prices
from triplegate.app.prices import PriceNotes
from triplegate.stores.sql.prices import SqlPrices
from triplegate.stores.sql.tables import prices as table


async def eventually(true):
    async with asyncio.timeout(10):
        while not true():
            await asyncio.sleep(0.02)


@asynccontextmanager
async def noting(building):
    notes = PriceNotes(building.gateway, building.store.database, building.house.clock)
    task = asyncio.get_running_loop().create_task(notes.run())
    try:
        yield notes
    finally:
        task.cancel()
        await asyncio.wait([task])


async def versions(building):
    return {one.model: one.price.call for one in (await SqlPrices(building.store.database).named()).values()}


async def test_each_configuration_that_is_taken_is_noted(building, folder):
    async with noting(building) as notes:
        await eventually(lambda: notes.noted == building.gateway.snapshot.hash)
        assert await versions(building) == {"orders": 5_000_000_000}
        write(folder, CONFIGURATION.replace("price: 0.5", "price: 0.75"))
        building.gateway.swap(building.gateway.compile(read(folder).documents))
        await eventually(lambda: notes.noted == building.gateway.snapshot.hash)
    found = await SqlPrices(building.store.database).named()
    assert sorted(one.price.call for one in found.values()) == [5_000_000_000, 7_500_000_000]
    assert all(name.startswith("api/orders@own#") for name in found)


async def test_a_database_that_is_away_is_tried_again(building, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(prices, "AGAIN", 0.05)
    database = building.store.database
    async with database.writing() as connection:
        await connection.execute(sa.text("ALTER TABLE prices RENAME TO away"))
    async with noting(building) as notes:
        await asyncio.sleep(0.2)
        assert notes.noted == ""
        async with database.writing() as connection:
            await connection.execute(sa.text("ALTER TABLE away RENAME TO prices"))
        await eventually(lambda: notes.noted != "")
    async with database.reading() as connection:
        assert len(list(await connection.execute(sa.select(table)))) == 1
