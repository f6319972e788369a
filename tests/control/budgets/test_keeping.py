"""Counters are what the ledger says: after a start, after a loss, after too much; calls under way disturb nothing."""

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.control.budgets.test_reading import DAY, Call, Calls, budget

from triplegate.control.budgets.keeping import SURE, Keeping
from triplegate.control.budgets.reading import read
from triplegate.core.admission import Claim
from triplegate.core.calendar import Calendar, Rolling
from triplegate.core.clock import SetClock
from triplegate.core.errors import Refusal
from triplegate.stores.memory.admission import MemoryAdmission

MONTH = Calendar("month")


class Counting:
    """A clock, counters, a ledger, and what keeps them to each other."""

    def __init__(self, *calls: Call, window: Any = MONTH, gates: bool = True, **more: Any) -> None:
        self.clock = SetClock(wall=1_767_225_600.0 + 40 * DAY)
        self.store, self.ledger = MemoryAdmission(self.clock), Calls(*calls)
        self.budgets = {"web": budget("web", "team", window)}
        own = self.store if gates else None
        self.keeping = Keeping(self.store, self.ledger, lambda: self.budgets, self.clock, gates=own, **more)
        self.keeping.renew()

    def claim(self, amount: int = 1) -> Claim:
        allowance = self.budgets["web"].allowance
        return Claim(allowance.bucket("acme/web"), allowance.limit, amount)

    async def take(self, amount: int) -> Any:
        return (await self.store.take((self.claim(amount),), 120.0)).hold

    async def spent(self) -> int:
        (balance,) = await self.store.balances((self.claim(),))
        return balance.spent

    def book(self, cost: int) -> None:
        """A call that has ended is in the ledger."""
        self.ledger.calls.append(Call(self.clock.wall(), cost))


async def test_until_the_ledger_was_read_nothing_passes_and_then_it_is_what_it_was() -> None:
    house = Counting(Call(1_767_225_600.0 + 35 * DAY, 900))
    with pytest.raises(Refusal) as closed:
        await house.take(1)
    assert (closed.value.code, closed.value.retry_after) == ("policy_unavailable", 1.0)
    assert house.keeping.closed
    await house.keeping.look()
    assert not house.keeping.closed
    assert await house.spent() == 900
    assert await house.take(101) is None
    assert await house.take(100) is not None


async def test_a_rolling_window_is_remembered_by_its_slices() -> None:
    now = 1_767_225_600.0 + 40 * DAY
    house = Counting(Call(now - 29 * DAY, 600), Call(now - DAY, 300), window=Rolling(30 * DAY))
    await house.keeping.look()
    assert await house.spent() == 900
    house.clock.advance(3 * DAY)
    assert await house.spent() == 300


async def test_a_budget_that_is_new_is_closed_until_it_was_read_and_the_others_are_not() -> None:
    house = Counting(Call(1_767_225_600.0 + 35 * DAY, 900))
    await house.keeping.look()
    house.budgets["day"] = budget("day", "team", Calendar("day"))
    house.keeping.renew()
    fresh = Claim("day|acme/web|day", house.budgets["day"].allowance.limit)
    with pytest.raises(Refusal, match="policy_unavailable"):
        await house.store.take((fresh,), 1.0)
    assert await house.take(1) is not None
    await house.keeping.look()
    assert (await house.store.take((fresh,), 1.0)).retry_after is None
    assert await house.spent() == 900, "what was known is not added twice"


async def test_what_a_counter_lost_is_added_at_once() -> None:
    house = Counting()
    await house.keeping.look()
    house.book(70)
    await house.keeping.look()
    assert (await house.spent(), house.keeping.repaired) == (70, 1)
    assert [drift.amount for drift in house.keeping.drift.values()] == [-70], "told as it was found"
    await house.keeping.look()
    assert house.keeping.drift == {}


async def test_a_counter_that_says_more_is_believed_for_a_while() -> None:
    house = Counting()
    await house.keeping.look()
    (await house.take(100)).settle({"money": 100})
    house.book(100)
    await house.keeping.look()
    await house.store.correct(house.claim(), MONTH.number(house.clock.wall()), 30)
    for _ in range(SURE - 1):
        await house.keeping.look()
        assert await house.spent() == 130
        assert [drift.amount for drift in house.keeping.drift.values()] == [30]
    await house.keeping.look()
    assert await house.spent() == 100


async def test_a_call_that_has_ended_and_is_not_booked_yet_is_no_drift() -> None:
    house = Counting()
    await house.keeping.look()
    for round_ in range(3 * SURE):
        (await house.take(10)).settle({"money": 10})
        if round_ % 2:
            house.book(10)
            house.book(10)
        await house.keeping.look()
        assert await house.spent() == 10 * (round_ + 1)
    assert house.keeping.repaired == 0


async def test_while_the_ledger_is_known_to_be_behind_nothing_is_taken_off() -> None:
    house = Counting(behind=lambda: True)
    await house.keeping.look()
    (await house.take(10)).settle({"money": 10})
    house.book(1)
    for _ in range(3 * SURE):
        await house.keeping.look()
    assert await house.spent() == 10


async def test_a_part_of_a_call_that_still_runs_is_not_added() -> None:
    house = Counting()
    await house.keeping.look()
    hold = await house.take(100)
    house.book(60)
    await house.keeping.look()
    assert (await house.spent(), house.keeping.repaired) == (0, 0)
    hold.settle({"money": 100})
    house.book(40)
    await house.keeping.look()
    assert await house.spent() == 100


async def test_only_whose_turn_it_is_compares_but_each_reads_at_its_start() -> None:
    async def mine() -> bool:
        return False

    house = Counting(Call(1_767_225_600.0 + 35 * DAY, 900), mine=mine)
    await house.keeping.look()
    house.book(70)
    await house.keeping.look()
    assert await house.spent() == 900


async def test_shared_counters_are_compared_at_the_start_and_never_closed() -> None:
    house = Counting(Call(1_767_225_600.0 + 35 * DAY, 900), gates=False)
    assert await house.take(1) is not None
    await house.keeping.look()
    assert await house.spent() == 899, "all but what is held for a call under way"


async def test_what_the_ledger_takes_back_the_counter_gives_back() -> None:
    house = Counting(Call(1_767_225_600.0 + 40 * DAY, 50))
    await house.keeping.look()
    house.ledger.calls.clear()
    for _ in range(SURE):
        await house.keeping.look()
    assert await house.spent() == 0


async def test_it_goes_on_after_a_failure_and_says_why() -> None:
    house = Counting()
    told: list[int] = []

    async def ledger(*_: Any) -> Any:
        raise OSError("the database is away")

    async def seen(spent: Any) -> None:
        told.append(len(spent))

    house.keeping._ledger, house.keeping._seen = ledger, seen
    running = asyncio.ensure_future(house.keeping.run(0.02))
    async with asyncio.timeout(5):
        while "away" not in house.keeping.failure:
            await asyncio.sleep(0.005)
        house.keeping._ledger = house.ledger
        house.keeping.ask()
        while not told:
            await asyncio.sleep(0.005)
    assert not house.keeping.failure
    running.cancel()


STEPS = st.lists(
    st.tuples(st.sampled_from(["take", "settle", "release", "lose", "day", "hour", "look"]), st.integers(0, 60)),
    max_size=40,
)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(STEPS)
async def test_whatever_is_lost_in_whatever_order_counters_come_to_what_the_ledger_says(
    steps: list[tuple[str, int]],
) -> None:
    house = Counting()
    await house.keeping.look()
    under_way: list[tuple[Any, float]] = []
    for action, amount in steps:
        if action == "take":
            hold = await house.take(amount)
            if hold is not None:
                under_way.append((hold, house.clock.wall()))
        elif action == "day":
            house.clock.advance(DAY * (amount % 12))
        elif action == "hour":
            house.clock.advance(60.0 * amount)
        elif action == "look":
            await house.keeping.look()
        elif under_way:
            hold, admitted = under_way.pop(amount % len(under_way))
            if action == "release":
                hold.release()
            else:  # its record stands in the window of its admission; the settle may be lost on its way
                house.ledger.calls.append(Call(admitted, amount))
                if action == "settle":
                    hold.settle({"money": amount})
    house.clock.advance(121.0)  # what was lost holds nothing any more
    for _ in range(SURE + 1):
        await house.keeping.look()
    begin = MONTH.at(house.clock.wall())[1]
    assert await house.spent() == sum(call.cost for call in house.ledger.calls if call.at >= begin)
    house.keeping.drift.clear()
    await house.keeping.look()
    assert house.keeping.drift == {}


async def test_a_store_that_lost_everything_is_filled_whoevers_turn_it_is_and_then_believed() -> None:
    doubt = [True]

    async def mine() -> bool:
        return False

    house = Counting(
        Call(1_767_225_600.0 + 35 * DAY, 900),
        gates=False,
        mine=mine,
        doubtful=lambda: doubt[0],
        sure=lambda: doubt.__setitem__(0, False),
    )
    await house.take(60)  # of a call that is being refused
    await house.keeping.look()
    assert (await house.spent(), doubt) == (900, [False])
    house.book(50)
    await house.keeping.look()
    assert await house.spent() == 900


# many budgets over each other -------------------------------------------------------------------------------
class Hierarchy(Counting):
    """An org, its teams, their consumers and keys, each with budgets in windows of their own."""

    def __init__(self, fiscal: int) -> None:
        super().__init__()
        self.budgets = {
            one.allowance.label: one
            for one in (
                budget("org:acme", "org", Calendar("quarter", fiscal), {"org": "acme"}),
                budget("team:acme/web", "team", Calendar("month"), {"org": "acme", "team": "web"}),
                budget("team:acme/ops", "team", Rolling(30 * DAY), {"org": "acme", "team": "ops"}),
                budget("each", "consumer", Calendar("week"), {"gate": "llm"}),
                budget("keys", "key", Calendar("day"), {"plan": "free"}),
                budget("models", "model", Calendar("year", fiscal)),
            )
        }

    def holders(self, team: str, consumer: str) -> dict[str, str]:
        names = {"org:acme": "acme", f"team:acme/{team}": f"acme/{team}", "each": f"acme/{team}/{consumer}"}
        return {**names, "keys": f"key-{consumer}", "models": "m"}

    async def admit(self, team: str, consumer: str, amount: int) -> Any:
        claims = []
        for label, holder in self.holders(team, consumer).items():
            allowance = self.budgets[label].allowance
            claims.append(Claim(allowance.bucket(holder), allowance.limit, amount))
        return (await self.store.take(tuple(claims), 120.0)).hold


AMOUNTS = st.integers(0, 90)
WHO = st.tuples(st.sampled_from(["web", "ops"]), st.sampled_from(["ci", "cd"]))


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    fiscal=st.integers(1, 12),
    steps=st.lists(
        st.tuples(
            st.sampled_from(["take", "take", "settle", "release", "lose", "day", "look"]), WHO, st.integers(0, 90)
        ),
        max_size=40,
    ),
)
async def test_every_level_counts_what_the_ledger_says_of_it(
    fiscal: int, steps: list[tuple[str, tuple[str, str], int]]
) -> None:
    house = Hierarchy(fiscal)
    house.keeping.renew()
    await house.keeping.look()
    under_way: list[tuple[Any, float, tuple[str, str]]] = []
    for action, who, amount in steps:
        if action == "take":
            hold = await house.admit(*who, amount)
            if hold is not None:
                under_way.append((hold, house.clock.wall(), who))
        elif action == "day":
            house.clock.advance(DAY * (amount % 40))
        elif action == "look":
            await house.keeping.look()
        elif under_way:
            hold, admitted, (team, consumer) = under_way.pop(amount % len(under_way))
            if action == "release":
                hold.release()
                continue
            house.ledger.calls.append(Call(admitted, amount, team=team, consumer=consumer, key=f"key-{consumer}"))
            if action == "settle":
                hold.settle({"money": amount})
    house.clock.advance(121.0)
    for _ in range(SURE + 1):
        await house.keeping.look()
    said = await read(house.budgets.values(), house.ledger, house.clock.wall())
    for bucket in said.values():
        (balance,) = await house.store.balances((Claim(bucket.name, bucket.budget.allowance.limit),))
        assert (balance.spent, balance.held) == (bucket.spent, 0), bucket.name
