"""Two nodes spend of one budget: through Redis, through PostgreSQL alone, and while Redis is away."""

import asyncio
import contextlib
import time
from collections import Counter

import httpx
import pytest
from tests.chaos.calls import ask
from tests.hostile.raw import Recorder
from tests.journeys.running import House, eventually, write
from tests.servers.postgres import PostgresServer
from tests.servers.redis import RedisServer

pytestmark = [pytest.mark.long, pytest.mark.timeout(120)]

CONFIGURATION = """
state: {state}
store: {store}
pepper: env:PEPPER
nodes: 2
node: {name}
services: {{echo: {{endpoints: ["http://127.0.0.1:{echo}"]}}}}
routes: {{dime: {{service: echo, match: {{path: /dime}}, price: 0.1, policies: [{{use: key_auth}}]}}}}
orgs:
  acme:
    budget: {{money: 100, per: year}}
    teams:
      web: {{budget: {{money: 1, per: month}}, consumers: {{ci: {{}}}}}}
      ops: {{budget: {{money: 5, per: month}}, consumers: {{ci: {{}}}}}}
"""


@contextlib.contextmanager
def nodes(tmp_path, state, store):
    with contextlib.closing(Recorder()) as echo, contextlib.ExitStack() as stack:
        made = []
        for name in ("one", "two"):
            folder = tmp_path / name
            write(folder, CONFIGURATION.format(state=state, store=store, name=name, echo=echo.port))
            made.append(stack.enter_context(House(folder, PEPPER="the very same")))
        one, two = made
        one.admin("GET", "/config")
        two.owner = one.owner
        yield one, two


def call(house, key):
    try:
        return httpx.get(
            house.url + "/dime", headers={"authorization": f"Bearer {key}"}, timeout=30, trust_env=False
        ).status_code
    except httpx.HTTPError as error:
        return type(error).__name__


def load(houses, key, count):
    """So many calls at once, shared out to the houses; statuses."""

    async def all_of_them():
        calls = [ask(houses[number % len(houses)].port, "/dime", key=key) for number in range(count)]
        return Counter(one.status for one in await asyncio.gather(*calls))

    return asyncio.run(all_of_them())


def budgets(house):
    return {one["budget"]: one for one in house.admin("GET", "/budgets").json()}


def settled(house):
    """The budgets of a node, once nothing is held."""
    found = budgets(house)
    return found if found["org:acme"]["held"] == "0" else None


@pytest.mark.parametrize("kind", ["redis", "sql"])
def test_two_hundred_calls_over_two_nodes_spend_a_dollar_and_no_more(tmp_path, kind):
    redis = RedisServer("redis").start() if kind == "redis" else None
    postgres = PostgresServer().start()
    try:
        state = "sql" if redis is None else f"{{redis: {redis.url}}}"
        with nodes(tmp_path, state, postgres.url) as (one, two):
            key = one.key("web")
            eventually(lambda: call(two, key) == 200)
            answers = load((one, two), key, 200)
            assert answers == {200: 9, 429: 191}
            for house in (one, two):
                found = eventually(
                    lambda house=house: said if (said := budgets(house))["org:acme"]["held"] == "0" else None
                )
                assert (found["team:acme/web"]["spent"], found["org:acme"]["spent"]) == ("1", "1")
            assert eventually(lambda: one.usage("team")[("web",)]["cost"] == "1")
            granted = {"amount": "0.3", "until": "2999-01-01T00:00:00Z", "reason": "launch"}
            path = f"/budgets/{found['team:acme/web']['id']}/raise"
            assert one.admin("POST", path, json=granted).status_code == 422
            until = found["team:acme/web"]["end"]
            assert one.admin("POST", path, json={**granted, "until": until}).status_code == 201
            assert eventually(lambda: call(two, key) == 200), "the other node knows of it"
            assert load((one, two), key, 20) == {200: 2, 429: 18}
    finally:
        postgres.stop()
        if redis is not None:
            redis.stop()


def test_without_redis_budgets_are_closed_beyond_a_hundredth_and_right_when_it_is_back(tmp_path):
    redis, postgres = RedisServer("redis").start(), PostgresServer().start()
    try:
        with nodes(tmp_path, f"{{redis: {redis.url}}}", postgres.url) as (one, two):
            key = one.key("ops")
            eventually(lambda: call(two, key) == 200)
            redis.kill()
            answers = load((one, two), key, 40)
            assert set(answers) == {429}, "a dime is more than a node's part of five cents"
            parts = {part["part"] for part in one.admin("GET", "/status").json()["degraded"]}
            assert "redis" in parts
            redis.start()  # it comes back empty: what was spent is read from the ledger
            passed, until = 0, time.monotonic() + 30.0
            while time.monotonic() < until:
                answers = load((one, two), key, 40)
                assert set(answers) <= {200, 429, 503}, "503: until the ledger was asked"
                passed += answers[200]
                if answers[429] == 40 and passed:
                    break
            assert passed == 49, "what was spent before is known, though Redis has forgotten it"
    finally:
        postgres.stop()
        redis.stop()
