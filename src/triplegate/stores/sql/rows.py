"""A ledger record as rows of the tables; whatever a client put into it fits the columns."""

from collections.abc import Iterable
from typing import Any, TypeVar

import msgspec

from triplegate.core.money import MOST_A_CALL
from triplegate.core.record import AttemptRecord, Record
from triplegate.core.usage import CLASSES
from triplegate.stores.sql.placing import PLACED, apart_of, place_of
from triplegate.stores.sql.tables import LEDGER_KEY, ROLLUP_KEY, ROLLUP_SUMS

Row = dict[str, Any]
_TOKENS = len(CLASSES)
BIGGEST = MOST_A_CALL
"""Of a number, also of tokens or bytes: 92,000 such ones still add up in the 64 bits of an hour's sum."""
_BIGGEST_SUM = (1 << 62) - 1
"""Of what one batch adds to a sum."""
LONGEST = 256
"""Bytes of a text that rows are summed by: all of a key must fit an entry of PostgreSQL's index."""
_NOT_COLUMNS = frozenset({"tokens", "attempts", "each", "calls", *PLACED})
RECORD_FIELDS = tuple(field for field in Record.__struct_fields__ if field not in _NOT_COLUMNS)
ATTEMPT_FIELDS = tuple(field for field in AttemptRecord.__struct_fields__ if field != "tokens")
RowStruct = TypeVar("RowStruct", Record, AttemptRecord)
_KEYS = frozenset(LEDGER_KEY)
_PLAIN_SUMS = tuple(name for name in ROLLUP_SUMS[1:] if name not in CLASSES)


def has_row(record: Record) -> bool:
    """A row of its own, or else a place in a minute's sums."""
    return record.billed or record.each or record.kind != "final"


def fitted(record: Record) -> Record:
    """The record as columns can hold it: texts and numbers that fit, one number a class, each attempt told once."""
    tries = {one.n: _fitted(one) for one in record.attempts}
    return msgspec.structs.replace(_fitted(record), attempts=tuple(tries.values()))


def record_row(record: Record) -> Row:
    """The row of `records`, of a record that is `fitted`."""
    row = {name: getattr(record, name) for name in RECORD_FIELDS}
    row.update(zip(CLASSES, record.tokens, strict=True))
    row.update(zip(PLACED, place_of(record), strict=True))
    return row


def attempt_rows(record: Record) -> Iterable[Row]:
    """The rows of `attempts`, of a record that is `fitted`."""
    apart = {one.n for one in apart_of(record)}
    for attempt in record.attempts:
        row = {name: getattr(attempt, name) for name in ATTEMPT_FIELDS}
        row.update(zip(CLASSES, attempt.tokens, strict=True))
        row["exchange"], row["part"], row["apart"] = record.exchange, record.part, int(attempt.n in apart)
        yield row


def rollup_rows(records: Iterable[Record]) -> list[Row]:
    """The rows of `rollups_minute` that these records add up to, in a fixed order (so that locks never cross)."""
    sums: dict[tuple[Any, ...], Row] = {}
    for record in records:
        key = (int(record.started // 60) * 60, *[_key(getattr(record, name)) for name in ROLLUP_KEY[1:]])
        row = sums.get(key)
        if row is None:
            row = sums[key] = dict.fromkeys(ROLLUP_SUMS, 0)
        row["requests"] += record.calls
        for name in _PLAIN_SUMS:
            row[name] += getattr(record, name)
        for name, count in zip(CLASSES, _tokens(record.tokens), strict=True):
            row[name] += count
    return [
        dict(zip(ROLLUP_KEY, key, strict=True)) | {name: fit_sum(value) for name, value in row.items()}
        for key, row in sorted(sums.items())
    ]


def _fitted(row: RowStruct) -> RowStruct:
    values = {
        name: (_key if name in _KEYS else fit)(getattr(row, name)) for name in row.__struct_fields__ if name != "tokens"
    }
    return msgspec.structs.replace(row, tokens=_tokens(row.tokens), **values)


def _key(value: Any) -> Any:
    """Part of a key: a text that is too long is cut."""
    value = fit(value)
    if value.__class__ is str and len(value) > LONGEST // 4:
        return value.encode()[:LONGEST].decode(errors="ignore")
    return value


def _tokens(tokens: tuple[int, ...]) -> tuple[int, ...]:
    """Exactly one number a class, also from records older or newer than this program."""
    padded = (*tokens[:_TOKENS], *(0,) * (_TOKENS - len(tokens)))
    return tuple([fit(count) for count in padded])


def fit(value: Any) -> Any:
    """PostgreSQL takes no NUL in text and neither takes sums beyond 63 bits; one such value must not stop the drain."""
    if value.__class__ is str:
        return value.replace("\0", "\N{REPLACEMENT CHARACTER}") if "\0" in value else value
    if value.__class__ is int:
        return max(-BIGGEST, min(BIGGEST, value))
    return value


def fit_sum(total: int) -> int:
    """What a batch adds, exact: of numbers that fit it is never more than 64 bits hold."""
    return max(-_BIGGEST_SUM, min(_BIGGEST_SUM, total))
