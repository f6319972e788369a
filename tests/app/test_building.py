"""A worker's parts: opened in order, told what they lack, closed in reverse with nothing left behind."""

import asyncio

import pytest
from tests.app.conftest import CONFIGURATION, read
from tests.journeys.running import free_port, records, write
from tests.stores.ledger_records import record

from triplegate.app import Building
from triplegate.config.load import load
from triplegate.core.errors import Refusal
from triplegate.policies import registry
from triplegate.stores.spool_adopt import adopt


async def test_it_serves_what_was_loaded_and_keeps_it_for_a_cold_start(building, folder):
    snapshot = building.gateway.snapshot
    assert snapshot is not None
    assert snapshot.hash == read(folder).hash
    assert snapshot.generation == 1
    assert (folder / ".triplegate" / "last-good" / "documents.json").stat().st_mode & 0o777 == 0o600
    assert building.parts.view.running().hash == snapshot.hash


async def test_it_is_ready_once_it_has_a_configuration_and_not_while_it_drains(building):
    assert building.parts.view.not_ready() == ()
    building.draining = True
    assert building.parts.view.not_ready() == ("draining",)


async def test_nothing_is_degraded_at_first(building):
    assert list(building.parts.view.degraded()) == []


async def test_records_that_wait_are_booked_before_a_report(building):
    building.spool.append(record(exchange="E1", cost=5_000_000_000, attempts=()))
    rows = await building.parts.books.usage(["team"], 0.0, 4e9)
    assert [(row.labels, row.requests, str(row.cost)) for row in rows] == [({"team": "web"}, 1, "0.5")]


async def test_records_that_wait_are_booked_when_it_ends(folder):
    made = Building(read(folder), folder, {})
    await made.open()
    made.spool.append(record(exchange="E1"))
    await made.close()
    assert [row["exchange"] for row in records(folder)] == ["E1"]


async def test_records_that_another_process_left_are_booked_by_the_next(folder):
    first = Building(read(folder), folder, {})
    first.spool.append(record(exchange="E1"))
    first.spool.close()  # it never opened the store: as if killed
    second = Building(read(folder), folder, {})
    await second.open()
    await second.close()
    assert [row["exchange"] for row in records(folder)] == ["E1"]


async def test_a_shared_state_that_is_away_is_told_when_that_is_allowed(folder):
    settings = f"state: {{redis: 'redis://127.0.0.1:{free_port()}/0'}}\nstart_degraded: true\nnodes: 3\npepper: env:P\n"
    write(folder, settings + CONFIGURATION)
    made = Building(read(folder, P="x" * 32), folder, {})
    try:
        async with asyncio.timeout(5):
            await made.open()
        (told,) = made.parts.view.degraded()
        assert told.part == "redis"
        assert "limits are counted in this process, each at 1/3" in told.detail
    finally:
        await made.close()


async def test_a_store_that_is_away_is_told_when_that_is_allowed(folder):
    url = f"postgresql+asyncpg://me@127.0.0.1:{free_port()}/db"
    write(folder, f"store: {url}\nstart_degraded: true\n{CONFIGURATION}")
    made = Building(read(folder), folder, {})
    try:
        async with asyncio.timeout(5):
            await made.open()
        assert [one.part for one in made.parts.view.degraded()] == ["store"]
    finally:
        await made.close()


async def test_a_start_that_fails_can_be_closed(folder):
    """The state directory is taken by a file: nothing to undo is left."""
    (folder / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        Building(read(folder, TRIPLEGATE_STATE_DIR="file"), folder, {})
    made = Building(read(folder), folder, {})
    await made.close()
    (dead,) = adopt(folder / ".triplegate" / "spool", "")  # its spool is given back
    dead.let_go()


async def test_what_was_kept_is_said_to_stand_in(folder):
    made = Building(read(folder), folder, {}, stale="/etc/gateway: no such file")
    try:
        await made.open()
        (told,) = made.parts.view.degraded()
        assert (told.part, told.detail) == (
            "configuration",
            "/etc/gateway: no such file; the documents kept last are served",
        )
    finally:
        await made.close()


SETTINGS = """
node: n9
nodes: 2
workers: 2
allow_local_limits: true
pepper: env:PEPPER
allow_private: {private}
trusted_proxies: [10.0.0.0/8]
spool: {{directory: waiting, max_bytes: 8MiB}}
telemetry: {{sample: 0.5, access_log: calls.log, otlp: "http://127.0.0.1:9"}}
limits: {{uri: 11, headers: 12, fields: 13, body: 14, body_idle: 15s, body_rate: 16, write_idle: 17s, exchanges: 18}}
"""


@pytest.mark.parametrize("private", ["true", "false"])
async def test_its_parts_are_as_the_settings_say(folder, private):
    write(folder, SETTINGS.format(private=private) + CONFIGURATION)
    environment = {"TRIPLEGATE_PORT": "0", "TRIPLEGATE_ADMIN_PORT": "0", "PEPPER": "x" * 32}
    made = Building(load(folder, registry(), environment=environment), folder, {})
    try:
        app = await made.open()
        assert (made.house.node, made.house.sample, made.kit.pepper) == ("n9", 0.5, b"x" * 32)
        assert list((folder / "waiting").iterdir())
        assert (made.spool._billed.limit, made.spool._unpriced.limit) == (8 << 20, 2 << 20)
        assert made.telemetry.access_log._path == folder / "calls.log"
        assert made.telemetry.spans is not None
        limits = app.plane.limits
        assert (limits.head.target, limits.head.header_bytes, limits.head.headers) == (11, 12, 13)
        assert (limits.body, limits.body_idle, limits.body_rate, limits.write_idle, limits.exchanges) == (
            14, 15.0, 16, 17.0, 18,
        )  # fmt: skip
        assert app.plane._resolve("10.1.2.3", [(b"x-forwarded-for", b"192.0.2.9")]) == "192.0.2.9"
        with pytest.raises(Refusal) as caught:
            await made.kit.dial.fetch("GET", "http://127.0.0.1:9/", [])
        assert ("must be https" in caught.value.reason) is (private == "false"), caught.value.reason
    finally:
        await made.close()
