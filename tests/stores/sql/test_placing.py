"""Which row tells what of a record with several attempts."""

import msgspec
from tests.stores.ledger_records import ATTEMPT, record

from triplegate.core.record import AttemptRecord
from triplegate.stores.sql.placing import Place, apart_of, place_of

NONE = (0,) * 9


def tried(n: int, provider: str, cost: int, *, adopted: bool = False, tokens: tuple[int, ...] = NONE) -> AttemptRecord:
    return msgspec.structs.replace(
        ATTEMPT, n=n, provider=provider, target=f"smart/{provider}", cost=cost, adopted=adopted, tokens=tokens
    )


def test_a_record_without_attempts_stands_where_it_says() -> None:
    given = record(attempts=(), provider="openai", target="smart/openai", cost=7)
    assert place_of(given) == Place("openai", "smart/openai", 0, 0, 0, 0)
    assert place_of(msgspec.structs.replace(given, outcome="gone")).wasted == 7


def test_a_single_answer_is_told_by_its_record() -> None:
    assert place_of(record()) == Place("openai", "smart/openai", 1, 0, 0, 0)
    assert apart_of(record()) == ()


def test_attempts_before_the_answer_are_told_apart_and_wasted_there() -> None:
    first, answer = tried(1, "azure", 40, tokens=(4, *NONE[1:])), tried(2, "openai", 60, adopted=True)
    given = record(attempts=(first, answer), cost=103, own_cost=3)
    assert apart_of(given) == (first,)
    assert place_of(given) == Place("openai", "smart/openai", 1, 1, 40, 0)


def test_a_failed_exchange_wasted_all_that_its_row_tells() -> None:
    given = record(attempts=(tried(1, "azure", 40), tried(2, "openai", 60)), cost=100, outcome="failed", tokens=NONE)
    assert place_of(given) == Place("openai", "smart/openai", 1, 1, 40, 60)


def test_where_the_client_got_nothing_of_what_was_paid_each_attempt_is_told_apart() -> None:
    tries = (tried(1, "azure", 40, tokens=(4, *NONE[1:])), tried(2, "openai", 60, tokens=(6, *NONE[1:])))
    given = record(attempts=tries, cost=100, outcome="failed", tokens=NONE)
    assert apart_of(given) == tries
    assert place_of(given) == Place("openai", "smart/openai", 0, 2, 100, 0)


def test_an_attempt_that_was_never_adopted_is_wasted_though_the_exchange_is_not_lost() -> None:
    given = record(attempts=(tried(1, "openai", 60),), cost=60, outcome="unknown", tokens=NONE)
    assert place_of(given) == Place("openai", "smart/openai", 1, 0, 0, 60)


def test_a_correction_is_no_further_try() -> None:
    given = record(kind="correction", attempts=(tried(1, "openai", -5, adopted=True),), cost=-5, tokens=NONE)
    assert place_of(given) == Place("openai", "smart/openai", 0, 0, 0, 0)
