"""Parquet has decimals, whole numbers, moments and text, and what is said of the whole as metadata."""

import io
from decimal import Decimal

import pytest
from tests.control.reports.test_sheets import SHEET

from triplegate.control.reports.columns import Column, Sheet, moment
from triplegate.control.reports.parquet import written

arrow = pytest.importorskip("pyarrow")


def read(sheet: Sheet):
    import pyarrow.parquet as files

    return files.read_table(io.BytesIO(written(sheet)))


def test_every_digit_is_read_back() -> None:
    table = read(SHEET)
    assert [str(field.type) for field in table.schema] == [
        *("string", "int64", "decimal128(38, 10)", "decimal128(38, 10)", "timestamp[us, tz=UTC]"),
    ]
    assert table.column("cost").to_pylist() == [Decimal("90000000.0000000001"), Decimal(0), Decimal(2)]
    assert table.column("change").to_pylist() == [Decimal("-1.5"), None, Decimal(1)]
    assert table.column("team").to_pylist()[2] == "=cmd|' /C calc'!A0"  # nothing runs it: it stays as it is
    assert table.column("as_of").to_pylist()[0] == moment(1_795_478_400)
    assert table.schema.metadata[b"period"] == b"2026-11"


def test_prices_times_quantities_have_more_digits() -> None:
    amount = Decimal("0.000000000000000001")
    table = read(Sheet("s", (Column("x", "decimal"), Column("y", "percent")), [(amount, Decimal("33.33"))], {}))
    assert table.to_pylist() == [{"x": amount, "y": Decimal("33.33")}]


def test_a_sheet_without_rows_has_its_columns() -> None:
    assert read(Sheet("s", SHEET.columns, [], {})).column_names == [column.name for column in SHEET.columns]
