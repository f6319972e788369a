"""Two hundred calls of ten cents at once against one dollar: ten pass, of every kind of call, whatever counts them."""

import asyncio
import contextlib
from collections import Counter

import pytest
from tests.chaos.calls import Call
from tests.gates.mcp.messages import modern
from tests.journeys.running import House, eventually, journal, write

from triplegate.samples.start import start_samples

CONFIGURATION = """
{settings}
services: {{orders: {{endpoints: ["http://127.0.0.1:{orders}"]}}}}
routes: {{dime: {{service: orders, match: {{path: /orders}}, price: 0.1, policies: [{{use: key_auth}}]}}}}
providers:
  scripted: {{base_url: "http://127.0.0.1:{llm}/v1", auth: null, models: {{scripted: {{call: 0.1}}}}}}
models: {{plain: {{deployments: [{{provider: scripted, model: scripted}}]}}}}
llm: {{policies: [{{use: key_auth}}]}}
servers: {{tools: {{url: "http://127.0.0.1:{mcp}/mcp", price: 0.1}}}}
orgs:
  acme:
    budget: {{money: 100, per: year}}
    teams:
      route: {{budget: {{money: 1, per: month}}, consumers: {{ci: {{}}}}}}
      whole: {{budget: {{money: 1, rolling: 1d}}, consumers: {{ci: {{}}}}}}
      stream: {{consumers: {{ci: {{budget: {{money: 1, per: year}}}}}}}}
      tool: {{budget: {{money: 1, per: week}}, consumers: {{ci: {{}}}}}}
"""
AT_ONCE = 200


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    log = tmp_path_factory.mktemp("samples") / "journal.jsonl"
    with start_samples(journal=log) as running:
        running.log = log
        yield running


@contextlib.contextmanager
def house(samples, folder, settings=""):
    ports = {name: samples.ports[name] for name in ("orders", "llm", "mcp")}
    write(folder, CONFIGURATION.format(settings=settings, **ports))
    with House(folder) as running:
        yield running


def make(kind, port, key):
    """One call of ten cents."""
    if kind == "route":
        return Call(port, "/orders/ord_1001", key=key)
    if kind == "tool":
        asked = modern("tools/call", {"name": "tools__echo", "arguments": {"text": "a"}})
        fields = {**asked["headers"], "accept": "application/json, text/event-stream"}
        return Call(port, "/mcp", key=key, body=asked["json"], host=f"127.0.0.1:{port}", **fields)
    messages = [{"role": "user", "content": '{"script": {"tokens": 5, "pace": 0.02}}'}]
    body = {"model": "plain", "stream": kind == "stream", "max_tokens": 10, "messages": messages}
    return Call(port, "/v1/chat/completions", key=key, body=body)


async def spend(house, log, kind):
    """All of it, at once; then what the upstream saw and the ledger says."""
    key = await asyncio.to_thread(house.key, kind)
    seen = len(journal(log))
    calls = [make(kind, house.port, key) for _ in range(AT_ONCE)]

    async def one(call):
        try:
            await call.begin()
            await call.finish()
        finally:
            call.cut()
        refused = kind == "tool" and '"error"' in call.text
        assert call.complete
        return 429 if refused else call.status

    answers = Counter(await asyncio.gather(*map(one, calls)))
    assert answers == {200: 10, 429: 190}, calls[0].text
    reached = [line for line in journal(log)[seen:] if line["event"] == "request" and line.get("id")]
    assert len({line["id"] for line in reached}) == 10, "nobody's call went out for nothing"
    used = await asyncio.to_thread(eventually, lambda: house.usage("team").get((kind,)))
    assert used["cost"] == "1"
    found = {one["budget"]: one for one in (await asyncio.to_thread(house.admin, "GET", "/budgets")).json()}
    mine = next(one for name, one in found.items() if f"acme/{kind}" in name)
    assert (mine["spent"], mine["held"], mine["remaining"]) == ("1", "0", "0")


KINDS = ("route", "whole", "stream", "tool")


async def test_counted_in_memory(samples, tmp_path):
    with house(samples, tmp_path) as running:
        for kind in KINDS[1:]:  # routes: see test_budgets
            await spend(running, samples.log, kind)


@pytest.mark.long
async def test_counted_in_redis(samples, tmp_path, redis_url):
    with house(samples, tmp_path, f"state: {{redis: {redis_url.removesuffix('/0')}/5}}") as running:
        for kind in KINDS:
            await spend(running, samples.log, kind)


@pytest.mark.long
async def test_counted_in_sqlite(samples, tmp_path):
    with house(samples, tmp_path, "state: sql") as running:
        for kind in KINDS:
            await spend(running, samples.log, kind)


@pytest.mark.long
async def test_counted_in_postgres(samples, tmp_path, fresh_postgres_url):
    with house(samples, tmp_path, f"state: sql\nstore: {fresh_postgres_url}") as running:
        for kind in KINDS:
            await spend(running, samples.log, kind)
