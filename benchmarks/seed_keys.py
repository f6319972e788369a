"""Keys for our own subjects, made before they start: `python -m benchmarks.seed_keys DIRECTORY COUNT`."""

import asyncio
import sys
import time
from pathlib import Path

import msgspec

from triplegate.config.pepper import load_pepper
from triplegate.config.settings import load_settings
from triplegate.control.view import AdminToken
from triplegate.core.clock import SystemClock
from triplegate.core.identity import KeyRecord, digest_key, new_key
from triplegate.stores.sql.changes import raise_number
from triplegate.stores.sql.keys import names_text
from triplegate.stores.sql.store import SqlStore
from triplegate.stores.sql.tables import keys

BATCH = 1000


async def seed(directory: Path, count: int) -> str:
    """Make `count` keys, one a consumer of team bench; the first one, which calls. Raises DatabaseUnavailable."""
    settings = load_settings(directory)
    pepper = load_pepper(settings)
    store = SqlStore(settings.store_url.reveal(), SystemClock(), AdminToken)
    await store.open()
    first = ""
    made = time.time()
    try:
        for begin in range(0, count, BATCH):
            rows = []
            for number in range(begin, min(begin + BATCH, count)):
                key, key_id = new_key("bench")
                first = first or key
                name = "alice" if number == 0 else f"consumer-{number}"
                record = KeyRecord(key_id, digest_key(pepper, key), "bench", "bench", name, created=made)
                row = msgspec.structs.asdict(record)
                rows.append({**row, "roles": names_text(record.roles), "scopes": names_text(record.scopes)})
            async with store.database.writing() as connection:
                changed = await raise_number(store.database, connection, "keys")
                await connection.execute(keys.insert(), [{**row, "changed": changed} for row in rows])
    finally:
        await store.close()
    return first


if __name__ == "__main__":
    Path(sys.argv[1]).mkdir(parents=True, exist_ok=True)
    print(asyncio.run(seed(Path(sys.argv[1]), int(sys.argv[2]))))
