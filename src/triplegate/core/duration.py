"""Durations as operators write them: 250ms, 5s, 1m, 1h, 1d; seconds as float once read."""

import re
from typing import Annotated

from pydantic import BeforeValidator, Field

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")


def seconds(text: object) -> float:
    """Seconds of `1m30s`, `250ms` or a plain number of seconds; raises ValueError for anything else."""
    if isinstance(text, bool):
        raise ValueError("expected a duration such as 500ms, 5s, 1m or 1h")  # noqa: TRY004 - pydantic reads ValueError
    if isinstance(text, int | float):
        return float(text)
    whole = str(text).strip()
    parts = _PART.findall(whole)
    if not parts or "".join(number + unit for number, unit in parts) != whole:
        raise ValueError("expected a duration such as 500ms, 5s, 1m or 1h")
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


Duration = Annotated[
    float,
    BeforeValidator(seconds, json_schema_input_type=str | float),
    Field(gt=0, examples=["5s", "1m"]),
]
"""A positive duration in seconds."""
