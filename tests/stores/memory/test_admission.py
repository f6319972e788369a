"""Admission in this process: bounded, whatever comes, and nothing that still counts is lost."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triplegate.core.admission import Claim, Hold, Limit, Taken
from triplegate.core.calendar import Calendar, Rolling
from triplegate.core.clock import SetClock
from triplegate.core.errors import Refusal
from triplegate.stores.memory.admission import MemoryAdmission


def claim(bucket: str, quota: int = 10) -> Claim:
    return Claim(bucket, Limit("calls", "rate", "requests", quota, 60.0))


async def test_a_million_subjects_do_not_grow_memory_without_bound() -> None:
    admission = MemoryAdmission(SetClock(), max_buckets=100)
    for n in range(5_000):
        assert (await admission.take((claim(f"subject-{n}"),), 30.0)).retry_after is None
    assert admission.buckets == 100
    assert admission.evicted == 4_900


async def test_full_buckets_are_swept_while_new_ones_come() -> None:
    clock = SetClock()
    admission = MemoryAdmission(clock)
    for n in range(20_000):
        clock.advance(0.01)
        await admission.take((claim(f"subject-{n}"),), 30.0)
    assert admission.buckets < 2_000, "a bucket is full again after 6 s, 600 newer subjects later"
    assert admission.evicted == 0


async def test_a_bucket_with_open_holds_is_not_forgotten() -> None:
    clock = SetClock()
    admission = MemoryAdmission(clock)
    tokens = Claim("t", Limit("tokens", "rate", "total", 100, 1.0), 100)
    taken = await admission.take((tokens,), 30.0)
    clock.advance(2.0)
    for n in range(1_000):
        await admission.take((claim(f"subject-{n}"),), 30.0)
    again = await admission.take((tokens,), 30.0)
    assert again.retry_after is None
    assert taken.hold is not None
    taken.hold.settle({"total": 0})
    (standing,) = await admission.peek((tokens,))
    assert standing.remaining == 0, "what leaked out is not given back, even after a sweep"


async def test_another_stores_arrival_time_is_taken_over_once() -> None:
    clock = SetClock()
    admission = MemoryAdmission(clock)
    admission.arrive(claim("a"), clock.now() + 54.0)
    assert (await admission.take((claim("a"),), 30.0)).standings[0].remaining == 0
    admission.arrive(claim("a"), clock.now())
    assert (await admission.take((claim("a"),), 30.0)).retry_after is not None


@pytest.mark.parametrize("window", [1.0, 60.0, 3600.0])
@pytest.mark.parametrize("share", [0.1, 0.7, 1.0])
@pytest.mark.parametrize("tokens", [1, 37, 400])
async def test_a_steady_load_of_tokens_below_the_limit_is_never_refused(
    tokens: int, share: float, window: float
) -> None:
    """95 % of the limit for twenty windows; what is set aside is at least what is used, and is settled late."""
    clock = SetClock()
    store = MemoryAdmission(clock)
    claim = Claim("b", Limit("t", "rate", "total", 10_000, window), tokens)
    used = max(1, int(tokens * share))
    pause = used * window / 10_000 / 0.95
    open_holds: list[Hold] = []
    for _ in range(min(3000, int(20 * window / pause))):
        taken = await store.take((claim,), 7200.0)
        assert taken.retry_after is None
        assert taken.hold is not None
        open_holds.append(taken.hold)
        if len(open_holds) > 3:
            open_holds.pop(0).settle({"total": used})
        clock.advance(pause)


async def test_what_cannot_be_counted_is_refused_though_its_bucket_is_there() -> None:
    admission = MemoryAdmission(SetClock())
    assert (await admission.take((claim("a"), claim("b")), 30.0)).retry_after is None
    odd = Claim("a", Limit("calls", "rate", "requests", 10, 0.0))
    for claims in ((odd, claim("b")), (odd,)):
        with pytest.raises(Refusal, match="cannot be counted"):
            await admission.take(claims, 30.0)
    first, second = await admission.peek((claim("a"), claim("b")))
    assert first.remaining == second.remaining == 9


LIMITS = (
    Limit("calls", "rate", "requests", 7, 60.0),
    Limit("tokens", "rate", "total", 100, 60.0, 40),
    Limit("none", "rate", "total", 0, 60.0),
    Limit("month", "budget", "money", 300, Calendar("month")),
    Limit("days", "budget", "money", 200, Rolling(86_400.0, 24)),
    Limit("at once", "concurrent", "requests", 3, 0.0),
)
CLAIMS = st.builds(
    Claim,
    st.sampled_from(["a", "b"]),
    st.sampled_from(LIMITS),
    st.integers(-1, 60),
    st.sampled_from(["enforce", "enforce", "enforce", "observe"]),
    st.booleans(),
)
STEPS = st.lists(
    st.tuples(st.lists(CLAIMS, min_size=1, max_size=4), st.integers(0, 90), st.integers(0, 60), st.booleans()),
    max_size=25,
)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(STEPS)
def test_what_plainly_fits_is_taken_in_one_step_as_if_it_were_asked_first(
    steps: list[tuple[list[Claim], int, int, bool]],
) -> None:
    clock = SetClock()
    quick, careful = MemoryAdmission(clock), MemoryAdmission(clock)
    holds: list[tuple[Taken, Taken]] = []
    for claims, seconds, used, ended in steps:
        told = tuple(claims)
        one = quick.take_now(told, 30.0)
        other = careful._take_one_by_one(told, clock.now(), clock.wall(), 30.0, keep=False)
        assert one.retry_after == pytest.approx(other.retry_after)
        assert (one.hold is None) == (other.hold is None)
        assert [(s.claim, s.remaining, s.denied) for s in one.standings] == [
            (s.claim, s.remaining, s.denied) for s in other.standings
        ]
        assert [s.reset for s in one.standings] == pytest.approx([s.reset for s in other.standings], abs=1e-5)
        holds.append((one, other))
        clock.advance(seconds)
        if ended and holds:
            for taken in holds.pop(0):
                if taken.hold is not None:
                    taken.hold.settle({"total": used, "money": used, "requests": 1})


async def test_two_claims_of_one_bucket_are_told_as_both_leave_it() -> None:
    admission = MemoryAdmission(SetClock())
    money = Claim("m", LIMITS[3], 50)
    await admission.take((money,), 30.0)
    taken = await admission.take((money, money), 30.0)
    assert [standing.remaining for standing in taken.standings] == [150, 150]
