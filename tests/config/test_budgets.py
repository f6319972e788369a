"""Every budget of a configuration with the calls that take of it."""

from pathlib import Path

import pytest

from triplegate.config.budgets import budgets_of
from triplegate.config.documents import Documents
from triplegate.config.faults import ConfigError
from triplegate.config.load import load
from triplegate.policies import registry

CONFIGURATION = """
services: {echo: {endpoints: [http://127.0.0.1:9], policies: [{use: budget, money: 8, per: day}]}}
routes:
  a: {service: echo, match: {path: /a}, policies: [{use: key_auth}, {use: budget, name: both, money: 1, per: day}]}
  b: {service: echo, match: {path: /b}, policies: [{use: key_auth}, {use: budget, name: both, money: 1, per: day}]}
providers: {p: {base_url: http://127.0.0.1:9/v1, auth: null, models: {x: {}}, policies: [BUDGET]}}
models: {m: {deployments: [{provider: p, model: x}], policies: [BUDGET]}}
servers: {s: {url: http://127.0.0.1:9/mcp, policies: [BUDGET]}}
llm: {policies: [{use: key_auth}, BUDGET]}
mcp: {policies: [{use: key_auth}, BUDGET]}
gateway: {policies: [BUDGET]}
plans: {free: {policies: [BUDGET]}}
orgs:
  acme:
    budget: {money: 9, per: year}
    teams: {web: {policies: [BUDGET], budget: {money: 9, per: year}, consumers: {ci: {budget: {tokens: 9, per: day}}}}}
""".replace("BUDGET", "{use: budget, money: 2, per: month, by: team}")


def loaded(folder: Path, text: str) -> Documents:
    (folder / "triplegate.yaml").write_text(text)
    return load(folder, registry(), environment={}).documents


def test_each_stands_where_the_ledger_can_find_its_calls(tmp_path: Path) -> None:
    found = budgets_of(loaded(tmp_path, CONFIGURATION))
    assert {label: one.places for label, one in found.items()} == {
        "org:acme": ({"org": "acme"},),
        "team:acme/web": ({"org": "acme", "team": "web"},),
        "consumer:acme/web/ci": ({"org": "acme", "team": "web", "consumer": "ci"},),
        "gateway/budget": ({},),
        "llm/budget": ({"gate": "llm"},),
        "mcp/budget": ({"gate": "mcp"},),
        "both": ({"gate": "api", "route": "a"}, {"gate": "api", "route": "b"}),
        "model:m/budget": ({"gate": "llm", "route": "m"},),
        "server:s/budget": ({"gate": "mcp", "route": "s"},),
        "service:echo/budget": ({"gate": "api", "target": "echo"},),
        "provider:p/budget": ({"gate": "llm", "provider": "p"},),
        "plan:free/budget": ({"plan": "free"},),
        "team:acme/web/budget": ({"org": "acme", "team": "web"},),
    }


def test_a_budget_of_one_name_takes_the_calls_of_all_its_places(tmp_path: Path) -> None:
    both = budgets_of(loaded(tmp_path, CONFIGURATION))["both"]
    assert both.parts == {"gate", "route"}
    assert both.takes({"gate": "api", "route": "b"})
    assert not both.takes({"gate": "llm", "route": "b"})


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "models: {m: {deployments: [{provider: openai, model: x, policies: [{use: budget, money: 1, per: day}]}]}}",
            "stands on the model",
        ),
        (
            (
                "virtual_servers: {dev: {tools: ['s__*'], policies: [{use: budget, money: 1, per: day}]}}\n"
                "servers: {s: {url: http://127.0.0.1:9/mcp}}"
            ),
            "stands on the model",
        ),
        (
            (
                "services: {echo: {endpoints: [http://127.0.0.1:9]}}\n"
                "routes: {a: {service: echo, match: {path: /a}, identity: none,"
                " policies: [{use: budget, money: 1, per: day, by: model}]}}"
            ),
            "say by: route",
        ),
    ],
)
def test_where_the_ledger_could_not_find_them_it_may_not_stand(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        loaded(tmp_path, text + "\norgs: {acme: {teams: {web: {}}}}\n")
