"""Budgets as callers meet them: what fits passes, all at once or one by one, and the rest is told when to come back."""

import contextlib
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import httpx
import openai
import pytest
from tests.gates.mcp.messages import bearer, modern
from tests.hostile.raw import Recorder
from tests.journeys.running import House, eventually, write

from triplegate.samples.start import start_samples

CONFIGURATION = """
services: {{echo: {{endpoints: ["http://127.0.0.1:{echo}"]}}}}
routes:
  dime: {{service: echo, match: {{path: /dime}}, price: 0.1, policies: [{{use: key_auth}}]}}
  free: {{service: echo, match: {{path: /free}}, policies: [{{use: key_auth}}]}}
  trial:
    service: echo
    match: {{path: /trial}}
    price: 0.1
    policies: [{{use: key_auth}}, {{use: budget, name: trial, money: 0.25, per: day, by: key}}]
providers:
  scripted:
    base_url: http://127.0.0.1:{llm}/v1
    auth: null
    models: {{scripted: {{input: 100, output: 200}}}}
models:
  smart: {{deployments: [{{provider: scripted, model: scripted}}]}}
servers:
  tools: {{url: "http://127.0.0.1:{mcp}/mcp", price: 0.4}}
orgs:
  acme:
    budget: {{money: 1000, per: quarter}}
    fiscal_start: 4
    teams:
      web: {{budget: {{money: 1, per: month}}, consumers: {{ci: {{}}}}}}
      ops: {{consumers: {{ci: {{budget: {{money: 0.5, rolling: 1h}}}}, cd: {{}}}}}}
      cut: {{budget: {{money: 0.2, per: day, hard_cutoff: true}}, consumers: {{ci: {{}}}}}}
      lab: {{budget: {{tokens: 400, per: day}}, consumers: {{ci: {{}}}}}}
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    directory, echo = tmp_path_factory.mktemp("budgets"), Recorder()
    with start_samples() as samples, contextlib.closing(echo):
        ports = samples.ports
        write(directory, CONFIGURATION.format(echo=echo.port, llm=ports["llm"], mcp=ports["mcp"]))
        with House(directory) as house:
            yield house


def client(house, team, consumer="ci"):
    return httpx.Client(base_url=house.url, headers=bearer(house.key(team, consumer)), timeout=20, trust_env=False)


def alone(caller, path):
    """A call on a connection of its own: threads that share a client's pool hang up on one another."""
    return httpx.get(f"{str(caller.base_url).rstrip('/')}{path}", headers=caller.headers, timeout=20, trust_env=False)


def chat(caller, **more):
    body = {"model": "smart", "max_tokens": 20, "messages": [{"role": "user", "content": "Say something."}]}
    return caller.post("/v1/chat/completions", json={**body, **more})


def call_tool(caller):
    return caller.post("/mcp", **modern("tools/call", {"name": "tools__echo", "arguments": {"text": "a"}}))


def test_two_hundred_calls_at_once_spend_no_more_than_the_budget(world):
    with client(world, "web") as web, ThreadPoolExecutor(40) as pool:
        statuses = list(pool.map(lambda _: alone(web, "/dime").status_code, range(200)))
        assert sorted(set(statuses)) == [200, 429]
        assert statuses.count(200) == 10
        refused = web.get("/dime")
        assert "team:acme/web" in refused.json()["detail"]
        assert "1" not in refused.json()["detail"], "how much it is, is not told"
        assert 0 < int(refused.headers["retry-after"]) <= 31 * 86_400
        assert "ratelimit" not in refused.headers
        assert web.get("/free").status_code == 200, "what has no price costs nothing"
    assert eventually(lambda: world.usage("team")[("web",)]["cost"] == "1")


def test_one_budget_holds_for_tools_and_services_alike(world):
    with client(world, "ops") as ops:
        assert call_tool(ops).json()["result"]
        assert ops.get("/dime").status_code == 200
        refused = ops.get("/dime")
        assert (refused.status_code, refused.json()["violated-policies"]) == (429, ["consumer:acme/ops/ci"])
        told = call_tool(ops).json()["error"]
        assert "consumer:acme/ops/ci" in told["message"]
    with client(world, "ops", "cd") as other:
        assert other.get("/dime").status_code == 200, "a budget is its consumer's"


def test_a_budget_of_tokens_ends_calls_of_models_in_their_dialect(world):
    with client(world, "lab") as lab:
        answers = [chat(lab) for _ in range(20)]
        assert answers[0].status_code == 200
        refused = answers[-1]
        assert refused.status_code == 429
        assert refused.json()["error"]["type"] == "insufficient_quota"
        assert "x-ratelimit-remaining-tokens" not in refused.headers
        used = world.usage("team")[("lab",)]
        assert used["tokens_in"] + used["tokens_out"] <= 400
        assert lab.get("/dime").status_code == 200, "it counts tokens, and that call has none"


def test_a_policy_is_a_budget_of_its_place(world):
    with client(world, "lab") as lab:
        assert [lab.get("/trial").status_code for _ in range(3)] == [200, 200, 429]
        assert lab.get("/dime").status_code == 200


def test_an_answer_that_is_being_written_ends_where_its_budget_does(world):
    key = world.key("cut")
    with openai.OpenAI(base_url=world.url + "/v1", api_key=key, max_retries=0, timeout=20) as caller:
        said = []

        def listen():
            asked = [{"role": "user", "content": '{"script": {"tokens": 5000, "pace": 0.001}}'}]
            for chunk in caller.chat.completions.create(model="smart", stream=True, messages=asked):
                said.append(chunk.choices[0].delta.content or "")

        with pytest.raises(openai.APIError, match="budget") as told:
            listen()
        assert told.value.code == "budget_exceeded"
        assert 800 < len(said) < 1_000, "what was paid for was given"
    cost = Decimal(eventually(lambda: world.usage("team").get(("cut",)))["cost"])
    assert Decimal("0.19") < cost <= Decimal("0.21")


@pytest.mark.timeout(60)
def test_what_was_spent_is_remembered_after_a_kill(tmp_path):
    with contextlib.closing(Recorder()) as echo:
        write(
            tmp_path,
            f"""
services: {{echo: {{endpoints: ["http://127.0.0.1:{echo.port}"]}}}}
routes: {{dime: {{service: echo, match: {{path: /dime}}, price: 0.1, policies: [{{use: key_auth}}]}}}}
orgs: {{acme: {{teams: {{web: {{budget: {{money: 1, rolling: 30d}}, consumers: {{ci: {{}}}}}}}}}}}}
""",
        )
        house = House(tmp_path).start()
        with client(house, "web") as web:
            assert [web.get("/dime").status_code for _ in range(8)] == [200] * 8
            key = web.headers["authorization"]
        house.kill()
        with house, httpx.Client(base_url=house.url, headers={"authorization": key}, trust_env=False) as web:
            first = eventually(lambda: one if (one := web.get("/dime")).status_code != 503 else None)
            answers = [first, *[web.get("/dime") for _ in range(2)]]
            assert [one.status_code for one in answers] == [200, 200, 429]
            assert int(answers[-1].headers["retry-after"]) > 29 * 86_400
