"""A ledger record as rows of the tables; whatever a client put into it fits the columns."""

from collections.abc import Iterable
from typing import Any

from triplegate.core.record import AttemptRecord, Record
from triplegate.core.usage import CLASSES
from triplegate.stores.sql.tables import ROLLUP_KEY, ROLLUP_SUMS

Row = dict[str, Any]
_TOKENS = len(CLASSES)
_BIGGEST = (1 << 63) - 1
_NOT_COLUMNS = frozenset({"tokens", "attempts", "each", "calls"})
RECORD_FIELDS = tuple(field for field in Record.__struct_fields__ if field not in _NOT_COLUMNS)
ATTEMPT_FIELDS = tuple(field for field in AttemptRecord.__struct_fields__ if field != "tokens")
_PLAIN_SUMS = tuple(name for name in ROLLUP_SUMS[1:] if name not in CLASSES)


def has_row(record: Record) -> bool:
    """A row of its own, or else a place in a minute's sums."""
    return record.billed or record.each or record.kind != "final"


def record_row(record: Record) -> Row:
    """The row of `records`."""
    row = {name: _fit(getattr(record, name)) for name in RECORD_FIELDS}
    row.update(zip(CLASSES, _tokens(record.tokens), strict=True))
    return row


def attempt_rows(record: Record) -> Iterable[Row]:
    """The rows of `attempts`; a number that comes twice is told once."""
    for attempt in {attempt.n: attempt for attempt in record.attempts}.values():
        row = {name: _fit(getattr(attempt, name)) for name in ATTEMPT_FIELDS}
        row.update(zip(CLASSES, _tokens(attempt.tokens), strict=True))
        row["exchange"], row["part"] = _fit(record.exchange), record.part
        yield row


def rollup_rows(records: Iterable[Record]) -> list[Row]:
    """The rows of `rollups_minute` that these records add up to, in a fixed order (so that locks never cross)."""
    sums: dict[tuple[Any, ...], Row] = {}
    for record in records:
        key = (int(record.started // 60) * 60, *[_fit(getattr(record, name)) for name in ROLLUP_KEY[1:]])
        row = sums.get(key)
        if row is None:
            row = sums[key] = dict.fromkeys(ROLLUP_SUMS, 0)
        row["requests"] += record.calls
        for name in _PLAIN_SUMS:
            row[name] += getattr(record, name)
        for name, count in zip(CLASSES, _tokens(record.tokens), strict=True):
            row[name] += count
    return [
        dict(zip(ROLLUP_KEY, key, strict=True)) | {name: _fit(value) for name, value in row.items()}
        for key, row in sorted(sums.items())
    ]


def _tokens(tokens: tuple[int, ...]) -> tuple[int, ...]:
    """Exactly one number a class, also from records older or newer than this program."""
    padded = (*tokens[:_TOKENS], *(0,) * (_TOKENS - len(tokens)))
    return tuple([_fit(count) for count in padded])


def _fit(value: Any) -> Any:
    """PostgreSQL takes no NUL in text and no number beyond 63 bits; one such value must not stop the drain."""
    if value.__class__ is str:
        return value.replace("\0", "\N{REPLACEMENT CHARACTER}") if "\0" in value else value
    if value.__class__ is int:
        return max(-_BIGGEST, min(_BIGGEST, value))
    return value
