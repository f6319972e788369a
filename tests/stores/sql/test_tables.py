"""The tables and the nouns they keep agree."""

import sqlalchemy as sa

from triplegate.core.identity import KeyRecord
from triplegate.core.record import AttemptRecord, Record
from triplegate.core.usage import CLASSES
from triplegate.stores.sql import tables
from triplegate.stores.sql.placing import PLACED


def test_records_have_a_column_for_each_field() -> None:
    fields = set(Record.__struct_fields__) - {"tokens", "attempts", "each", "calls"} | {*CLASSES, *PLACED}
    assert set(tables.records.columns.keys()) == fields


def test_attempts_have_a_column_for_each_field_and_their_record() -> None:
    fields = set(AttemptRecord.__struct_fields__) - {"tokens"} | {*CLASSES, "exchange", "part", "apart"}
    assert set(tables.attempts.columns.keys()) == fields


def test_keys_have_a_column_for_each_field() -> None:
    assert set(tables.keys.columns.keys()) == {*KeyRecord.__struct_fields__, "changed"}


def test_money_and_tokens_are_64_bit_integers() -> None:
    for table in (tables.records, tables.attempts, tables.rollups, tables.hours, tables.days):
        for name in {"cost", "own_cost", "list_cost", "saved", "wasted", *CLASSES} & set(table.columns.keys()):
            assert isinstance(table.c[name].type, sa.BigInteger), name
