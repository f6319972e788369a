"""Rows for people and for programs: a table on a terminal, plain columns in a pipe, CSV, JSON."""

import csv
import io
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from triplegate.cli.paint import paint

Format = Literal["table", "csv", "json"]


def render(columns: Sequence[str], rows: Sequence[Sequence[object]], form: Format, *, bold_head: bool = False) -> str:
    """The rows in that form; numbers stand on the right in a table. `bold_head`: it goes to standard output."""
    if form == "json":
        return json.dumps([dict(zip(columns, row, strict=True)) for row in rows], indent=2) + "\n"
    if form == "csv":
        sheet = io.StringIO()
        writer = csv.writer(sheet, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([["" if value is None else value for value in row] for row in rows])
        return sheet.getvalue()
    head, _, body = _columns(columns, rows).partition("\n")
    return f"{paint(head, 'bold', sys.stdout) if bold_head else head}\n{body}"


def _columns(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    texts = [[_text(value) for value in row] for row in rows]
    widths = [
        max(len(name), *(len(row[at]) for row in texts)) if texts else len(name) for at, name in enumerate(columns)
    ]
    right = [bool(rows) and all(_number(row[at]) for row in rows) for at in range(len(columns))]
    lines = []
    for row in [list(columns), *texts]:
        cells = [
            cell.rjust(wide) if to_right else cell.ljust(wide)
            for cell, wide, to_right in zip(row, widths, right, strict=True)
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines) + "\n"


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _number(value: object) -> bool:
    try:
        float(str(value))
    except ValueError:
        return False
    return True


def put(text: str, output: Path | None) -> None:
    """To a file, whole or not at all, or to standard output. Raises OSError."""
    if output is None:
        sys.stdout.write(text)
        return
    fresh = output.with_name(output.name + ".part")
    fresh.write_text(text)
    fresh.replace(output)


def put_bytes(content: bytes, output: Path | None) -> None:
    """The same for a file of any kind."""
    if output is None:
        sys.stdout.flush()
        sys.stdout.buffer.write(content)
        return
    fresh = output.with_name(output.name + ".part")
    fresh.write_bytes(content)
    fresh.replace(output)
