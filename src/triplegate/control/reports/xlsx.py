"""A sheet as a workbook: numbers are numbers, and where a spreadsheet's floats lose digits the text stands beside."""

import io
import re
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

from triplegate.control.reports.columns import Cell, Column, Sheet, text_of

EXACT = " (exact)"
"""Ends the name of a column with the text of amounts that floats cannot hold."""
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_LONGEST = 32_767
_FORMATS = {"money": "#,##0.00########", "percent": '0.00"%"', "decimal": "General", "moment": "yyyy-mm-dd hh:mm:ss"}


def written(sheet: Sheet) -> bytes:
    """The file's bytes. Raises ModuleNotFoundError without openpyxl."""
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    page = book.create_sheet(sheet.name)
    page.freeze_panes = "A2"
    make = _Cells(page)
    exact = {number for number, column in enumerate(sheet.columns) if _cut(column, number, sheet)}
    page.append([make.text(name) for name in _names(sheet, exact)])
    for row in sheet.rows:
        page.append(list(_cells(sheet, row, exact, make)))
    about = book.create_sheet("about")
    for name, text in sheet.notes.items():
        about.append([make.text(name), make.text(text)])
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


class _Cells:
    """Makes cells; a style is looked up once, for that takes longer than all else."""

    def __init__(self, page: Any) -> None:
        from openpyxl.cell import WriteOnlyCell

        self._make, self._page = WriteOnlyCell, page
        self._styles = {}
        for kind, form in _FORMATS.items():
            cell = WriteOnlyCell(page)
            cell.number_format = form
            self._styles[kind] = cell._style  # noqa: SLF001 - the same for all cells of a kind

    def text(self, text: str) -> Any:
        """Text, which is never read as a formula."""
        cell = self._make(self._page)
        cell._value = _NOT_XML.sub("\ufffd", text)[:_LONGEST]  # noqa: SLF001 - the setter looks for formulas
        cell.data_type = "s"
        return cell

    def of(self, kind: str, value: Cell) -> Any:
        """A cell of that kind; nothing is an empty one."""
        if value is None or kind == "count":
            return value
        if kind == "text":
            return self.text(str(value))
        plain = value.replace(tzinfo=None) if isinstance(value, datetime) else value  # a workbook knows no zones
        cell = self._make(self._page, plain)
        cell._style = self._styles[kind]  # noqa: SLF001
        return cell


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


def _cells(sheet: Sheet, row: tuple[Cell, ...], exact: set[int], make: _Cells) -> Iterator[Any]:
    for number, (column, value) in enumerate(zip(sheet.columns, row, strict=True)):
        yield make.of(column.kind, value)
        if number in exact:
            yield None if value is None else make.text(text_of(value))
