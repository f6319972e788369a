"""The database while no gateway runs."""

import asyncio

import pytest
from tests.stores.ledger_records import intent, record, unpriced

from triplegate.cli.failures import Failed
from triplegate.cli.offline import OfflineKeys, loaded_of, waiting, with_store
from triplegate.cli.place import Place
from triplegate.core.clock import SystemClock
from triplegate.stores.spool import Spool


@pytest.fixture
def here(place, monkeypatch):
    monkeypatch.chdir(place)
    return Place(place, place / ".triplegate")


def test_the_database_is_made_where_the_settings_say(here, place):
    loaded = loaded_of(here)

    async def keys(store):
        return await store.index.list()

    assert with_store(loaded, keys) == []
    assert (place / ".triplegate" / "triplegate.db").exists()
    assert (place / ".triplegate").stat().st_mode & 0o777 == 0o700


def test_a_database_that_cannot_be_written_is_a_sentence_with_a_remedy(command, place):
    done = command("key", "list", TRIPLEGATE_STORE_URL="sqlite+aiosqlite:////nowhere/at/all/x.db")
    assert (done.status, done.out) == (1, "")
    assert "unable to open database file). Make the directory of the file, writable for this user." in done.err
    assert len(done.err.splitlines()) == 1


def test_a_state_directory_that_cannot_be_made_is_said(command, place):
    (place / "file").write_text("")
    done = command("key", "list", TRIPLEGATE_STATE_DIR="file/state")
    assert (done.status, done.out) == (1, "")
    assert done.err.endswith("file/state: Not a directory\n")


def test_a_key_carries_the_peppers_digest_never_itself(here, place):
    keys = OfflineKeys(here)
    wanted = {"org": "acme", "team": "web", "consumer": "ci", "name": "", "plan": "", "scopes": [], "env": "live"}
    made = keys.create(wanted)
    assert made["key"].startswith(f"tg_live_{made['key_id']}_")
    assert made["key"].encode() not in (place / ".triplegate" / "triplegate.db").read_bytes()
    assert (place / ".triplegate" / "pepper").stat().st_mode & 0o777 == 0o600
    with pytest.raises(Failed, match="No such org, team or consumer"):
        keys.create({**wanted, "org": "umbrella"})


def test_what_waits_is_what_no_ledger_has_yet(here, place):
    """Finals and orphaned intents count; what a ledger took, or an intent whose final is there, does not."""
    directory = place / ".triplegate" / "spool"
    loaded = loaded_of(here)

    async def story(store):
        spool = Spool(directory, "node", SystemClock())
        assert await waiting(directory, store.ledger) == 0
        spool.append(record(exchange="E1"))
        spool.append(unpriced("E2"))
        spool.append(intent("E3"))
        spool.append(record(exchange="E3", part=1))
        async with asyncio.timeout(5):
            while await waiting(directory, store.ledger) != 3:  # unpriced ones are written in batches
                await asyncio.sleep(0.01)
        await spool.drain(store.ledger)
        assert await waiting(directory, store.ledger) == 0
        spool.append(record(exchange="E4"))
        spool.append(intent("E5"))
        assert await waiting(directory, store.ledger) == 2
        spool.close()

    with_store(loaded, story)


def test_a_spool_that_was_never_made_holds_nothing(here, place):
    assert asyncio.run(waiting(place / "no-spool", None)) == 0
