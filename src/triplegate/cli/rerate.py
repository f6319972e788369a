"""`triplegate report rerate`: charge a period again by other prices, shown first and written as corrections."""

import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from cyclopts import Parameter

from triplegate.cli.failures import Failed, told
from triplegate.cli.offline import loaded_of, with_store
from triplegate.cli.place import find_place
from triplegate.cli.tables import Format, put, render
from triplegate.cli.upkeep import unix

if TYPE_CHECKING:
    from triplegate.config.load import Loaded
    from triplegate.control.reports.price_versions import NewPrices
    from triplegate.stores.sql.store import SqlStore

_HEAD = ("org", "team", "model", "calls", "changed", "before", "after", "difference")


class Summary(msgspec.Struct):
    """What a period cost and would cost, by org, team and model."""

    sums: dict[tuple[str, str, str], list[int]] = {}
    left: Counter[str] = msgspec.field(default_factory=Counter)
    corrections: int = 0

    def rows(self) -> list[list[Any]]:
        """As the table shows them, what changes nothing left out; money as exact text."""
        changed = [(key, sums) for key, sums in sorted(self.sums.items()) if sums[1]]
        return [
            [*key, calls, count, *(dollars(one) for one in (before, after, after - before))]
            for key, (calls, count, before, after) in changed
        ]

    @property
    def difference(self) -> int:
        """In units, all together."""
        return sum(after - before for _, _, before, after in self.sums.values())


def rerate(
    *,
    since: Annotated[datetime, Parameter(name=["--since", "--from"], help="From (UTC).")],
    until: Annotated[datetime, Parameter(help="To, exclusive (UTC).")],
    model: Annotated[str | None, Parameter(help="Only calls of this model.")] = None,
    prices: Annotated[
        str, Parameter(help="current: those of the configuration; or a YAML file of provider/model: prices.")
    ] = "current",
    apply: Annotated[bool, Parameter(negative="", help="Write the corrections.")] = False,
    form: Annotated[Format, Parameter(name="--format", help="table, csv or json.")] = "table",
    config: Annotated[Path | None, Parameter(help="Directory or file of the configuration.")] = None,
) -> int:
    """What model calls of a period cost by other prices, by team and model; with --apply it is corrected so."""
    begin, end = unix(since, 0.0), unix(until, 0.0)
    if begin >= end:
        raise Failed("--since must be before --until", 2)
    loaded = loaded_of(find_place(config))
    new = _new_prices(loaded, prices)
    summary = with_store(loaded, lambda store: _work(store, loaded, new, (begin, end, model), apply=apply))
    text = render(_HEAD, summary.rows(), form)
    if form == "table":
        text += "\n" + "\n".join(_foot(summary, apply=apply)) + "\n"
    put(text, None)
    return 0


def dollars(units: int) -> str:
    """An exact amount without exponent and trailing zeros."""
    from triplegate.core.money import plain, to_dollars

    return plain(to_dollars(units))


def _foot(summary: Summary, *, apply: bool) -> Sequence[str]:
    lines = [f"difference in US dollars: {dollars(summary.difference)}"]
    lines += [f"{count} left as they are: {why}" for why, count in sorted(summary.left.items())]
    if apply:
        lines.append(f"{summary.corrections} corrections written")
    elif summary.rows():
        lines.append("nothing is written; --apply writes it as corrections")
    return lines


def _new_prices(loaded: "Loaded", prices: str) -> "NewPrices":
    from triplegate.control.reports.price_versions import NewPrices, read_prices

    with told():
        return NewPrices(loaded.documents, None if prices == "current" else read_prices(Path(prices)))


async def _work(
    store: "SqlStore[Any]", loaded: "Loaded", new: "NewPrices", what: tuple[float, float, str | None], *, apply: bool
) -> Summary:
    summary = await _pass(store, new, what, write=False)
    if not apply or not summary.rows():
        return summary
    from triplegate.stores.sql.prices import SqlPrices

    await SqlPrices(store.database).note(new.versions(), time.time_ns() / 1e9)
    await _audit(store, loaded, what, summary)
    written = await _pass(store, new, what, write=True)
    summary.corrections = written.corrections
    return summary


async def _pass(
    store: "SqlStore[Any]", new: "NewPrices", what: tuple[float, float, str | None], *, write: bool
) -> Summary:
    from triplegate.stores.sql.rerating import rerate as pages

    summary = Summary()
    try:
        async for page in pages(store.database, *what[:2], new.of, what[2]):
            for one in page.charged:
                sums = summary.sums.setdefault((one.org, one.team, one.model), [0, 0, 0, 0])
                for place, number in enumerate((1, int(one.before != one.after), one.before, one.after)):
                    sums[place] += number
            summary.left += page.left
            if write:
                summary.corrections += await store.ledger.write(page.corrections)
    except ValueError as error:
        raise Failed(str(error)) from None
    return summary


async def _audit(
    store: "SqlStore[Any]", loaded: "Loaded", what: tuple[float, float, str | None], summary: Summary
) -> None:
    """Note who corrects what before it is done."""
    import getpass
    import hashlib
    import hmac

    from triplegate.config.pepper import load_pepper
    from triplegate.core.clock import SystemClock
    from triplegate.stores.sql.audit import SqlAuditLog

    with told():
        key = hmac.digest(load_pepper(loaded.settings), b"triplegate audit log", hashlib.sha256)
    begin, end = (datetime.fromtimestamp(moment, UTC).isoformat() for moment in what[:2])
    detail = {"model": what[2], "difference": dollars(summary.difference), "rows": summary.rows()}
    log = SqlAuditLog(store.database, key, SystemClock())
    await log.append(f"shell:{getpass.getuser()}", "rerate", f"{begin}/{end}", msgspec.json.encode(detail).decode())
