"""Sheets as CSV (RFC 4180), JSON, Parquet and XLSX; every digit of every amount is kept."""

from collections.abc import Callable, Mapping

import msgspec

from triplegate.control.reports.columns import Cell, Column, Sheet, text_of

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What a spreadsheet may take for the beginning of a formula, the wide forms included."""
_BREAKING = ('"', ",", "\r", "\n")


class Missing(Exception):
    """A format whose library is not installed."""


def safe(text: str) -> str:
    """Text that no spreadsheet runs: an apostrophe before what looks like a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def to_csv(sheet: Sheet) -> bytes:
    """Comma-separated with CRLF and a head; nothing is an empty cell."""
    lines = [",".join(_quoted(column.name) for column in sheet.columns)]
    lines += [
        ",".join(_csv_cell(column, cell) for column, cell in zip(sheet.columns, row, strict=True)) for row in sheet.rows
    ]
    return ("\r\n".join(lines) + "\r\n").encode()


def _csv_cell(column: Column, cell: Cell) -> str:
    text = text_of(cell)
    return _quoted(safe(text)) if column.kind == "text" else text


def _quoted(text: str) -> str:
    if any(one in text for one in _BREAKING):
        return '"' + text.replace('"', '""') + '"'
    return text


def to_json(sheet: Sheet, **more: Mapping[str, Cell]) -> bytes:
    """One object: what is said of the whole, and `lines`. Counts are numbers, amounts are text so that none is cut."""
    told = {name: {key: _json_cell(cell) for key, cell in cells.items()} for name, cells in more.items()}
    lines = [
        {column.name: _json_cell(cell) for column, cell in zip(sheet.columns, row, strict=True)} for row in sheet.rows
    ]
    return msgspec.json.format(msgspec.json.encode({**sheet.notes, **told, "lines": lines}), indent=2) + b"\n"


def _json_cell(cell: Cell) -> str | int | None:
    return cell if cell is None or isinstance(cell, int) else text_of(cell)


def to_parquet(sheet: Sheet) -> bytes:
    """Apache Parquet. Raises Missing without pyarrow."""
    from triplegate.control.reports.parquet import written

    return _with("parquet", "pyarrow", lambda: written(sheet))


def to_xlsx(sheet: Sheet) -> bytes:
    """A workbook. Raises Missing without openpyxl."""
    from triplegate.control.reports.xlsx import written

    return _with("xlsx", "openpyxl", lambda: written(sheet))


def _with(form: str, library: str, write: Callable[[], bytes]) -> bytes:
    try:
        return write()
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != library:
            raise
        raise Missing(f"{form} needs {library}: pip install 'triplegate[reports]'") from None
