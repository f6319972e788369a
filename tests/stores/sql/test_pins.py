"""Definitions wait for a decision that every worker hears of; a server cannot fill the database with them."""

import asyncio

from triplegate.core.clock import SetClock
from triplegate.core.pins import Pin
from triplegate.stores.sql.engine import Database
from triplegate.stores.sql.pins import FIRST_USE, MOST_OF_A_TOOL, SqlPins

READ, WRITE = Pin("files", "read", "a" * 64, "s1"), Pin("files", "write", "b" * 64, "s2", '[{"kind":"hidden"}]')


async def test_what_is_decided_is_in_force_everywhere(database: Database) -> None:
    clock = SetClock()
    here, there = SqlPins(database, clock), SqlPins(database, clock)
    news: list[int] = []
    there.on_news.append(lambda: news.append(len(there.all())))
    await there.refresh()
    assert (there.loaded, here.loaded) == (True, False)
    assert await here.note([(READ, '{"name":"read"}'), (WRITE, "")], trust=False)
    assert [pin.standing for pin in here.all()] == ["new", "new"]
    assert await here.decide("files", "read", READ.fingerprint, "approved", "ann")
    assert not await here.decide("files", "read", "c" * 64, "approved", "ann")
    await there.refresh()
    await there.refresh()
    assert news == [0, 2]
    found = there.find("files", "read", READ.fingerprint)
    assert found is not None
    assert (found.standing, found.actor, found.decided, found.first_seen) == ("approved", "ann", *[clock.wall()] * 2)
    assert await there.texts("files", "read") == {READ.fingerprint: '{"name":"read"}'}
    assert there.find("files", "read", "c" * 64) is None


async def test_seeing_it_again_changes_nothing(database: Database) -> None:
    pins = SqlPins(database, SetClock())
    await pins.note([(READ, "x")], trust=False)
    await pins.decide("files", "read", READ.fingerprint, "rejected", "ann")
    await pins.note([(READ, "y")], trust=True)
    assert [pin.standing for pin in pins.all()] == ["rejected"]
    assert await pins.texts("files", "read") == {READ.fingerprint: "x"}


async def test_the_first_use_is_trusted_once_and_never_what_is_suspicious(database: Database) -> None:
    pins = SqlPins(database, SetClock())
    await pins.note([(READ, ""), (WRITE, "")], trust=True)
    assert [(pin.tool, pin.standing, pin.actor) for pin in pins.all()] == [
        ("read", "approved", FIRST_USE),
        ("write", "new", ""),
    ]
    await pins.note([(Pin("files", "later", "d" * 64), "")], trust=True)
    await pins.note([(Pin("other", "read", "e" * 64), "")], trust=True)
    assert {(pin.server, pin.tool): pin.standing for pin in pins.all()} == {
        ("files", "read"): "approved",
        ("files", "write"): "new",
        ("files", "later"): "new",
        ("other", "read"): "approved",
    }


async def test_each_kind_has_a_first_use_of_its_own_and_no_tool_passes_for_another_kind(database: Database) -> None:
    pins = SqlPins(database, SetClock())
    for label in ("Prompt:a", "Prompt:b", "prompt:a", "prompt:b", "resource:m:a", "tool:prompt:x"):
        await pins.note([(Pin("files", label, "a" * 64), "")], trust=True)
    approved = {pin.tool for pin in pins.all() if pin.standing == "approved"}
    assert approved == {"Prompt:a", "prompt:a", "resource:m:a"}


async def test_only_the_newest_that_wait_are_kept(database: Database) -> None:
    clock = SetClock()
    pins = SqlPins(database, clock)
    await pins.note([(READ, "")], trust=True)
    for number in range(10):
        clock.advance(1.0)
        await pins.note([(Pin("files", "read", f"{number:064}"), "nul \0")], trust=False)
    waiting = [pin for pin in pins.all() if pin.standing == "new"]
    assert [pin.fingerprint for pin in waiting] == [f"{number:064}" for number in range(10 - MOST_OF_A_TOOL, 10)]
    assert pins.find("files", "read", READ.fingerprint) is not None


async def test_a_database_that_is_away_is_told(database: Database) -> None:
    pins = SqlPins(Database("/nonexistent/folder/x.db"), SetClock())
    assert await pins.note([(READ, "")], trust=True) is False
    assert pins.all() == []


async def test_it_looks_by_itself(database: Database) -> None:
    here, there = SqlPins(database, SetClock()), SqlPins(database, SetClock())
    seen = asyncio.Event()
    there.on_news.append(lambda: seen.set() if there.all() else None)
    following = asyncio.ensure_future(there.follow(0.01))
    await here.note([(READ, "")], trust=False)
    async with asyncio.timeout(5):
        await seen.wait()
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
