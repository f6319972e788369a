"""A second attempt beside a slow one: who wins, who is cancelled, and that nothing is left behind."""

import asyncio
import time

import msgspec
import pytest
from tests.builders import make_exchange, make_house

from triplegate.core.catalog import Target
from triplegate.core.clock import SystemClock
from triplegate.core.errors import Refusal
from triplegate.core.http import Frames, Reply
from triplegate.core.policy import Dispatch, HedgeRules
from triplegate.upstreams.attempts import attempts
from triplegate.upstreams.hedge import Hedging, Times
from triplegate.upstreams.retries import Spares
from triplegate.upstreams.supervisor import TaskSupervisor

A = Target("service", "a")
SOON = HedgeRules(after=0.01, budget=0.5)


class Told(Frames):
    """Frames that remember being closed."""

    def __init__(self):
        self.done, self.closed = False, 0

    async def __anext__(self):
        raise StopAsyncIteration

    def close(self):
        self.closed += 1


class Held:
    """A hold that remembers being given back."""

    released = 0

    def release(self):
        self.released += 1


class Upstream:
    """Each attempt does what its script says; `go` lets those that wait answer."""

    def __init__(self, *scripts):
        self.scripts = list(scripts)
        self.go = asyncio.Event()
        self.replies, self.cancelled, self.holds = {}, [], {}

    async def send(self, attempt):
        attempt.hold = self.holds[attempt.n] = Held()
        script = self.scripts[attempt.n - 1]
        try:
            if script == "waits":
                await self.go.wait()
                script = 200
        except asyncio.CancelledError:
            self.cancelled.append(attempt.n)
            raise
        if isinstance(script, Exception):
            raise script
        self.replies[attempt.n] = Reply(script, [], Told())
        return self.replies[attempt.n]


class Call:
    """One call through the engine with hedges."""

    def __init__(self, upstream, rules=SOON, *, supervisor=None, replayable=True, retries=0, targets=9):
        self.supervisor = supervisor or TaskSupervisor()
        self.spares = Spares(hedging=Hedging(self.supervisor, SystemClock.now))
        self.exchange = make_exchange(house=make_house(SystemClock()))
        self.reported = []
        dispatch = Dispatch(hedge=rules, retries=retries, back_off=(0.0, 0.0))

        def pick(tried):
            return (A, "retry" if tried else "first") if len(tried) < targets else None

        self.task = asyncio.ensure_future(
            attempts(
                self.exchange,
                dispatch,
                pick,
                upstream.send,
                replayable,
                spares_of=lambda _: self.spares,
                report=lambda attempt: self.reported.append((attempt.n, attempt.error_class)),
            )
        )

    async def reply(self):
        return await asyncio.wait_for(asyncio.shield(self.task), 5)

    def roles(self):
        return [(one.n, one.role, one.adopted) for one in self.exchange.attempts]

    async def nothing_left(self):
        for _ in range(5):
            await asyncio.sleep(0)
        assert self.supervisor.running == 0
        assert self.supervisor.failures == 0


async def test_a_fast_answer_is_sent_for_once():
    upstream = Upstream(200)
    call = Call(upstream, HedgeRules(after=5.0))
    assert (await call.reply()) is upstream.replies[1]
    assert call.roles() == [(1, "first", True)]
    await call.nothing_left()


async def test_the_second_attempt_wins_and_the_first_is_cancelled():
    upstream = Upstream("waits", 200)
    call = Call(upstream)
    assert (await call.reply()) is upstream.replies[2]
    await call.nothing_left()
    assert call.roles() == [(1, "first", False), (2, "hedge", True)]
    assert upstream.cancelled == [1]
    assert (upstream.holds[1].released, upstream.holds[2].released) == (1, 0)
    assert call.exchange.attempts[0].numbers.ended > 0
    assert (call.spares.hedging.hedged, call.spares.hedging.won) == (1, 1)


async def test_the_first_wins_after_all_and_the_second_is_cancelled():
    upstream = Upstream("waits", "waits")
    call = Call(upstream)
    while len(call.exchange.attempts) < 2:
        await asyncio.sleep(0.005)
    upstream.go.set()
    await call.reply()
    await call.nothing_left()
    won = [one for one in call.exchange.attempts if one.adopted]
    assert len(won) == 1
    for number, reply in upstream.replies.items():
        assert reply.frames.closed == (0 if number == won[0].n else 1)


@pytest.mark.parametrize("failure", [503, Refusal("upstream_reset")])
async def test_one_that_fails_leaves_it_to_the_other(failure):
    upstream = Upstream("waits", failure)
    call = Call(upstream)
    while not call.reported:
        await asyncio.sleep(0.005)
    upstream.go.set()
    assert (await call.reply()) is upstream.replies[1]
    assert [number for number, _ in call.reported] == [2, 1]
    assert upstream.holds[2].released >= 1
    await call.nothing_left()


async def test_when_both_fail_what_follows_is_a_plain_retry():
    upstream = Upstream("waits", 503, 200)
    upstream.scripts[0] = Refusal("upstream_reset")
    call = Call(upstream, HedgeRules(after=5.0), retries=1)
    upstream.scripts[1] = 200
    assert (await call.reply()).status == 200
    assert [role for _, role, _ in call.roles()] == ["first", "retry"]
    await call.nothing_left()


async def test_a_call_that_is_cancelled_takes_both_attempts_along():
    upstream = Upstream("waits", "waits")
    call = Call(upstream)
    while len(call.exchange.attempts) < 2:
        await asyncio.sleep(0.005)
    await asyncio.sleep(0)
    call.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call.task
    await call.nothing_left()
    assert sorted(upstream.cancelled) == [1, 2]
    assert [upstream.holds[n].released for n in (1, 2)] == [1, 1]


async def test_a_bug_in_an_attempt_is_raised_where_the_call_waits():
    upstream = Upstream(RuntimeError("bug"))
    call = Call(upstream)
    with pytest.raises(RuntimeError, match="bug"):
        await call.reply()
    await call.nothing_left()


async def test_without_room_for_tasks_it_is_sent_once():
    upstream = Upstream(200)
    call = Call(upstream, supervisor=TaskSupervisor(limit=0))
    assert (await call.reply()).status == 200
    assert call.roles() == [(1, "first", True)]


async def test_what_may_not_be_repeated_is_sent_once():
    upstream = Upstream("waits")
    call = Call(upstream, replayable=False)
    await asyncio.sleep(0.05)
    upstream.go.set()
    await call.reply()
    assert len(call.exchange.attempts) == 1


async def test_messages_both_ways_are_opened_once():
    upstream = Upstream("waits")
    call = Call(upstream)
    call.exchange.inbound = msgspec.structs.replace(call.exchange.inbound, protocol="websocket")
    await asyncio.sleep(0.05)
    upstream.go.set()
    await call.reply()
    assert len(call.exchange.attempts) == 1


async def test_where_no_other_target_is_left_it_waits_for_the_first():
    upstream = Upstream("waits")
    call = Call(upstream, targets=1)
    await asyncio.sleep(0.05)
    upstream.go.set()
    assert (await call.reply()).status == 200
    await call.nothing_left()


async def test_a_supervisor_that_ends_ends_the_call_too():
    upstream = Upstream("waits")
    call = Call(upstream, HedgeRules(after=60.0))
    await asyncio.sleep(0.01)
    await call.supervisor.close()
    with pytest.raises(Refusal, match="draining"):
        await call.reply()


async def test_hedges_are_a_share_of_the_calls():
    hedging = Hedging(TaskSupervisor(), SystemClock.now)
    spares = Spares(hedging=hedging)

    def pick(tried):
        return A, "retry" if tried else "first"

    sent = 0

    async def send(attempt):
        nonlocal sent
        sent += 1
        await asyncio.sleep(0.004 if attempt.role == "first" else 0)
        return Reply(200, [], Told())

    async def one():
        exchange = make_exchange(house=make_house(SystemClock()))
        rules = Dispatch(hedge=HedgeRules(after=0.0005, budget=0.05))
        await attempts(exchange, rules, pick, send, replayable=True, spares_of=lambda _: spares)

    for _ in range(20):
        await asyncio.gather(*[one() for _ in range(20)])
    assert hedging.hedged <= 0.05 * 400 + 1
    assert sent <= 400 + hedging.hedged
    assert hedging.budget.refused > 0


def test_the_usual_time_is_known_to_a_fifth_and_follows_what_happens():
    times = Times()
    assert times.within(0.95) is None
    for number in range(100):
        times.add(0.1 if number < 96 else 2.0)
    assert 0.1 <= times.within(0.95) <= 0.12
    for _ in range(5000):
        times.add(0.4)
    assert 0.4 <= times.within(0.95) <= 0.5
    for seconds in (0.0, 1e9):
        times.add(seconds)


def test_until_enough_is_known_nothing_is_hedged_and_never_sooner_than_the_least():
    hedging = Hedging(TaskSupervisor(), time.monotonic)
    assert hedging.wait(HedgeRules(after=0.3)) == 0.3
    assert hedging.wait(HedgeRules()) is None
    for _ in range(30):
        hedging.times.add(0.001)
    assert hedging.wait(HedgeRules(least=0.005)) == 0.005
    assert hedging.wait(HedgeRules(least=0.0)) < 0.005
