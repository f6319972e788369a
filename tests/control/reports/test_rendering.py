"""A report becomes a file of the format that was asked for, with a name of its own."""

import json

import pytest
from tests.control.reports.test_chargeback import asked

from triplegate.control.reports.period import between
from triplegate.control.reports.rendering import rendered


async def test_json_has_lines_and_totals() -> None:
    file = rendered(await asked("team"), "json")
    told = json.loads(file.content)
    assert (file.name, file.media_type) == ("chargeback-2026-11.json", "application/json")
    assert told["totals"]["cost"] == "10.0000000001"
    assert [line["team"] for line in told["lines"]] == ["web", "books", "ops"]


async def test_csv_is_named_by_its_period() -> None:
    file = rendered(await asked("team", period=between(0, 86_400)), "csv")
    assert file.name == "chargeback-1970-01-01_00_00_to_1970-01-02_00_00.csv"
    assert file.content.startswith(b"period,kind,item,team,")


@pytest.mark.parametrize(("form", "library", "magic"), [("parquet", "pyarrow", b"PAR1"), ("xlsx", "openpyxl", b"PK")])
async def test_files_of_libraries_are_what_they_say(form, library, magic) -> None:
    pytest.importorskip(library)
    assert rendered(await asked("team"), form).content.startswith(magic)
