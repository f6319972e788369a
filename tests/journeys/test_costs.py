"""What known calls cost by their price, as everybody sees it: holders of keys, the admin API, the page, files."""

import csv
import io
import re
from decimal import Decimal

import httpx
import pytest
from tests.journeys.running import House, write

from triplegate.samples.start import start_samples

CONFIGURATION = """
providers:
  scripted:
    base_url: http://127.0.0.1:{llm}/v1
    auth: null
    models: {{scripted: {{input: 1.5, output: 2.25, cache_read: 0.125}}}}
models:
  plain: {{deployments: [{{provider: scripted, model: scripted}}]}}
llm: {{policies: [{{use: key_auth}}]}}
services: {{orders: {{endpoints: ["http://127.0.0.1:{orders}"]}}}}
routes:
  paid: {{service: orders, match: {{path: /orders}}, price: 0.0003, policies: [{{use: key_auth}}]}}
orgs:
  acme:
    teams:
      web: {{budget: {{money: 50, per: month}}, consumers: {{ci: {{budget: {{money: 7, per: month}}}}, shop: {{}}}}}}
      ops: {{consumers: {{bot: {{}}}}}}
"""
CALLS = {("web", "ci"): (3, 2), ("web", "shop"): (1, 0), ("ops", "bot"): (2, 5)}
"""(team, consumer) → model calls, API calls."""


@pytest.fixture(scope="module")
def used(tmp_path_factory):
    """A house that has served those calls: its keys, and what one model call used."""
    folder = tmp_path_factory.mktemp("costs")
    samples = start_samples()
    try:
        write(folder, CONFIGURATION.format(**samples.ports))
        with House(folder) as house:
            keys, usages = {}, []
            for (team, consumer), (chats, orders) in CALLS.items():
                key = keys[team, consumer] = house.key(team, consumer)
                with httpx.Client(base_url=house.url, headers={"authorization": f"Bearer {key}"}) as client:
                    body = {"model": "plain", "messages": [{"role": "user", "content": "hello"}]}
                    usages += [client.post("/v1/chat/completions", json=body).json()["usage"] for _ in range(chats)]
                    assert all(client.get("/orders").status_code == 200 for _ in range(orders))
            assert all(one == usages[0] for one in usages)
            yield house, keys, usages[0]
    finally:
        samples.stop()


def a_chat(usage):
    cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens", 0)
    whole = Decimal("1.5") * (usage["prompt_tokens"] - cached) + Decimal("0.125") * cached
    return (whole + Decimal("2.25") * usage["completion_tokens"]) / 1_000_000


def expected(usage):
    found = {}
    for (team, consumer), (chats, orders) in CALLS.items():
        cost = chats * a_chat(usage) + orders * Decimal("0.0003")
        found[f"acme/{team}/{consumer}"] = (chats + orders, cost)
    return found


def test_the_holder_of_a_key_sees_its_own_use(used):
    house, keys, usage = used
    for (team, consumer), (chats, _) in CALLS.items():
        headers = {"authorization": f"Bearer {keys[team, consumer]}"}
        told = httpx.get(f"{house.url}/v1/usage?by=gate,model", headers=headers).json()
        assert (told["team"], told["consumer"]) == (f"acme/{team}", consumer)
        assert (told["total"]["requests"], Decimal(told["total"]["cost"])) == expected(usage)[f"acme/{team}/{consumer}"]
        budgets = [(one["budget"], one["limit"], one["spent"]) for one in told["budgets"]]
        assert budgets == ([("consumer:acme/web/ci", "7", told["total"]["cost"])] if consumer == "ci" else [])
        models = {one["model"]: one for one in told["rows"] if one["gate"] == "llm" and one["model"]}
        assert models["plain"]["requests"] == chats
        assert models["plain"]["tokens_in"] == chats * usage["prompt_tokens"]
    assert httpx.get(f"{house.url}/v1/usage").status_code == 401
    wrong = httpx.get(f"{house.url}/v1/usage?by=colour", headers=headers)
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (400, "invalid_query")


def test_admin_api_page_and_file_say_the_same_to_the_last_digit(used):
    house, _, usage = used
    rows = house.admin("GET", "/usage?by=org&by=team&by=consumer").json()["rows"]
    costs = {name: cost for name, (_, cost) in expected(usage).items()}
    assert {"/".join(row["labels"].values()): Decimal(row["cost"]) for row in rows} == costs
    with httpx.Client(base_url=house.admin_url, headers={"authorization": f"Bearer {house.owner}"}) as client:
        page = client.get("/costs?period=today&by=consumer").text
        file = client.get("/costs.csv?period=today&by=consumer").text
    shown = dict(re.findall(r'data-line="([^"]*)".*?data-exact="([^"]*)"', page))
    assert {name: Decimal(shown[name]) for name in costs} == costs
    saved = {row["consumer"]: Decimal(row["cost"]) for row in csv.DictReader(io.StringIO(file))}
    assert {name: saved[name] for name in costs} == costs
