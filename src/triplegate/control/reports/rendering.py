"""A report in the format that was asked for: its bytes, what they are, and what a file of them is called."""

import re
from typing import Literal

import msgspec

from triplegate.control.reports.chargeback import Chargeback
from triplegate.control.reports.chargeback_sheet import sheet_of, totals_of
from triplegate.control.reports.columns import Sheet
from triplegate.control.reports.sheets import to_csv, to_json, to_parquet, to_xlsx

Form = Literal["json", "csv", "parquet", "xlsx"]
_WRITERS = {"csv": to_csv, "parquet": to_parquet, "xlsx": to_xlsx}
_KINDS = {
    "json": "application/json",
    "csv": "text/csv; header=present",
    "parquet": "application/vnd.apache.parquet",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


class Rendered(msgspec.Struct, frozen=True):
    """A file."""

    content: bytes
    media_type: str
    name: str


def rendered(report: Chargeback, form: Form) -> Rendered:
    """The chargeback report as a file. Raises Missing."""
    sheet = sheet_of(report)
    return _file(to_json(sheet, totals=totals_of(report)) if form == "json" else _WRITERS[form](sheet), sheet, form)


def exported(sheet: Sheet, file: Literal["csv", "parquet"]) -> Rendered:
    """A FOCUS export as a file. Raises Missing."""
    return _file(_WRITERS[file](sheet), sheet, file)


def _file(content: bytes, sheet: Sheet, form: Form) -> Rendered:
    period = re.sub(r"[^0-9A-Za-z-]+", "_", sheet.notes["period"])
    return Rendered(content, _KINDS[form], f"{sheet.name}-{period}.{form}")
