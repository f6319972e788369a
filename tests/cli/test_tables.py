"""The same rows for people and for programs."""

import csv
import io
import json
from decimal import Decimal

import pytest

from triplegate.cli.tables import put, render

COLUMNS = ("team", "requests", "cost")
ROWS = [["web", 12, "0.5"], ["a, b", 3, Decimal("10.25")], ["", None, None]]


def test_numbers_stand_on_the_right_and_names_on_the_left():
    assert render(COLUMNS, ROWS[:2], "table") == "team  requests   cost\nweb         12    0.5\na, b         3  10.25\n"


def test_no_rows_are_a_head_alone():
    assert render(COLUMNS, [], "table") == "team  requests  cost\n"


def test_csv_is_read_back_as_it_was():
    assert list(csv.reader(io.StringIO(render(COLUMNS, ROWS, "csv")))) == [
        list(COLUMNS),
        ["web", "12", "0.5"],
        ["a, b", "3", "10.25"],
        ["", "", ""],
    ]


def test_json_keeps_numbers_and_nothing():
    assert json.loads(render(COLUMNS, [ROWS[0], ROWS[2]], "json")) == [
        {"team": "web", "requests": 12, "cost": "0.5"},
        {"team": "", "requests": None, "cost": None},
    ]


def test_a_file_is_written_whole_and_alone(tmp_path, capsys):
    put("rows\n", tmp_path / "usage.csv")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("usage.csv", "rows\n")]
    assert capsys.readouterr().out == ""


def test_without_a_file_it_is_printed(capsys):
    put("rows\n", None)
    assert capsys.readouterr().out == "rows\n"


def test_a_file_that_cannot_be_written_is_an_error_of_the_system(tmp_path):
    with pytest.raises(OSError, match="usage"):
        put("rows\n", tmp_path / "missing" / "usage.csv")
