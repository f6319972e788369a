"""`triplegate report`: what was used and what it cost."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from triplegate.cli.admin import running
from triplegate.cli.failures import Failed
from triplegate.cli.offline import loaded_of, waiting, with_store
from triplegate.cli.place import Place, find_place
from triplegate.cli.serve import warn
from triplegate.cli.tables import Format, put, render

if TYPE_CHECKING:
    from triplegate.stores.sql.store import SqlStore

report = App(name="report", help="What was used and what it cost, from the ledger.")

DIMENSIONS = (
    *("org", "team", "consumer", "key", "plan", "gate", "route", "model", "tool", "provider", "target", "outcome"),
    *("price_version", "cache", "hour", "day"),
)
_COUNTS = ("requests", "refused", "failed", "tokens_in", "tokens_out", "cost")


@report.command
def usage(
    *,
    by: Annotated[str, Parameter(help=f"What to sum by; several with commas: {', '.join(DIMENSIONS)}.")] = "team",
    since: Annotated[datetime | None, Parameter(help="From (UTC); the last 24 hours when not said.")] = None,
    until: Annotated[datetime | None, Parameter(help="To, exclusive (UTC).")] = None,
    form: Annotated[Format, Parameter(name="--format", help="table, csv or json.")] = "table",
    output: Annotated[Path | None, Parameter(help="Write to this file.")] = None,
    config: Annotated[Path | None, Parameter(help="Directory or file of the configuration.")] = None,
) -> int:
    """Requests, tokens and US dollars; a running gateway brings its ledger up to date first."""
    names = [name.strip() for name in by.split(",") if name.strip()]
    unknown = [name for name in names if name not in DIMENSIONS]
    if unknown or not names:
        raise Failed(f"--by takes {', '.join(DIMENSIONS)}; not {', '.join(unknown) or 'nothing'}", 2)
    end = _utc(until) if until is not None else datetime.now(UTC)
    begin = _utc(since) if since is not None else end - timedelta(days=1)
    if begin >= end:
        raise Failed("--since must be before --until", 2)
    place = find_place(config)
    as_of, found = _ask(place, names, begin, end)
    rows = [[*(row["labels"][name] for name in names), *(row[count] for count in _COUNTS)] for row in found]
    text = render((*names, *_COUNTS), rows, form, bold_head=output is None)
    if form == "table":
        text += f"\nas of {as_of:%Y-%m-%d %H:%M:%S} UTC, since {begin:%Y-%m-%d %H:%M} UTC; cost in US dollars\n"
    put(text, output)
    return 0


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _ask(place: Place, by: Sequence[str], since: datetime, until: datetime) -> tuple[datetime, list[dict[str, Any]]]:
    admin = running(place)
    if admin is not None:
        query = {"by": list(by), "since": since.isoformat(), "until": until.isoformat()}
        told = admin.call("GET", "/usage", query=query)
        return datetime.fromisoformat(told["as_of"]), told["rows"]
    from triplegate.control.reports.usage import usage as asked
    from triplegate.core.money import plain

    loaded = loaded_of(place)

    async def ask(store: "SqlStore[Any]") -> tuple[Sequence[Any], int]:
        rows = await asked(store.database, by, since.timestamp(), until.timestamp())
        return rows, await waiting(loaded.settings.spool_path, store.ledger)

    rows, left = with_store(loaded, ask)
    if left:
        entries = "entry waits" if left == 1 else "entries wait"
        warn(f"{left} {entries} on disk and not in this report; start the gateway to book them")
    return datetime.now(UTC), [
        {"labels": row.labels, **{name: getattr(row, name) for name in _COUNTS[:-1]}, "cost": plain(row.cost)}
        for row in rows
    ]


report.command("triplegate.cli.report_chargeback:chargeback", name="chargeback")
report.command("triplegate.cli.rerate:rerate", name="rerate")
report.command("triplegate.cli.upkeep:rebuild", name="rebuild")
