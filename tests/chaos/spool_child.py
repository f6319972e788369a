"""A process that charges until it is killed: intent, then its `upstream` sees the call, then the final."""

import asyncio
import os
import random
import sys
from pathlib import Path

from tests.stores.ledger_records import intent, record, unpriced

from triplegate.core.clock import SystemClock
from triplegate.core.errors import Refusal
from triplegate.core.ulid import Ulids
from triplegate.stores.spool import Limits, Spool
from triplegate.stores.sql.engine import Database
from triplegate.stores.sql.ledger import SqlLedger

CONCURRENT = 50


class Log:
    """Fixed lines, each on disk before `add` returns: the truth of what happened."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def add(self, name: str) -> None:
        os.write(self._file, name.encode() + b"\n")
        os.fdatasync(self._file)


def charge(spool: Spool, make_id: Ulids, folder: Path) -> None:
    """Fifty calls that overlap, with unpriced ones between them."""
    upstream, sums = Log(folder / "upstream.log"), Log(folder / "unpriced.log")
    names = [make_id.make() for _ in range(CONCURRENT)]
    for place, name in enumerate(names):
        try:
            spool.intent(intent(name))
        except Refusal:  # full: the drain has to catch up
            del names[place:]
            break
        upstream.add(name)
    random.shuffle(names)
    for name in names:
        spool.append(record(exchange=name))
        if random.random() < 0.2:
            spool.append(unpriced(make_id.make()))
            sums.add(make_id.make())


async def main(folder: Path) -> None:
    clock = SystemClock()
    # A small limit makes many files, so that deaths also fall between two of them.
    spool = Spool(folder / "spool", "node", clock, Limits(billed=4 << 20, unpriced=1 << 20))
    ledger = SqlLedger(Database(f"sqlite:///{folder}/ledger.db"))
    drain = asyncio.create_task(spool.run(ledger, every=0.005))
    make_id = Ulids(clock)
    while not drain.done():
        charge(spool, make_id, folder)
        await asyncio.sleep(0.001)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
