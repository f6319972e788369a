"""Sheets as CSV and JSON, exact and safe; what is not installed is said."""

import csv
import io
import json
import sys
from decimal import Decimal

import pytest

from triplegate.control.reports.columns import Column, Sheet, moment
from triplegate.control.reports.sheets import Missing, safe, to_csv, to_json, to_parquet, to_xlsx

SHEET = Sheet(
    "chargeback",
    (
        Column("team"),
        Column("requests", "count"),
        Column("cost", "money"),
        Column("change", "money"),
        Column("as_of", "moment"),
    ),
    [
        ("web", 3, Decimal("90000000.0000000001"), Decimal("-1.5"), moment(1_795_478_400)),
        ('say "hi", they\r\nsaid', 0, Decimal("0E-10"), None, None),
        ("=cmd|' /C calc'!A0", 1, Decimal(2), Decimal(1), None),
    ],
    {"period": "2026-11"},
)


def test_csv_is_rfc_4180() -> None:
    text = to_csv(SHEET).decode()
    assert text.startswith("team,requests,cost,change,as_of\r\nweb,3,90000000.0000000001,-1.5,2026-11-24T00:00:00Z\r\n")
    assert '\r\n"say ""hi"", they\r\nsaid",0,0,,\r\n' in text
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert [row[0] for row in rows] == ["team", "web", 'say "hi", they\r\nsaid', "'=cmd|' /C calc'!A0"]


@pytest.mark.parametrize(
    "name", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\uff1d1", "\uff0b1", "\uff0d1", "\uff201"]
)
def test_no_name_is_a_formula_and_a_negative_amount_stays_a_number(name: str) -> None:
    assert safe(name) == f"'{name}"
    [_, row] = csv.reader(io.StringIO(to_csv(Sheet("s", SHEET.columns[:1], [(name,)], {})).decode(), newline=""))
    assert row == [f"'{name}"]
    assert safe("a-b") == "a-b"


def test_json_keeps_every_digit_as_text() -> None:
    told = json.loads(to_json(SHEET, totals={"cost": "9"}))
    assert (told["period"], told["totals"]) == ("2026-11", {"cost": "9"})
    assert told["lines"][0] == {
        "team": "web",
        "requests": 3,
        "cost": "90000000.0000000001",
        "change": "-1.5",
        "as_of": "2026-11-24T00:00:00Z",
    }
    assert told["lines"][1]["change"] is None


@pytest.mark.parametrize(
    ("write", "library", "form"), [(to_parquet, "pyarrow", "parquet"), (to_xlsx, "openpyxl", "xlsx")]
)
def test_without_its_library_a_format_says_how_to_get_it(write, library, form, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(Missing, match=rf"{form} needs {library}: pip install 'triplegate\[reports\]'"):
        write(SHEET)
