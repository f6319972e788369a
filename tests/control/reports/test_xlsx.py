"""A workbook has numbers to reckon with, and the exact text where a spreadsheet would lose digits."""

import io
from datetime import datetime
from decimal import Decimal

import pytest
from tests.control.reports.test_sheets import SHEET

from triplegate.control.reports.columns import Column, Sheet
from triplegate.control.reports.xlsx import written

openpyxl = pytest.importorskip("openpyxl")


def read(sheet: Sheet):
    return openpyxl.load_workbook(io.BytesIO(written(sheet)))


def test_amounts_are_numbers_and_exact_beside() -> None:
    page = read(SHEET)["chargeback"]
    head, web, *_ = page.iter_rows(values_only=True)
    assert head == ("team", "requests", "cost", "cost (exact)", "change", "as_of")  # a float holds every change
    assert web == ("web", 3, 90000000.0, "90000000.0000000001", -1.5, datetime(2026, 11, 24))
    assert page.freeze_panes == "A2"


def test_a_name_is_text_whatever_it_looks_like() -> None:
    page = read(SHEET)["chargeback"]
    cell = page.cell(4, 1)
    assert (cell.value, cell.data_type) == ("=cmd|' /C calc'!A0", "s")
    odd = Sheet("s", (Column("team"),), [("a\x00b\ud800" + "x" * 40_000,)], {})
    found = read(odd)["s"].cell(2, 1).value
    assert found.startswith("a\ufffdb\ufffdxx")
    assert len(found) == 32_767


def test_nothing_is_an_empty_cell_and_the_rest_stands_on_a_page_of_its_own() -> None:
    book = read(
        Sheet(
            "s",
            (Column("cost", "money"), Column("share", "percent")),
            [(None, None), (Decimal(1), Decimal("33.33"))],
            {"period": "=2026"},
        )
    )
    assert list(book["s"].iter_rows(min_row=2, values_only=True)) == [(None, None), (1, 33.33)]
    assert list(book["about"].iter_rows(values_only=True)) == [("period", "=2026")]
    assert book["about"].cell(1, 2).data_type == "s"
