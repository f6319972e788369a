"""Redis hangs or dies while two nodes spend of one budget: none spends beyond its part, and the sums are even."""

import asyncio
import contextlib
import json
from collections import Counter

import pytest
from tests.chaos.calls import Call, Load, ask, cuts
from tests.journeys.running import House, eventually, journal, write
from tests.servers.postgres import PostgresServer
from tests.servers.redis import RedisServer

from triplegate.core.money import UNITS_PER_DOLLAR
from triplegate.samples.start import start_samples

CONFIGURATION = """
state: {{redis: {redis}}}
store: {store}
pepper: env:PEPPER
nodes: 2
node: {name}
services: {{orders: {{endpoints: ["http://127.0.0.1:{orders}"]}}}}
routes: {{orders: {{service: orders, match: {{path: /orders}}, price: 0.001, policies: [{{use: key_auth}}]}}}}
providers:
  scripted: {{base_url: "http://127.0.0.1:{llm}/v1", auth: null, models: {{scripted: {{input: 1, output: 2}}}}}}
models: {{plain: {{deployments: [{{provider: scripted, model: scripted}}]}}}}
llm: {{policies: [{{use: key_auth}}]}}
orgs:
  acme:
    teams:
      web: {{budget: {{money: 1, per: year}}, consumers: {{ci: {{}}}}}}
"""
pytestmark = [pytest.mark.long, pytest.mark.timeout(200)]
LIMIT = UNITS_PER_DOLLAR
ORDER = LIMIT // 1000
LEASE = LIMIT // 100
"""What both nodes together may spend of it while Redis is away."""


@pytest.fixture
def world(tmp_path):
    """Two nodes, their Redis, and the journal of what they call."""
    log = tmp_path / "journal.jsonl"
    redis, postgres = RedisServer("redis").start(), PostgresServer().start()
    try:
        with start_samples(journal=log) as samples, contextlib.ExitStack() as stack:
            houses = []
            for name in ("one", "two"):
                ports = {one: samples.ports[one] for one in ("orders", "llm")}
                text = CONFIGURATION.format(redis=redis.url, store=postgres.url, name=name, **ports)
                write(tmp_path / name, text)
                houses.append(stack.enter_context(House(tmp_path / name, PEPPER="the very same")))
            houses[0].admin("GET", "/config")
            houses[1].owner = houses[0].owner
            yield houses, redis, log, samples
    finally:
        postgres.stop()
        redis.stop()


def booked(house: House) -> int:
    """Units that the ledger has."""
    return round(float(house.usage("team")[("web",)]["cost"]) * UNITS_PER_DOLLAR)


def degraded(house: House) -> bool:
    return "redis" in {one["part"] for one in house.admin("GET", "/status").json()["degraded"]}


def even(houses: list[House]) -> bool:
    """Nothing is held, and the counter has what the ledger has."""
    ledger = [booked(house) for house in houses][-1]
    answer = houses[0].admin("GET", "/budgets")
    if answer.status_code != 200:
        return False
    (found,) = answer.json()
    return found["held"] == "0" and round(float(found["spent"]) * UNITS_PER_DOLLAR) == ledger


def streamed(house: House, key: str, latch: str) -> Call:
    """A stream that goes on when its latch is let go."""
    script = json.dumps({"script": {"tokens": 6, "latch": latch}})
    body = {"model": "plain", "stream": True, "max_tokens": 10, "messages": [{"role": "user", "content": script}]}
    return Call(house.port, "/v1/chat/completions", key=key, body=body)


async def let_go(samples, streams: range) -> None:
    for number in streams:
        answer = await ask(samples.ports["llm"], f"/control/latch/latch-{number}?release=100", body={})
        assert answer.status == 200, answer.text


async def outage(world, begin, end, seconds: float) -> None:
    houses = world[0]
    key = await asyncio.to_thread(houses[0].key)
    for house in houses:
        async with asyncio.timeout(10):
            while (await ask(house.port, "/orders/ord_1001", key=key)).status != 200:
                await asyncio.sleep(0.05)
    streams = [streamed(houses[n % 2], key, f"latch-{n}") for n in range(20)]
    async with cuts(streams):
        await through(world, begin, end, seconds, streams, key)


async def through(world, begin, end, seconds: float, streams: list[Call], key: str) -> None:
    """`streams` are under way when it begins; half of them end while it lasts, half of them after it."""
    houses, _, log, samples = world
    for stream in streams:
        await stream.begin()
        assert stream.status == 200
    at = len(asked(log))
    begin()
    async with contextlib.AsyncExitStack() as stack:
        loads = []
        for house in houses:
            make = lambda _, house=house: Call(house.port, "/orders/ord_1001", key=key)  # noqa: E731
            loads.append(await stack.enter_async_context(Load(5, make, pause=0.05)))
        await asyncio.to_thread(lambda: [eventually(lambda house=house: degraded(house), 10.0) for house in houses])
        await let_go(samples, range(10))
        await asyncio.gather(*(stream.finish() for stream in streams[:10]))
        await asyncio.sleep(seconds)
    passed = (len(asked(log)) - at) * ORDER
    seen = loads[0].seen + loads[1].seen
    assert set(seen) == {200, 429}, "nobody is told a 5xx"
    assert seen[200] * ORDER == passed
    # what was asked before they knew may have been answered, too: at most as many calls as there were clients
    assert passed <= LEASE + 10 * ORDER, "a node spends its part of the lease, and no more"
    assert seen[429], "the lease was spent"
    end()
    await asyncio.to_thread(lambda: [eventually(lambda house=house: not degraded(house), 10.0) for house in houses])
    await let_go(samples, range(10, 20))
    await asyncio.gather(*(stream.finish() for stream in streams[10:]))
    assert all(stream.complete and b"[DONE]" in stream.raw for stream in streams)
    await asyncio.to_thread(eventually, lambda: even(houses), 30.0, 0.2)
    await finished(houses, key, log, streams)


def asked(log) -> list[dict]:
    """Priced calls of the service."""
    return [line for line in journal(log) if line["event"] == "request" and line["sample"] == "orders"]


async def finished(houses: list[House], key: str, log, streams: list[Call]) -> None:
    """The rest is spent, by both at once: never more than the budget, and each call is charged once."""
    answers: Counter = Counter()

    async def client(house: House) -> None:
        refused = 0
        while refused < 3:
            status = (await ask(house.port, "/orders/ord_1001", key=key)).status
            answers[status] += 1
            refused = refused + 1 if status == 429 else 0
            if status == 503:
                await asyncio.sleep(0.2)

    await asyncio.gather(*(client(houses[n % 2]) for n in range(20)))
    assert set(answers) <= {200, 429, 503}, answers
    await asyncio.to_thread(eventually, lambda: even(houses), 30.0, 0.2)
    orders = asked(log)
    usage = {line["id"]: line["usage"] for line in journal(log) if line["event"] == "answered" and "usage" in line}
    worth = len(orders) * ORDER
    worth += sum(one["prompt_tokens"] * 10_000 + one["completion_tokens"] * 20_000 for one in usage.values())
    assert len(usage) == len(streams)
    assert await asyncio.to_thread(booked, houses[0]) == worth
    assert LIMIT - ORDER < worth <= LIMIT, "all of it was spent, and not a unit more"


async def test_a_redis_that_hangs_for_ten_seconds_lets_nobody_overspend(world):
    redis = world[1]
    await outage(world, redis.pause, redis.resume, 10.0)


async def test_a_redis_that_dies_and_comes_back_empty_lets_nobody_overspend(world):
    redis = world[1]
    await outage(world, redis.kill, redis.start, 5.0)
