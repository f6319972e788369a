"""The same answers from budgets in a database, on SQLite and PostgreSQL, by several clients of it at once."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.contract import test_admission as common
from tests.contract import test_admission_windows as windows
from tests.servers.states import State, memory_state
from tests.stores.sql.databases import KINDS, opened, url_of

from triplegate.core.admission import Taken
from triplegate.stores.sql import admission as sql_admission
from triplegate.stores.sql.admission import SqlAdmission
from triplegate.stores.sql.engine import Database
from triplegate.upstreams.supervisor import TaskSupervisor

COMMON = (
    "claims_are_taken_all_or_none",
    "every_violated_limit_is_named_and_the_longest_wait_counts",
    "two_claims_on_one_bucket_count_together",
    "observed_claims_are_counted_but_never_deny",
    "a_refused_call_takes_nothing_of_observed_claims",
    "peek_takes_nothing",
    "released_units_come_back_and_request_rates_need_no_hold",
    "a_hold_ends_once_whatever_is_called_how_often",
    "amounts_below_zero_take_nothing",
    "spent_plus_held_stays_within_the_budget",
    "a_hold_that_nobody_ends_frees_itself",
    "a_late_settle_is_spent_once",
    "a_heartbeat_keeps_a_hold_alive",
    "a_hold_is_topped_up_all_or_none",
    "an_expired_hold_is_extended_only_if_it_fits_again",
    "a_call_over_the_edge_of_a_window_is_charged_to_the_first",
    "large_money_is_counted_to_the_unit",
    "what_nobody_counts_is_refused_by_name",
    "a_limit_of_nothing_lets_nothing_pass",
)
WINDOWS = (
    "a_call_over_the_end_of_a_month_is_charged_to_the_month_that_let_it_in",
    "a_clock_that_is_set_back_reopens_no_window",
    "a_rolling_window_forgets_slice_by_slice",
    "a_hold_lives_on_over_the_edge_of_a_slice",
    "what_an_observed_budget_would_refuse_is_counted_all_the_same",
    "the_last_call_may_want_more_than_is_left",
    "a_balance_is_what_was_spent_and_what_is_held_whatever_the_quota",
    "a_correction_counts_in_the_window_it_names_and_nowhere_else",
    "a_rolling_window_is_put_together_slice_by_slice",
    "of_two_who_mend_the_same_one_does",
    "two_hundred_calls_of_a_dime_at_once_spend_no_more_than_a_dollar",
)


class Place:
    """A fresh database of one kind; whoever asks gets two clients of it, and a clock to turn."""

    def __init__(self, kind: str, database: Database) -> None:
        self.kind, self.database, self.supervisor = kind, database, TaskSupervisor()

    def state(self) -> State:
        made = memory_state()
        clients = [SqlAdmission(self.database, made.clock, self.supervisor, wall=made.clock.wall) for _ in range(2)]
        made.kind, made.admission = self.kind, clients[0]
        made.others = [SimpleNamespace(admission=clients[1])]  # type: ignore[list-item]
        return made


@pytest.fixture(params=KINDS)
async def place(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Place]:
    monkeypatch.setattr(sql_admission, "PATIENCE", 60.0)  # the suite tests meaning, not speed
    async with opened(await url_of(request.param, request, tmp_path)) as database:
        made = Place(request.param, database)
        yield made
        await made.supervisor.close()


@pytest.fixture
def state(place: Place) -> State:
    return place.state()


@pytest.mark.timeout(60)
async def test_what_holds_for_all_adapters_holds_here(place: Place) -> None:
    for module, names in ((common, COMMON), (windows, WINDOWS)):
        for name in names:
            try:
                await getattr(module, f"test_{name}")(place.state())
            except BaseException as error:
                error.add_note(f"in test_{name}")
                raise


@pytest.mark.timeout(60)
async def test_a_budget_is_new_with_its_window(place: Place) -> None:
    for unit, fiscal, last, first in (
        ("month", 1, "2028-02-29T23:59:59", "2028-03-01T00:00:00"),
        ("quarter", 2, "2026-04-30T23:59:59", "2026-05-01T00:00:00"),
        ("year", 4, "2027-03-31T23:59:59", "2027-04-01T00:00:00"),
    ):
        await windows.test_a_budget_is_new_with_the_first_second_of_its_window(place.state(), unit, fiscal, last, first)


@pytest.mark.timeout(60)
async def test_sixty_reservations_at_once_on_room_for_ten_pass_ten_times(state: State) -> None:
    claim = common.budget(100, 10)
    clients = [state.admission, *[other.admission for other in state.others]]
    answers = await asyncio.gather(*[clients[n % 2].take((claim,), common.TTL) for n in range(60)])
    assert sum(answer.retry_after is None for answer in answers) == 10
    for answer in answers:
        if answer.hold is not None:
            answer.hold.settle({"money": 7})
    for client in clients:
        await client.flush()  # type: ignore[attr-defined]
    assert (await common.look(state, claim)).remaining == 30


@pytest.mark.timeout(60)
@settings(max_examples=8, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from("tsrxa"), st.integers(0, 60), st.integers(0, 9)), max_size=15))
async def test_a_budget_is_never_overdrawn_by_any_interleaving(state: State, steps: list[tuple[str, int, int]]) -> None:
    claim = common.budget(100, 1)
    spent, open_calls = 0, list[tuple[Taken, int]]()
    for action, amount, which in steps:
        if action == "t":
            taken = await common.take(state, common.again(claim, amount))
            if taken.retry_after is None:
                open_calls.append((taken, amount))
        elif action == "a":
            await state.advance(amount / 10)
        elif open_calls:
            taken, held = open_calls.pop(which % len(open_calls))
            assert taken.hold is not None
            if action == "s":
                taken.hold.settle({"money": min(amount, held)})
                spent += min(amount, held)
            elif action == "r":
                taken.hold.release()
            else:
                more = held + amount if await taken.hold.extend({"money": held + amount}) else held
                open_calls.append((taken, more))
        assert 0 <= (await common.look(state, claim)).remaining <= 100 - spent
        assert spent <= 100


async def test_time_is_the_databases_own(postgres_url: str) -> None:
    database = Database(postgres_url)
    try:
        made = memory_state()  # a clock far from now
        admission = SqlAdmission(database, made.clock, TaskSupervisor())
        async with database.reading() as connection:
            assert abs(await admission._time(connection) - made.clock.wall()) > 3600
    finally:
        await database.close()
