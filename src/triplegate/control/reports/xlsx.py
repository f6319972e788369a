"""A sheet as a workbook: numbers are numbers, and where a spreadsheet's floats lose digits the text stands beside."""

import io
import re
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

from triplegate.control.reports.columns import Cell, Column, Sheet, text_of

EXACT = " (exact)"
"""Ends the name of a column with the text of amounts that floats cannot hold."""
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_LONGEST = 32_767
_FORMATS = {"count": "#,##0", "money": "#,##0.00########", "percent": '0.00"%"', "decimal": "General"}


def written(sheet: Sheet) -> bytes:
    """The file's bytes. Raises ModuleNotFoundError without openpyxl."""
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell

    book = Workbook(write_only=True)
    page = book.create_sheet(sheet.name)
    page.freeze_panes = "A2"

    def cell_of(kind: str, value: Cell) -> Any:
        return _cell(WriteOnlyCell(page), kind, value)

    exact = {number for number, column in enumerate(sheet.columns) if _cut(column, number, sheet)}
    page.append([cell_of("text", name) for name in _names(sheet, exact)])
    for row in sheet.rows:
        page.append(list(_cells(sheet, row, exact, cell_of)))
    about = book.create_sheet("about")
    for name, text in sheet.notes.items():
        about.append([cell_of("text", name), cell_of("text", text)])
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def _cut(column: Column, number: int, sheet: Sheet) -> bool:
    """Whether a float cannot hold some amount of a column."""
    if column.kind not in ("money", "decimal"):
        return False
    amounts = [row[number] for row in sheet.rows]
    return any(isinstance(one, Decimal) and Decimal(repr(float(one))) != one for one in amounts)


def _names(sheet: Sheet, exact: set[int]) -> list[str]:
    names = []
    for number, column in enumerate(sheet.columns):
        names += [column.name, column.name + EXACT] if number in exact else [column.name]
    return names


def _cells(sheet: Sheet, row: tuple[Cell, ...], exact: set[int], cell_of: Callable[[str, Cell], Any]) -> Any:
    for number, (column, value) in enumerate(zip(sheet.columns, row, strict=True)):
        yield cell_of(column.kind, value)
        if number in exact:
            yield cell_of("text", None if value is None else text_of(value))


def _cell(cell: Any, kind: str, value: Cell) -> Any:
    if value is None:
        return cell
    if kind == "text":
        cell.value = ""
        cell._value = _NOT_XML.sub("\ufffd", str(value))[:_LONGEST]  # noqa: SLF001 - set as text, never read as formula
        cell.data_type = "s"
        return cell
    if isinstance(value, datetime):
        cell.value, cell.number_format = value.replace(tzinfo=None), "yyyy-mm-dd hh:mm:ss"  # a workbook knows no zones
        return cell
    cell.value, cell.number_format = value, _FORMATS[kind]
    return cell
