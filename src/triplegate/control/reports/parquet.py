"""A sheet as Apache Parquet: amounts are decimals, moments are UTC, what is said of the whole is metadata."""

import io
from typing import Any

from triplegate.control.reports.columns import Column, Sheet


def written(sheet: Sheet) -> bytes:
    """The file's bytes. Raises ModuleNotFoundError without pa."""
    import pyarrow as pa
    import pyarrow.parquet as files

    kinds = {
        "text": pa.string(),
        "count": pa.int64(),
        "money": pa.decimal128(38, 10),
        "decimal": pa.decimal128(38, 18),
        "percent": pa.decimal128(38, 2),
        "moment": pa.timestamp("us", "UTC"),
    }

    def array(column: Column, number: int) -> Any:
        return pa.array([row[number] for row in sheet.rows], kinds[column.kind])

    schema = pa.schema([(column.name, kinds[column.kind]) for column in sheet.columns], metadata=sheet.notes)
    arrays = [array(column, number) for number, column in enumerate(sheet.columns)]
    file = io.BytesIO()
    files.write_table(pa.table(arrays, schema=schema), file)
    return file.getvalue()
