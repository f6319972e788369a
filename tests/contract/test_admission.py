"""Admission: the same answers from memory, Redis and Valkey, checked against the formulas in exact arithmetic."""

import asyncio
import math
from fractions import Fraction
from itertools import count

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.servers.states import State

from triplegate.core.admission import Claim, Limit, Standing, Taken
from triplegate.core.errors import Refusal

TTL = 30.0
_numbers = count()
examples = settings(
    max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def fresh(name: str = "bucket") -> str:
    return f"{name}-{next(_numbers)}"


def rate(
    quota: int, window: float = 60.0, *, burst: int = 0, amount: int = 1, bucket: str = "", dimension: str = "requests"
) -> Claim:
    limit = Limit("per-consumer", "rate", dimension, quota, window, burst)  # type: ignore[arg-type]
    return Claim(bucket or fresh(), limit, amount)


def budget(quota: int, amount: int, *, window: float = 3600.0, bucket: str = "") -> Claim:
    return Claim(bucket or fresh(), Limit("money", "budget", "money", quota, window), amount)


def places(quota: int, *, bucket: str = "") -> Claim:
    return Claim(bucket or fresh(), Limit("at-once", "concurrent", "requests", quota, 0.0))


def observed(claim: Claim) -> Claim:
    return Claim(claim.bucket, claim.limit, claim.amount, "observe")


def again(claim: Claim, amount: int) -> Claim:
    return Claim(claim.bucket, claim.limit, amount, claim.mode)


async def look(state: State, claim: Claim) -> Standing:
    (standing,) = await state.admission.peek((claim,))
    return standing


async def take(state: State, *claims: Claim, ttl: float = TTL) -> Taken:
    return await state.admission.take(claims, ttl)


class Oracle:
    """GCRA written down from the formulas, in fractions of a microsecond."""

    def __init__(self, limit: Limit) -> None:
        self.per_unit = Fraction(round(limit.window * 1e6), limit.quota)
        self.depth = self.per_unit * limit.burst if limit.burst else Fraction(round(limit.window * 1e6))
        self.tat = Fraction(0)

    def take(self, amount: int, now: Fraction) -> Fraction:
        """0 when taken, else microseconds to wait."""
        tat = max(now, self.tat)
        new = tat + amount * self.per_unit
        if amount * self.per_unit > self.depth:
            if tat > now:
                return tat - now
        elif new - now > self.depth:
            return new - now - self.depth
        self.charge(amount, now)
        return Fraction(0)

    def charge(self, amount: int, now: Fraction) -> None:
        """Nothing reaches further than a day beyond the bucket."""
        self.tat = min(max(now, self.tat) + amount * self.per_unit, now + self.depth + 86_400_000_000)

    def remaining(self, now: Fraction) -> int:
        """Whole units; asked for two microseconds earlier or later it allows for rounding."""
        return max(0, math.floor((self.depth - max(Fraction(0), self.tat - now)) / self.per_unit))


@examples
@given(
    quota=st.integers(1, 1000),
    window=st.sampled_from([1.0, 10.0, 60.0, 3600.0]),
    burst=st.integers(0, 50),
    steps=st.lists(st.tuples(st.integers(0, 3000), st.integers(1, 60)), max_size=40),
)
async def test_every_decision_equals_the_formulas(
    state: State, quota: int, window: float, burst: int, steps: list[tuple[int, int]]
) -> None:
    claim = rate(quota, window, burst=burst)
    oracle = Oracle(claim.limit)
    now = Fraction(10**9)
    for milliseconds, amount in steps:
        await state.advance(milliseconds / 1000)
        now += milliseconds * 1000
        taken = await take(state, again(claim, amount))
        wait = oracle.take(amount, now)
        if taken.retry_after is None:
            assert wait <= 2, f"admitted {wait} µs too early"
            if wait:
                oracle.charge(amount, now)
        else:
            assert taken.retry_after == pytest.approx(float(wait) / 1e6, abs=5e-6)
        assert oracle.remaining(now - 2) <= taken.standings[0].remaining <= oracle.remaining(now + 2)


@examples
@given(
    quota=st.integers(1, 200),
    window=st.sampled_from([1.0, 60.0]),
    steps=st.lists(st.tuples(st.integers(0, 5000), st.integers(1, 20)), min_size=1, max_size=40),
)
async def test_never_more_passes_than_burst_plus_rate_times_time(
    state: State, quota: int, window: float, steps: list[tuple[int, int]]
) -> None:
    claim = rate(quota, window)
    elapsed, passed = 0.0, 0
    for milliseconds, hits in steps:
        await state.advance(milliseconds / 1000)
        elapsed += milliseconds / 1000
        for _ in range(hits):
            passed += (await take(state, claim)).retry_after is None
        assert passed <= quota + quota * elapsed / window + 1


async def test_claims_are_taken_all_or_none(state: State) -> None:
    minute, day, tokens = rate(10), rate(1, 86_400.0), rate(1000, amount=100, dimension="total")
    assert (await take(state, minute, day, tokens)).retry_after is None
    refused = await take(state, minute, day, tokens)
    assert refused.retry_after == pytest.approx(86_400.0, abs=0.01)
    assert refused.hold is None
    assert [standing.denied for standing in refused.standings] == [False, True, False]
    assert (await look(state, minute)).remaining == 9
    assert (await look(state, tokens)).remaining == 900


async def test_every_violated_limit_is_named_and_the_longest_wait_counts(state: State) -> None:
    short, long = rate(1, 10.0), rate(1, 100.0)
    await take(state, short, long)
    refused = await take(state, short, long)
    assert [standing.denied for standing in refused.standings] == [True, True]
    assert refused.retry_after == pytest.approx(100.0, abs=0.01)


async def test_two_claims_on_one_bucket_count_together(state: State) -> None:
    claim = rate(3, amount=2)
    assert (await take(state, claim, claim)).retry_after is not None
    assert (await look(state, claim)).remaining == 3
    money = budget(3, 2)
    assert (await take(state, money, money)).retry_after is not None
    assert (await look(state, money)).remaining == 3


async def test_retry_after_is_true_to_the_millisecond(state: State) -> None:
    claim = rate(7, 60.0)
    for _ in range(7):
        await take(state, claim)
    refused = await take(state, claim)
    assert refused.retry_after is not None
    await state.advance(refused.retry_after - 0.001)
    assert (await take(state, claim)).retry_after is not None
    await state.advance(0.0011)
    assert (await take(state, claim)).retry_after is None


async def test_reset_says_when_there_is_one_more(state: State) -> None:
    claim = rate(10, 60.0)
    assert (await look(state, claim)).reset == 0
    await take(state, claim)
    standing = await look(state, claim)
    assert (standing.remaining, standing.reset) == (9, pytest.approx(6.0, abs=1e-3))
    await state.advance(4.0)
    assert (await look(state, claim)).reset == pytest.approx(2.0, abs=1e-3)
    await state.advance(2.001)
    assert (await look(state, claim)).remaining == 10


async def test_blocked_calls_do_not_extend_the_block(state: State) -> None:
    claim = rate(10, 10.0)
    passed = 0
    for _ in range(300):  # ten times the rate for 30 s
        await state.advance(0.1)
        passed += (await take(state, claim)).retry_after is None
    assert 39 <= passed <= 40


async def test_a_steady_load_below_the_rate_is_never_refused(state: State) -> None:
    claim = rate(100, 10.0, burst=2)
    for _ in range(300):
        await state.advance(0.106)
        assert (await take(state, claim)).retry_after is None


async def test_more_than_the_bucket_passes_only_when_it_is_full(state: State) -> None:
    claim = rate(100, 60.0, amount=250, dimension="total")
    assert (await take(state, claim)).retry_after is None
    refused = await take(state, claim)
    assert refused.retry_after == pytest.approx(150.0, abs=0.01)
    assert (await take(state, again(claim, 1))).retry_after == pytest.approx(90.6, abs=0.01)
    await state.advance(150.0)
    assert (await take(state, claim)).retry_after is None


async def test_observed_claims_are_counted_but_never_deny(state: State) -> None:
    watched = observed(rate(2))
    for left in (1, 0):
        taken = await take(state, watched)
        assert (taken.standings[0].remaining, taken.standings[0].denied) == (left, False)
    taken = await take(state, watched)
    assert taken.retry_after is None
    assert taken.standings[0].denied, "would have been denied, and says so"


async def test_a_refused_call_takes_nothing_of_observed_claims(state: State) -> None:
    watched, full = observed(rate(5)), rate(1)
    await take(state, full)
    refused = await take(state, watched, full)
    assert [standing.denied for standing in refused.standings] == [False, True]
    assert (await look(state, watched)).remaining == 5


async def test_peek_takes_nothing(state: State) -> None:
    claims = (rate(3), budget(5, 1), places(2))
    for _ in range(20):
        standings = await state.admission.peek(claims)
    assert [standing.remaining for standing in standings] == [3, 5, 2]


async def test_two_hundred_calls_at_once_never_pass_a_burst_together(state: State) -> None:
    claim = rate(100, 3600.0)
    clients = [state.admission, *[other.admission for other in state.others]]
    answers = await asyncio.gather(*[clients[n % len(clients)].take((claim,), TTL) for n in range(200)])
    assert sum(answer.retry_after is None for answer in answers) == 100


async def test_five_hundred_reservations_on_room_for_ten_pass_ten_times(state: State) -> None:
    claim = budget(100, 10)
    clients = [state.admission, *[other.admission for other in state.others]]
    answers = await asyncio.gather(*[clients[n % len(clients)].take((claim,), TTL) for n in range(500)])
    assert sum(answer.retry_after is None for answer in answers) == 10


# --- settling ---


@examples
@given(
    steps=st.lists(
        st.tuples(
            st.integers(0, 9000) | st.sampled_from([10_000, 30_000]),
            st.integers(1, 100),
            st.floats(0, 1),
            st.integers(0, 6),
        ),
        min_size=2,
        max_size=30,
    )
)
@example([(10_000, 80, 0.0, 2), (30_000, 50, 0.0, 3), (10_000, 80, 0.5, 3), (30_000, 30, 0.5, 4)])  # needs the sum S
async def test_a_settled_balance_never_exceeds_one_that_knew_the_usage_before(
    state: State, steps: list[tuple[int, int, float, int]]
) -> None:
    claim = rate(100, 60.0, dimension="total")
    oracle = Oracle(claim.limit)
    now = Fraction(10**9)
    open_calls: list[tuple[int, Taken, int]] = []
    for at, (milliseconds, estimate, share, delay) in enumerate(steps):
        await state.advance(milliseconds / 1000)
        now += milliseconds * 1000
        for due in [call for call in open_calls if call[0] <= at]:
            open_calls.remove(due)
            assert due[1].hold is not None
            due[1].hold.settle({"total": due[2]})
        taken = await take(state, again(claim, estimate), ttl=600.0)
        if taken.retry_after is None:
            actual = int(estimate * share)
            oracle.tat = max(now, oracle.tat) + actual * oracle.per_unit
            open_calls.append((at + delay, taken, actual))
        assert (await look(state, claim)).remaining <= oracle.remaining(now + 2)
    for _, taken, actual in open_calls:
        assert taken.hold is not None
        taken.hold.settle({"total": actual})
    assert (await look(state, claim)).remaining <= oracle.remaining(now + 2)


async def test_settling_less_gives_back_and_settling_more_is_a_debt(state: State) -> None:
    claim = rate(100, 60.0, amount=60, dimension="total")
    first = await take(state, claim)
    assert first.hold is not None
    first.hold.settle({"total": 10})
    assert (await look(state, claim)).remaining == 90
    second = await take(state, claim)
    assert second.hold is not None
    second.hold.settle({"total": 190})
    assert (await look(state, claim)).remaining == 0
    refused = await take(state, again(claim, 1))
    assert refused.retry_after == pytest.approx(101 * 0.6, abs=0.01)


async def test_what_was_larger_than_can_be_charged_is_still_charged_for_what_it_used(state: State) -> None:
    claim = rate(10, 86_400.0, amount=500, dimension="total")
    taken = await take(state, claim)
    assert taken.hold is not None
    taken.hold.settle({"total": 15})
    refused = await take(state, again(claim, 1))
    assert refused.retry_after == pytest.approx(6 * 8640, abs=0.1)


async def test_a_refund_never_returns_what_has_leaked_out(state: State) -> None:
    claim = rate(100, 60.0, amount=100, dimension="total")
    first = await take(state, claim, ttl=300.0)
    await state.advance(30.0)
    assert first.hold is not None
    second = await take(state, again(claim, 50))
    assert second.retry_after is None
    first.hold.settle({"total": 0})
    assert (await look(state, claim)).remaining == 50


async def test_released_units_come_back_and_request_rates_need_no_hold(state: State) -> None:
    tokens, calls, money, place = rate(100, amount=40, dimension="total"), rate(5), budget(50, 20), places(2)
    taken = await take(state, tokens, calls, money, place)
    assert taken.hold is not None
    taken.hold.release()
    standings = await state.admission.peek((tokens, calls, money, place))
    assert [standing.remaining for standing in standings] == [100, 5, 50, 2]
    assert (await take(state, calls)).hold is None


async def test_a_hold_ends_once_whatever_is_called_how_often(state: State) -> None:
    tokens, money = rate(100, amount=40, dimension="total"), budget(100, 40)
    taken = await take(state, tokens, money)
    assert taken.hold is not None
    taken.hold.settle({"total": 30, "money": 30})
    taken.hold.settle({"total": 0, "money": 90})
    taken.hold.release()
    assert await taken.hold.extend({"money": 50}) is False
    assert [s.remaining for s in await state.admission.peek((tokens, money))] == [70, 70]


@pytest.mark.parametrize("usage", [-5, None, 2.5, float("nan"), "7", 2**80, True])
async def test_absurd_usage_never_corrupts_a_bucket(state: State, usage: object) -> None:
    tokens, money = rate(100, amount=10, dimension="total"), budget(100, 10)
    taken = await take(state, tokens, money)
    assert taken.hold is not None
    taken.hold.settle({"total": usage, "money": usage})  # type: ignore[dict-item]
    for standing in await state.admission.peek((tokens, money)):
        assert 0 <= standing.remaining <= 100
    await state.advance(86_400 + 61)
    assert (await look(state, tokens)).remaining == 100, "no debt lasts longer than a day and a window"


async def test_amounts_below_zero_take_nothing(state: State) -> None:
    tokens, money = rate(100, amount=-40, dimension="total"), budget(100, -40)
    assert (await take(state, tokens, money)).retry_after is None
    assert [s.remaining for s in await state.admission.peek((tokens, money))] == [100, 100]


# --- budgets and places ---


async def test_spent_plus_held_stays_within_the_budget(state: State) -> None:
    claim = budget(100, 60)
    first = await take(state, claim)
    refused = await take(state, claim)
    assert refused.standings[0].denied
    assert refused.retry_after == pytest.approx(TTL, abs=0.01), "the first hold may free itself by then"
    assert first.hold is not None
    first.hold.settle({"money": 60})
    refused = await take(state, claim)
    assert refused.retry_after == pytest.approx(3600.0, abs=0.01), "spent for this window"
    assert refused.standings[0].remaining == 40


async def test_a_hold_that_nobody_ends_frees_itself(state: State) -> None:
    money, place = budget(100, 100), places(1)
    await take(state, money, place, ttl=5.0)
    assert (await take(state, money, place, ttl=5.0)).retry_after is not None
    await state.advance(5.001)
    assert [s.remaining for s in await state.admission.peek((money, place))] == [100, 1]
    assert (await take(state, money, place, ttl=5.0)).retry_after is None


async def test_a_late_settle_is_spent_once(state: State) -> None:
    claim = budget(100, 40)
    taken = await take(state, claim, ttl=5.0)
    await state.advance(6.0)
    assert (await look(state, claim)).remaining == 100
    assert taken.hold is not None
    taken.hold.settle({"money": 30})
    taken.hold.settle({"money": 30})
    assert (await look(state, claim)).remaining == 70


async def test_a_heartbeat_keeps_a_hold_alive(state: State) -> None:
    money, place = budget(100, 40), places(1)
    taken = await take(state, money, place, ttl=5.0)
    assert taken.hold is not None
    for _ in range(4):
        await state.advance(3.0)
        assert await taken.hold.extend({})
    assert [s.remaining for s in await state.admission.peek((money, place))] == [60, 0]


async def test_a_hold_is_topped_up_all_or_none(state: State) -> None:
    tokens, money = rate(100, amount=10, dimension="total"), budget(100, 10)
    taken = await take(state, tokens, money)
    assert taken.hold is not None
    assert await taken.hold.extend({"total": 30, "money": 40})
    assert [s.remaining for s in await state.admission.peek((tokens, money))] == [70, 60]
    assert await taken.hold.extend({"total": 60, "money": 400}) is False
    assert [s.remaining for s in await state.admission.peek((tokens, money))] == [70, 60]
    taken.hold.settle({"total": 25, "money": 25})
    assert [s.remaining for s in await state.admission.peek((tokens, money))] == [75, 75]


async def test_an_expired_hold_is_extended_only_if_it_fits_again(state: State) -> None:
    claim = budget(100, 60)
    first = await take(state, claim, ttl=5.0)
    await state.advance(6.0)
    await take(state, claim)
    assert first.hold is not None
    assert await first.hold.extend({}) is False
    assert (await look(state, claim)).remaining == 40


async def test_a_call_over_the_edge_of_a_window_is_charged_to_the_first(state: State) -> None:
    claim = budget(100, 80, window=60.0)
    taken = await take(state, claim)
    await state.advance(60.0)
    assert (await look(state, claim)).remaining == 100
    assert taken.hold is not None
    taken.hold.settle({"money": 80})
    assert (await look(state, claim)).remaining == 100


@examples
@given(st.lists(st.tuples(st.sampled_from("tsrxa"), st.integers(0, 60), st.integers(0, 9)), max_size=40))
async def test_a_budget_is_never_overdrawn_by_any_interleaving(state: State, steps: list[tuple[str, int, int]]) -> None:
    claim = budget(100, 1)
    spent = 0
    open_calls: list[tuple[Taken, int]] = []
    for action, amount, which in steps:
        if action == "t":
            taken = await take(state, again(claim, amount))
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
            elif await taken.hold.extend({"money": held + amount}):
                open_calls.append((taken, held + amount))
            else:
                open_calls.append((taken, held))
        remaining = (await look(state, claim)).remaining
        assert 0 <= remaining <= 100 - spent
        assert spent <= 100


async def test_places_are_given_back_by_settling(state: State) -> None:
    claim = places(2)
    first, second = await take(state, claim), await take(state, claim)
    refused = await take(state, claim)
    assert refused.standings[0].denied
    assert refused.retry_after is not None
    assert 0 < refused.retry_after <= 1.0
    assert first.hold is not None
    assert second.hold is not None
    first.hold.settle({})
    assert (await take(state, claim)).retry_after is None
    assert (await take(state, claim)).retry_after is not None


async def test_large_money_is_counted_to_the_unit(state: State) -> None:
    claim = budget(9_000_000_000_000_000, 1)
    taken = await take(state, again(claim, 8_999_999_999_999_999))
    assert (await take(state, claim)).retry_after is None
    assert (await take(state, claim)).retry_after is not None
    assert taken.hold is not None
    taken.hold.settle({"money": 8_999_999_999_999_998})
    assert (await look(state, claim)).remaining == 1


async def test_a_bucket_whose_name_is_made_up_never_touches_another(state: State) -> None:
    await take(state, budget(100, 40, bucket="x"), places(5, bucket="x"))
    for name in ("x:z", "x:a", "x:d", "x:az", "az:x", "b:x", "{x}", "}:a:b:x", "x\0", "ü\n\r", "x " * 500):
        taken = await take(state, budget(100, 40, bucket=name), places(5, bucket=name), rate(5, bucket=f"{name}r"))
        assert taken.retry_after is None
        assert not taken.degraded
        assert taken.hold is not None
        taken.hold.settle({"money": 30})
        assert (await look(state, budget(100, 1, bucket=name))).remaining == 70
    assert (await look(state, budget(100, 1, bucket="x"))).remaining == 60


async def test_what_nobody_counts_is_refused_by_name(state: State) -> None:
    await take(state, budget(100, 1, bucket="x"), rate(100, bucket="x"))
    for limit in (
        Limit("monthly-money", "budget", "money", 100, "month"),  # type: ignore[arg-type]
        Limit("monthly-money", "budget", "money", 100, 0.0),
        Limit("monthly-money", "rate", "total", 100, -1.0),
        Limit("monthly-money", "rate", "total", 100, float("inf")),
        Limit("monthly-money", "budget", "money", 100, float("nan")),
    ):
        with pytest.raises(Refusal) as refused:
            await take(state, Claim("x", limit))
        assert refused.value.code == "policy_unavailable"
        assert refused.value.policy == "monthly-money"
        assert "monthly-money" in refused.value.detail


async def test_a_limit_of_nothing_lets_nothing_pass(state: State) -> None:
    for claim in (rate(0), budget(0, 1), places(0)):
        refused = await take(state, claim)
        assert refused.retry_after is not None
        assert refused.standings[0].remaining == 0


async def test_a_changed_limit_keeps_what_was_used(state: State) -> None:
    claim = rate(10, 60.0)
    for _ in range(5):
        await take(state, claim)
    tighter = Claim(claim.bucket, Limit("per-consumer", "rate", "requests", 5, 60.0))
    assert (await take(state, tighter)).standings[0].remaining == 1
