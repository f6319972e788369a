"""From models and providers as written to what serves."""

import pytest
from tests.gates.built import built
from tests.gates.llm.calls import chat

TEXT = """
providers:
  p:
    base_url: "http://127.0.0.1:1/v1"
    key: env:KEY
    models: {x: {input: 1, output: 2}}
    policies: [{use: rate_limit, name: vendor, requests: 9, window: 1m}]
models:
  m:
    deployments:
      - {provider: p, model: x, weight: 3}
      - {provider: p, model: x, key: env:OTHER, price: {call: 0.5}}
      - {provider: p, model: y, name: named, group: mine, policies: [{use: rate_limit, name: own, requests: 5, window: 1m}]}
    owner: web
    policies: [{use: access, teams: [web]}]
llm: {policies: [{use: key_auth}], base_path: /ai/v1, owner: ops}
"""  # noqa: E501


@pytest.fixture
async def targets(tmp_path):
    async with built(tmp_path, TEXT, secrets={"env:KEY": "k", "env:OTHER": "o"}) as made:
        gate = made.gateway.snapshot.gates["llm"]
        yield gate._models["m"].route.targets


async def test_deployments_have_names_of_their_own_weights_prices_and_groups(targets):
    first, second, third = (target for target, _ in targets)
    assert [weight for _, weight in targets] == [3, 1, 1]
    assert [one.name for one in (first, second, third)] == ["p/x", "p/x#2", "named"]
    assert [one.group for one in (first, second, third)] == ["p:env:KEY", "p:env:OTHER", "mine"]
    assert (first.price.input, first.price.version[:8]) == (10_000_000_000, "p/x@own#")
    assert (second.price.call, second.price.input) == (5_000_000_000, 0)
    assert (third.price.version, third.price.cost((1,) * 9)) == ("none", 0)


async def test_limits_of_provider_and_deployment_are_the_targets_own(targets):
    assert [[policy.name for policy in target.claimants] for target, _ in targets] == [
        ["vendor"],
        ["vendor"],
        ["vendor", "own"],
    ]


async def test_paths_follow_the_base_path(tmp_path):
    async with built(tmp_path, TEXT) as made:
        gates = {path: made.gateway.gate_for(path).name for path in ("/ai/v1/chat/completions", "/ai/v1/models/a/b")}
        assert set(gates.values()) == {"llm"}
        for path in ("/v1/chat/completions", "/ai/v1", "/ai/v1/modelsx", "/ai/v1/chat/completions/x"):
            assert made.gateway.gate_for(path).name == "api"


async def test_a_deployment_without_its_credential_is_a_fault_of_its_model(tmp_path):
    async with built(tmp_path, TEXT, secrets={"env:KEY": "k"}) as made:
        (fault,) = made.gateway.snapshot.faults
    assert fault.startswith("triplegate.yaml:9:")
    assert fault.endswith("m, deployment p/x#2: no credential at env:OTHER")


async def test_an_open_gate_books_on_its_owner(tmp_path):
    text = TEXT.replace("policies: [{use: key_auth}], base_path: /ai/v1", "identity: none")
    async with built(tmp_path, text) as made:
        exchange, _ = await made.answer("POST", "/v1/chat/completions", key=False, body=chat("nothing"))
        assert (exchange.principal.consumer, exchange.principal.team_ref) == ("anonymous", "acme/ops")
