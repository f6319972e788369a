"""Windows of budgets on every adapter: the calendar's edges, rolling ones, clocks that go back, observed ones."""

import asyncio
from datetime import UTC, datetime
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.servers.states import State

from triplegate.core.admission import Claim, Limit, Taken
from triplegate.core.calendar import Calendar, Rolling

DAY = 86_400.0
_numbers = count()
examples = settings(
    max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
UNITS = st.sampled_from(["day", "week", "month", "quarter", "year"])


def money(quota: int, amount: int, window: Any, **more: Any) -> Claim:
    return Claim(f"window-{next(_numbers)}", Limit("money", "budget", "money", quota, window), amount, **more)


def again(claim: Claim, amount: int) -> Claim:
    return Claim(claim.bucket, claim.limit, amount, claim.mode, claim.last)


async def take(state: State, claim: Claim, ttl: float = 30.0) -> Taken:
    return await state.admission.take((claim,), ttl)


async def spend(state: State, claim: Claim) -> None:
    taken = await take(state, claim)
    assert taken.hold is not None
    taken.hold.settle({"money": claim.amount})


async def left(state: State, claim: Claim) -> int:
    (standing,) = await state.admission.peek((claim,))
    return standing.remaining


async def go_to(state: State, moment: str) -> None:
    await state.advance(datetime.fromisoformat(moment).replace(tzinfo=UTC).timestamp() - state.clock.wall())


@pytest.mark.parametrize(
    ("unit", "fiscal", "last", "first"),
    [
        ("day", 1, "2028-02-28T23:59:59", "2028-02-29T00:00:00"),
        ("week", 1, "2026-03-01T23:59:59", "2026-03-02T00:00:00"),
        ("month", 1, "2028-02-29T23:59:59", "2028-03-01T00:00:00"),
        ("month", 1, "2026-02-28T23:59:59", "2026-03-01T00:00:00"),
        ("month", 7, "2026-12-31T23:59:59", "2027-01-01T00:00:00"),
        ("quarter", 1, "2026-03-31T23:59:59", "2026-04-01T00:00:00"),
        ("quarter", 2, "2026-04-30T23:59:59", "2026-05-01T00:00:00"),
        ("year", 1, "2026-12-31T23:59:59", "2027-01-01T00:00:00"),
        ("year", 4, "2027-03-31T23:59:59", "2027-04-01T00:00:00"),
    ],
)
async def test_a_budget_is_new_with_the_first_second_of_its_window(
    state: State, unit: Any, fiscal: int, last: str, first: str
) -> None:
    claim = money(100, 100, Calendar(unit, fiscal))
    await go_to(state, last)
    await spend(state, claim)
    refused = await take(state, again(claim, 1))
    assert refused.retry_after == pytest.approx(1.0, abs=1e-3)
    await go_to(state, first)
    assert await left(state, claim) == 100
    await spend(state, claim)
    assert await left(state, claim) == 0


@examples
@given(
    unit=UNITS,
    fiscal=st.integers(1, 12),
    steps=st.lists(st.tuples(st.integers(0, 60), st.integers(0, 86_399), st.integers(1, 30)), min_size=1, max_size=12),
)
async def test_windows_are_those_of_the_calendar_however_time_goes_by(
    state: State, unit: Any, fiscal: int, steps: list[tuple[int, int, int]]
) -> None:
    window = Calendar(unit, fiscal)
    claim = money(1000, 1, window)
    spent: dict[int, int] = {}
    for days, seconds, amount in steps:
        await state.advance(days * DAY + seconds)
        number = window.number(state.clock.wall())
        await spend(state, again(claim, amount))
        spent[number] = spent.get(number, 0) + amount
        (standing,) = await state.admission.peek((claim,))
        assert standing.remaining == 1000 - spent[number]
        assert standing.reset == pytest.approx(window.left(state.clock.wall()), abs=0.01)


async def test_a_call_over_the_end_of_a_month_is_charged_to_the_month_that_let_it_in(state: State) -> None:
    claim = money(100, 80, Calendar("month"))
    await go_to(state, "2026-02-28T23:59:50")
    first = await take(state, claim)
    await state.advance(20.0)
    second = await take(state, claim)
    assert first.hold is not None
    assert second.hold is not None
    first.hold.settle({"money": 90})
    assert await left(state, claim) == 20
    second.hold.settle({"money": 70})
    assert await left(state, claim) == 30


async def test_a_clock_that_is_set_back_reopens_no_window(state: State) -> None:
    claim = money(100, 60, Calendar("month"))
    await go_to(state, "2026-03-02T00:00:00")
    await spend(state, claim)
    await state.advance(-5 * DAY)
    assert (await take(state, claim)).retry_after is not None
    assert await left(state, claim) == 40
    await state.advance(5 * DAY)
    assert await left(state, claim) == 40


async def test_a_rolling_window_forgets_slice_by_slice(state: State) -> None:
    claim = money(100, 60, Rolling(30 * DAY))
    await spend(state, claim)
    await state.advance(10 * DAY)
    await spend(state, again(claim, 40))
    refused = await take(state, again(claim, 50))
    assert refused.retry_after == pytest.approx(21 * DAY, abs=1.0), "when the slice with the 60 has gone"
    refused = await take(state, again(claim, 70))
    assert refused.retry_after == pytest.approx(31 * DAY, abs=1.0), "when the 40 are gone, too"
    await state.advance(20 * DAY)
    assert await left(state, claim) == 0, "after 30 days it may still count"
    await state.advance(DAY)
    assert await left(state, claim) == 60, "after 31 it does not"
    await state.advance(40 * DAY)
    assert await left(state, claim) == 100


@examples
@given(st.lists(st.tuples(st.integers(0, 20), st.integers(1, 20), st.booleans()), min_size=1, max_size=25))
async def test_a_rolling_window_never_lets_more_through_than_its_quota(
    state: State, steps: list[tuple[int, int, bool]]
) -> None:
    claim = money(50, 1, Rolling(100.0, 10))
    spent: list[tuple[float, int]] = []
    for seconds, amount, late in steps:
        await state.advance(seconds)
        taken = await take(state, again(claim, amount))
        if taken.hold is not None:
            admitted = state.clock.wall()
            if late:
                await state.advance(7.0)
            taken.hold.settle({"money": amount})
            spent.append((admitted, amount))
        now = state.clock.wall()
        within = sum(amount for when, amount in spent if when > now - 100.0)
        within_slice_more = sum(amount for when, amount in spent if when > now - 110.0 - 10.0)
        assert within <= 50
        assert 50 - within_slice_more <= await left(state, claim) <= 50 - within


async def test_a_hold_lives_on_over_the_edge_of_a_slice(state: State) -> None:
    claim = money(100, 60, Rolling(100.0, 10))
    taken = await take(state, claim)
    await state.advance(15.0)
    assert await left(state, claim) == 40
    assert taken.hold is not None
    assert await taken.hold.extend({"money": 90})
    assert await left(state, claim) == 10
    taken.hold.settle({"money": 30})
    assert await left(state, claim) == 70


async def test_what_an_observed_budget_would_refuse_is_counted_all_the_same(state: State) -> None:
    claim = money(100, 80, Calendar("day"), mode="observe")
    for denied in (False, True, True):
        taken = await take(state, claim)
        assert taken.retry_after is None
        assert taken.standings[0].denied is denied
        assert taken.hold is not None
        taken.hold.settle({"money": 80})
    assert await left(state, Claim(claim.bucket, Limit("money", "budget", "money", 1000, Calendar("day")))) == 760


async def test_the_last_call_may_want_more_than_is_left(state: State) -> None:
    claim = money(100, 70, Calendar("day"), last=True)
    first, second = await take(state, claim), await take(state, claim)
    assert second.retry_after is None
    assert await left(state, claim) == 0
    assert (await take(state, again(claim, 1))).retry_after is not None, "nothing is left: two are enough"
    assert second.hold is not None
    assert await second.hold.extend({"money": 150}), "who is let in is not cut off"
    second.hold.settle({"money": 20})
    assert await left(state, claim) == 10
    assert first.hold is not None
    first.hold.settle({"money": 70})
    assert await left(state, claim) == 10


async def test_two_hundred_calls_of_a_dime_at_once_spend_no_more_than_a_dollar(state: State) -> None:
    dollar, dime = 10_000_000_000, 1_000_000_000
    team, org = money(dollar, dime, Calendar("month")), money(50 * dollar, dime, Calendar("quarter", 4))
    clients = [state.admission, *[other.admission for other in state.others]]

    async def call(number: int) -> int:
        taken = await clients[number % len(clients)].take((team, org), 30.0)
        if taken.hold is None:
            return 0
        await asyncio.sleep(0)
        spent = dime if number % 3 else dime // 2
        taken.hold.settle({"money": spent})
        return spent

    spent = sum(await asyncio.gather(*[call(number) for number in range(200)]))
    async with asyncio.timeout(30):
        while (await state.admission.balances((team,)))[0].held:  # another client's settles may be on their way
            await asyncio.sleep(0.01)
    of_team, of_org = await state.admission.balances((team, org))
    assert dollar // 2 <= spent <= dollar
    assert (of_team.spent, of_org.spent, of_team.held, of_org.held) == (spent, spent, 0, 0)


# what the ledger says ---------------------------------------------------------------------------------------
async def test_a_balance_is_what_was_spent_and_what_is_held_whatever_the_quota(state: State) -> None:
    claim, other = money(100, 60, Calendar("month")), money(9_000_000_000_000_000, 7, Calendar("day"))
    first = await take(state, claim)
    assert first.hold is not None
    first.hold.settle({"money": 250})
    await take(state, other)
    of_claim, of_other = await state.admission.balances((claim, other))
    assert (of_claim.spent, of_claim.held) == (250, 0)
    assert (of_other.spent, of_other.held) == (0, 7)
    assert of_claim.period == Calendar("month").number(state.clock.wall())


async def test_a_correction_counts_in_the_window_it_names_and_nowhere_else(state: State) -> None:
    claim = money(100, 60, Calendar("month"))
    now = Calendar("month").number(state.clock.wall())
    await state.admission.correct(claim, now, 30)
    assert await left(state, claim) == 70
    await state.admission.correct(claim, now - 1, 30)
    assert await left(state, claim) == 70
    await state.admission.correct(claim, now, -20)
    assert await left(state, claim) == 90
    await state.admission.correct(claim, now, -500)
    assert (await state.admission.balances((claim,)))[0].spent == 0


async def test_of_two_who_mend_the_same_one_does(state: State) -> None:
    claim = money(100, 60, Calendar("month"))
    now = Calendar("month").number(state.clock.wall())
    await spend(state, claim)
    for _ in range(2):
        await state.admission.correct(claim, now, 25, 60)
    assert await left(state, claim) == 15


async def test_a_rolling_window_is_put_together_slice_by_slice(state: State) -> None:
    window = Rolling(30 * DAY)
    claim = money(100, 1, window)
    now = window.at(state.clock.wall())[0]
    for slices_ago, amount in ((31, 50), (30, 20), (3, 30)):
        await state.admission.correct(claim, now - slices_ago, amount)
    assert await left(state, claim) == 50, "what is out of the window by now counts no more"
    await state.advance(DAY)
    assert await left(state, claim) == 70
