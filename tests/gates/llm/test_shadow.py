"""Copies of calls to another model: the caller never waits for them, pays for them or hears of them."""

import asyncio
import contextlib

import pytest
from tests.gates.built import always, answer, built
from tests.gates.llm.calls import COUNT, DONE, OK, STOP, WORD, chat, failed, stream
from tests.hostile.scripted import Upstream

from triplegate.core.clock import SystemClock
from triplegate.gates.llm.shadow import Spent

CHAT = "/v1/chat/completions"
TEXT = """
providers:
  p: {{base_url: "{main}/v1", auth: null, models: {{x: {{input: 1, output: 2}}}}}}
  s: {{base_url: "{copy}/v1", auth: null, models: {{x: {{input: 100, output: 200}}}}}}
models:
  m: {{deployments: [{{provider: p, model: x}}], owner: ops, shadow: {{model: next, {shadow}}}}}
  next: {{deployments: [{{provider: s, model: {next}}}]}}
llm: {{policies: [{{use: key_auth}}]}}
"""
DOLLAR = "cost: 1"


class Shifted(SystemClock):
    """The real time, or another hour."""

    by = 0.0

    def wall(self):
        return 1_800_000_000.0 + self.by


async def until(true):
    async with asyncio.timeout(4):
        while not true():
            await asyncio.sleep(0.005)


class Case:
    def __init__(self, made, main, copy):
        self.made, self.main, self.copy = made, main, copy
        self.spent = made.kit.state(Spent, "shadow:m", Spent)

    async def call(self, **more):
        return await self.made.serve("POST", CHAT, body=chat(**more))

    async def ended(self, **counts):
        await until(lambda: dict(self.spent.counts) == counts and not self.spent.running)

    def finals(self):
        return [record for record in self.made.records if record.kind == "final"]


@pytest.fixture
def case(tmp_path):
    @contextlib.asynccontextmanager
    async def make(answer=OK, shadow=DOLLAR, vendor="x", own=OK, clock=None):
        async with Upstream(always(own)) as main, Upstream(always(answer)) as copy:
            text = TEXT.format(main=main.url, copy=copy.url, shadow=shadow, next=vendor)
            async with built(tmp_path, text, clock=clock) as made:
                yield Case(made, main, copy)

    return make


async def test_a_copy_has_a_record_of_its_own_that_the_owner_pays(case):
    async with case() as one:
        exchange, wire = await one.call()
        assert (wire.status, wire.field(b"x-triplegate-deployment")) == (200, b"p/x")
        await one.ended(sent=1)
        own, copy = sorted(one.finals(), key=lambda record: record.parent)
        assert one.copy.talks[0].received.endswith(chat("x"))
        assert b"authorization" not in bytes(one.copy.talks[0].received).lower()
    assert (own.exchange, own.team, own.cost, own.route) == (exchange.id, "web", 200_000, "m")
    assert (copy.parent, copy.team, copy.consumer, copy.route) == (exchange.id, "ops", "anonymous", "next")
    assert (copy.cost, copy.outcome, [one.role for one in copy.attempts]) == (20_000_000, "ok", ["mirror"])


async def test_a_streamed_call_is_copied_streamed_and_read_to_its_end(case):
    words = stream(WORD, STOP, COUNT, DONE)
    async with case(answer=words, own=words) as one:
        _, wire = await one.call(stream=True)
        assert wire.content.endswith(DONE)
        await one.ended(sent=1)
        (copy,) = [record for record in one.finals() if record.parent]
    assert (copy.streamed, copy.usage_source, copy.cost) == (True, "provider", 20_000_000)


@pytest.mark.parametrize("answer", [failed(b"500 No"), failed(b"429 No"), answer(b"no JSON")])
async def test_a_copy_that_fails_changes_nothing(case, answer):
    async with case(answer=answer) as one:
        _, wire = await one.call()
        assert (wire.status, wire.field(b"x-triplegate-deployment")) == (200, b"p/x")
        await one.ended(failed=1)
        (copy,) = [record for record in one.finals() if record.parent]
        assert (copy.outcome, copy.cost) == ("failed", 0)


async def test_copies_stop_at_their_bound_and_go_on_in_the_next_hour(case):
    clock = Shifted()
    async with case(shadow="cost: 0.003, per: hour", clock=clock) as one:
        for _ in range(2):
            await one.call(max_tokens=5)
            await until(lambda: not one.spent.running)
        assert dict(one.spent.counts) == {"sent": 1, "capped": 1}
        assert one.spent.units == 20_000_000
        clock.by = 3600.0
        await one.call(max_tokens=5)
        await one.ended(sent=2, capped=1)


@pytest.mark.parametrize(
    ("more", "body", "outcome"),
    [
        ({"vendor": "unlisted"}, {}, "unpriced"),
        ({}, {"store": True}, "unfit"),
    ],
)
async def test_what_is_not_copied_is_counted(case, more, body, outcome):
    async with case(**more) as one:
        _, wire = await one.call(**body)
        assert (wire.status, dict(one.spent.counts), one.copy.talks) == (200, {outcome: 1}, [])


async def test_there_is_room_for_so_many_at_once(case):
    async with case(shadow="cost: 1, concurrency: 1") as one:
        one.spent.running = 1
        await one.call()
        assert dict(one.spent.counts) == {"dropped": 1}
        one.spent.running = 0


async def test_a_share_of_the_calls_is_copied(case):
    async with case(shadow="cost: 1, percent: 50, concurrency: 100") as one:
        for _ in range(60):
            await one.call()
        await until(lambda: not one.spent.running)
        assert 10 < one.spent.counts["sent"] < 50


def test_a_window_that_is_over_is_not_told_of():
    spent = Spent()
    assert (spent.take(1, 100, 60), spent.take(1, 100, 60)) == (True, False)
    spent.settle(1, 60, 10)
    assert spent.units == 10
    assert spent.take(2, 100, 80)
    spent.settle(1, 60, 500)
    assert spent.units == 80
