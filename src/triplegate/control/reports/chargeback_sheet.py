"""The chargeback report as a sheet: one column for everything that is known of a line."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from triplegate.control.reports.chargeback import Chargeback, Line
from triplegate.control.reports.columns import Cell, Column, Kind, Sheet, moment, money, percent, text_of
from triplegate.control.reports.forecast import METHOD
from triplegate.core.usage import CLASSES

_COUNTS = ("requests", "refused", "failed", "gone", "attempts", "tokens_in", "tokens_out", *CLASSES)
_BYTES = ("bytes_in", "bytes_out")
_MONEY = ("cost", "own_cost", "list_cost", "saved", "surcharge", "wasted")
_REST: tuple[tuple[str, Kind, Callable[[Line], Cell]], ...] = (
    ("shared", "money", lambda line: money(line.shared)),
    ("total", "money", lambda line: money(line.total)),
    ("share", "percent", lambda line: percent(line.share, 10_000)),
    ("budget", "money", lambda line: money(line.budget)),
    ("budget_left", "money", lambda line: None if line.budget is None else money(line.budget - _cost(line))),
    ("budget_used", "percent", lambda line: None if line.budget is None else percent(_cost(line), line.budget)),
    ("previous", "money", lambda line: money(line.previous)),
    ("change", "money", lambda line: money(line.total - line.previous)),
    ("change_percent", "percent", lambda line: percent(line.total - line.previous, line.previous)),
    ("forecast", "money", lambda line: None if line.forecast is None else money(line.forecast.expected)),
    ("forecast_low", "money", lambda line: None if line.forecast is None else money(line.forecast.low)),
    ("forecast_high", "money", lambda line: None if line.forecast is None else money(line.forecast.high)),
)
_SHOWN = (
    *("requests", "tokens_in", "tokens_out", "cost", "saved", "surcharge", "wasted"),
    *("shared", "total", "share", "budget", "budget_used", "previous", "change", "forecast"),
)
_ALWAYS = frozenset({"requests", "cost", "total"})
_NOTHING = (None, 0, "0")


def _cost(line: Line) -> int:
    return line.sums.get("cost", 0)


def sheet_of(report: Chargeback) -> Sheet:
    """Everything, for programs and spreadsheets."""
    columns = (
        *(Column(name) for name in ("period", "kind", "item", *report.question.by, "tags")),
        *(Column(name, "count") for name in (*_COUNTS, *_BYTES)),
        *(Column(name, "money") for name in _MONEY),
        *(Column(name, kind) for name, kind, _ in _REST),
        Column("as_of", "moment"),
    )
    return Sheet("chargeback", columns, [_row(report, line) for line in report.lines], notes_of(report))


def _row(report: Chargeback, line: Line) -> tuple[Cell, ...]:
    tags = msgspec.json.encode(line.tags, order="sorted").decode() if line.tags else None
    return (
        *(report.question.period.name, line.kind, line.item or None, *line.labels, tags),
        *(line.sums.get(name, 0) for name in (*_COUNTS, *_BYTES)),
        *(money(line.sums.get(name, 0)) for name in _MONEY),
        *(cell(line) for _, _, cell in _REST),
        moment(report.as_of),
    )


def totals_of(report: Chargeback) -> dict[str, Cell]:
    """The sum of all lines, by the names of the columns; nothing where there is no sum."""
    names = [column.name for column in sheet_of(report).columns]
    cells = dict(zip(names, _row(report, report.totals), strict=True))
    summed = (*_COUNTS, *_BYTES, *_MONEY, *(name for name, _, _ in _REST if not name.startswith("budget")))
    return {name: cells[name] for name in summed}


def notes_of(report: Chargeback) -> dict[str, str]:
    """What is said of the whole report."""
    period = report.question.period
    return {
        "period": period.name,
        "begin": text_of(moment(period.begin)),
        "end": text_of(moment(period.end)),
        "as_of": text_of(moment(report.as_of)),
        "by": ",".join(report.question.by),
        "compared_with": period.before.name,
        "currency": "USD",
        "forecast": METHOD,
    }


def shown(told: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Columns and rows for a terminal, of the report as JSON tells it; the last row is the sum.

    What is nothing throughout is left out.
    """
    by = told["by"].split(",")
    rows = [*told["lines"], {**told["totals"], by[0]: "total"}]
    names = [name for name in _SHOWN if name in _ALWAYS or any(row.get(name) not in _NOTHING for row in rows)]
    items = ["item"] if any(line["item"] for line in told["lines"]) else []
    names = [*by, *items, *names]
    return names, [["" if row.get(name) is None else str(row[name]) for name in names] for row in rows]
