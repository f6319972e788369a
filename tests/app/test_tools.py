"""A decision on a definition is in the database, in the audit log and in force, here and on other nodes."""

import asyncio
import json

import pytest
import sqlalchemy as sa
from tests.app.conftest import CONFIGURATION, read
from tests.gates.mcp.offering import Offering
from tests.journeys.running import write

from triplegate.app import Building
from triplegate.samples.http import Server
from triplegate.stores.sql.tables import audit

READ = {"name": "read", "description": "Reads a file.", "inputSchema": {"type": "object"}}


@pytest.fixture
async def made(tmp_path):
    """A worker before a server with one tool, not running; its `offering` can be changed."""
    offering = Offering(tools=json.dumps(READ).encode())
    async with Server(offering) as server:
        write(tmp_path, CONFIGURATION + f"mcp: {{pins: enforce}}\nservers: {{files: {{url: {server.url}/mcp}}}}\n")
        building = Building(read(tmp_path), tmp_path, {})
        await building.open()
        building.offering = offering
        try:
            yield building
        finally:
            await building.close()


async def test_it_waits_is_approved_and_waits_again_when_it_changes(made):
    [pin] = await made.tools.pins()
    assert (pin.server, pin.tool, pin.standing, pin.current, pin.change) == ("files", "read", "new", True, "new")
    told = await made.tools.compared("files", "read", pin.fingerprint)
    assert ("/description", "added", "Reads a file.") in [(one.place, one.kind, one.after) for one in told.changes]
    done = await made.tools.decide("files", "read", pin.fingerprint, "approved", "ann t1")
    assert (done.standing, done.actor) == ("approved", "ann t1")
    async with made.store.database.reading() as connection:
        [row] = await connection.execute(sa.select(audit).where(audit.c.action == "mcp.pin.approved"))
    assert (row.actor, row.subject, row.detail) == ("ann t1", "files/read", pin.fingerprint)
    made.offering.offered["tools"] = json.dumps(READ | {"description": "Sends a file."}).encode()
    state = made.gateway.snapshot.gates["mcp"].servers["files"].state
    state.listings["tool"].fresh_until = 0.0
    changed, old = await made.tools.pins()
    assert (changed.standing, changed.change, changed.current, old.current) == ("new", "changed", True, False)
    told = await made.tools.compared("files", "read", changed.fingerprint)
    assert told.before == pin.fingerprint
    assert [(one.before, one.after) for one in told.changes] == [("Reads a file.", "Sends a file.")]


async def test_what_was_never_seen_is_not_decided_on(made):
    with pytest.raises(LookupError):
        await made.tools.decide("files", "read", "0" * 64, "approved", "ann")
    with pytest.raises(LookupError):
        await made.tools.compared("files", "read", "0" * 64)
    async with made.store.database.reading() as connection:
        assert list(await connection.execute(sa.select(audit))) == []


async def test_another_node_hears_of_it_by_broadcast(made):
    [pin] = await made.tools.pins()
    heard = asyncio.Event()
    made.store.pins.on_news.append(heard.set)
    following = asyncio.ensure_future(made.tools.follow())
    other = type(made.store.pins)(made.store.database, made.house.clock)
    await other.refresh()
    await other.decide("files", "read", pin.fingerprint, "approved", "bob")
    assert not heard.is_set()
    await made.kit.broadcast.publish("mcp:pins", b"")
    async with asyncio.timeout(5):
        await heard.wait()
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    assert [one.standing for one in await made.tools.pins()] == ["approved"]
