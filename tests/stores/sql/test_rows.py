"""Records as rows: every field has its column, and every value fits."""

import msgspec
from tests.stores.ledger_records import ATTEMPT, record, unpriced

from triplegate.stores.sql.rows import attempt_rows, fitted, has_row, record_row, rollup_rows
from triplegate.stores.sql.tables import attempts, records, rollups


def test_each_row_has_exactly_the_columns_of_its_table() -> None:
    given = record()
    assert set(record_row(given)) == set(records.columns.keys())
    assert [set(row) for row in attempt_rows(given)] == [set(attempts.columns.keys())]
    assert [set(row) for row in rollup_rows([unpriced("u")])] == [set(rollups.columns.keys())]


def test_what_has_a_row_of_its_own() -> None:
    each = unpriced("u")
    each.each = True
    assert has_row(record())
    assert has_row(each)
    assert not has_row(unpriced("u"))
    assert has_row(unpriced("u", kind="correction")), "minute sums take whole requests only"


def test_an_attempt_number_that_comes_twice_is_told_once() -> None:
    other = msgspec.structs.replace(ATTEMPT, cost=9)
    assert [row["cost"] for row in attempt_rows(fitted(record(attempts=(ATTEMPT, other))))] == [9]


def test_sums_of_a_minute() -> None:
    minute = 1_767_225_600
    batch = [unpriced(f"u{n}", started=minute + 59.9 + n * 0.2, bytes_in=n, duration_us=10) for n in range(2)]
    batch.append(unpriced("u3", started=minute + 1.0, bytes_in=100, duration_us=5, consumer="other"))
    batch.append(unpriced("u4", started=minute + 2.0, bytes_in=1_000, duration_us=7))
    found = {(row["minute"], row["consumer"]): row for row in rollup_rows(batch)}
    assert {key: (row["requests"], row["bytes_in"], row["duration_us"]) for key, row in found.items()} == {
        (minute, "ci"): (2, 1_000, 17),
        (minute + 60, "ci"): (1, 1, 10),
        (minute, "other"): (1, 100, 5),
    }


def test_what_no_database_takes_is_made_to_fit() -> None:
    row = record_row(fitted(record(end_user="a\0b", cost=1 << 90, bytes_in=-(1 << 90), tokens=(1, 2))))
    assert (row["end_user"], row["cost"], row["bytes_in"]) == ("a\ufffdb", 10**14, -(10**14))
    assert (row["input_uncached"], row["cache_read"], row["audio_out"]) == (1, 2, 0)


def test_what_rows_are_summed_by_fits_an_entry_of_an_index() -> None:
    long = "\N{SNOWMAN}" * 1_000
    row = record_row(fitted(record(team=long, consumer="a" * 256, end_user=long)))
    assert (row["team"], row["consumer"], row["end_user"]) == ("\N{SNOWMAN}" * 85, "a" * 256, long)
    [minute] = rollup_rows([unpriced("u", team=long)])
    assert minute["team"] == "\N{SNOWMAN}" * 85
