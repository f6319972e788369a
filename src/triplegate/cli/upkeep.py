"""`triplegate report rebuild`: what puts the ledger's sums in order, beside a gateway that runs."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from triplegate.cli.failures import Failed
from triplegate.cli.offline import loaded_of, with_store
from triplegate.cli.place import find_place

if TYPE_CHECKING:
    from triplegate.stores.sql.store import SqlStore


def rebuild(
    *,
    since: Annotated[datetime | None, Parameter(help="From this day (UTC); from the first when not said.")] = None,
    until: Annotated[datetime | None, Parameter(help="To this day, exclusive (UTC).")] = None,
    config: Annotated[Path | None, Parameter(help="Directory or file of the configuration.")] = None,
) -> int:
    """Make the sums of hours and days anew from the rows of the ledger; the gateway may run meanwhile."""
    begin, end = unix(since, 0.0), unix(until, float("inf"))
    if begin >= end:
        raise Failed("--since must be before --until", 2)

    async def work(store: "SqlStore[Any]") -> int:
        from triplegate.stores.sql.rebuilding import rebuild

        done = 0
        async for day in rebuild(store.database, begin, end):
            done += 1
            print(f"{datetime.fromtimestamp(day, UTC):%Y-%m-%d}", file=sys.stderr)
        return done

    days = with_store(loaded_of(find_place(config)), work)
    print(f"{days} {'day is' if days == 1 else 'days are'} summed anew")
    return 0


def unix(moment: datetime | None, otherwise: float) -> float:
    """Unix seconds; a time without zone is UTC."""
    if moment is None:
        return otherwise
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()
