"""`triplegate report chargeback`: who pays how much of a period, on a terminal or as a file."""

import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from triplegate.cli.admin import running
from triplegate.cli.failures import Failed
from triplegate.cli.offline import loaded_of, waiting, with_store
from triplegate.cli.place import Place, find_place
from triplegate.cli.serve import warn
from triplegate.cli.tables import put, put_bytes, render

if TYPE_CHECKING:
    from triplegate.control.reports.chargeback import House, Question
    from triplegate.stores.sql.store import SqlStore

Form = Literal["table", "csv", "json", "parquet", "xlsx", "focus"]
_BINARY = frozenset({"parquet", "xlsx"})


def chargeback(
    *,
    period: Annotated[str | None, Parameter(help="2026-11, 2026-Q4, 2026, 2026-W47 or a day; else this month.")] = None,
    by: Annotated[str, Parameter(help="What to sum by: team,consumer,key,model,… or tag:cost_center.")] = "org,team",
    since: Annotated[datetime | None, Parameter(help="From (UTC), instead of a period.")] = None,
    until: Annotated[datetime | None, Parameter(help="To, exclusive (UTC).")] = None,
    form: Annotated[Form, Parameter(name="--format", help="table, csv, json, parquet, xlsx or focus.")] = "table",
    grain: Annotated[Literal["day", "hour"], Parameter(help="Of focus: rows by day or by hour.")] = "day",
    output: Annotated[Path | None, Parameter(help="Write to this file; focus as Parquet where it ends so.")] = None,
    config: Annotated[Path | None, Parameter(help="Directory or file of the configuration.")] = None,
) -> int:
    """Who pays how much: own and shared cost, budget, the period before, forecast. Brings the ledger up to date."""
    if form in _BINARY and output is None and sys.stdout.isatty():
        raise Failed(f"{form} is not for a terminal: say --output FILE", 2)
    query = {"by": by, "period": period, "since": _said(since), "until": _said(until)}
    query |= {"format": "json" if form == "table" else form}
    if form == "focus":
        query |= {"grain": grain, "file": "parquet" if output is not None and output.suffix == ".parquet" else "csv"}
    content = _fetch(find_place(config), {name: value for name, value in query.items() if value is not None})
    if form == "table":
        put(_table(content, bold=output is None), output)
    else:
        put_bytes(content, output)
    return 0


def _said(moment: datetime | None) -> str | None:
    if moment is None:
        return None
    return (moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment).isoformat()


def _unix(moment: str | None) -> float | None:
    return None if moment is None else datetime.fromisoformat(moment).timestamp()


def _table(content: bytes, *, bold: bool) -> str:
    import msgspec

    from triplegate.control.reports.chargeback_sheet import shown

    told: Mapping[str, Any] = msgspec.json.decode(content)
    names, rows = shown(told)
    text = render(names, rows, "table", bold_head=bold)
    foot = f"as of {told['as_of']}; {told['period']}: {told['begin']} to {told['end']}"
    return f"{text}\n{foot}, compared with {told['compared_with']}; cost in US dollars\n"


def _fetch(place: Place, query: Mapping[str, str]) -> bytes:
    admin = running(place)
    if admin is not None:
        return admin.fetch("/reports/chargeback", query=query)
    from triplegate.control.reports.chargeback import Question, check_by
    from triplegate.control.reports.payers import house_of
    from triplegate.control.reports.period import asked_period
    from triplegate.control.reports.sheets import Missing

    loaded, now = loaded_of(place), datetime.now(UTC).timestamp()
    house = house_of(loaded.documents)
    try:
        by = check_by(name.strip() for name in query["by"].split(","))
        since, until = _unix(query.get("since")), _unix(query.get("until"))
        asked = asked_period(query.get("period"), since, until, now, house.document.fiscal_start)
    except ValueError as error:
        raise Failed(str(error), 2) from None

    async def ask(store: "SqlStore[Any]") -> tuple[bytes, int]:
        content = await _read(store, Question(asked, by), house, query, now)
        return content, await waiting(loaded.settings.spool_path, store.ledger)

    try:
        content, left = with_store(loaded, ask)
    except Missing as error:
        raise Failed(str(error)) from None
    if left:
        entries = "entry waits" if left == 1 else "entries wait"
        warn(f"{left} {entries} on disk and not in this report; start the gateway to book them")
    return content


async def _read(
    store: "SqlStore[Any]", question: "Question", house: "House", query: Mapping[str, str], now: float
) -> bytes:
    from functools import partial

    from triplegate.control.reports.chargeback import chargeback
    from triplegate.control.reports.focus import Ledger, TooMany, focus
    from triplegate.control.reports.rendering import exported, rendered
    from triplegate.control.reports.spending import asking, priced
    from triplegate.stores.sql.counted import counted

    ask = asking(store.database)
    if query["format"] != "focus":
        return rendered(await chargeback(question, house, ask, now), query["format"]).content  # type: ignore[arg-type]
    try:
        ledger = Ledger(ask, partial(priced, store.database), partial(counted, store.database))
        sheet = await focus(question, house, ledger, query["grain"])  # type: ignore[arg-type]
    except TooMany as error:
        raise Failed(str(error)) from None
    return exported(sheet, query["file"]).content  # type: ignore[arg-type]
