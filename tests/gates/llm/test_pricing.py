"""A deployment's price, and calls whose price nobody knows."""

import json

import pytest
from tests.gates.built import always, answer, built
from tests.gates.llm.calls import DONE, OK, REPLY, STOP, USAGE, WORD, chat, event, stream
from tests.hostile.scripted import Upstream

from triplegate.config.documents_llm import DeploymentDocument, ProviderDocument
from triplegate.gates.llm.pricing import UNKNOWN, ByName, price_of

PROVIDER = {
    "base_url": "https://h/v1",
    "prices": "table-1",
    "models": {"x": {"input": 1, "also": ["x-*"]}, "told": {"context": 8}},
}
DEFAULT = {"charge_default": {"input": 9}}


def priced(model="x", unknown="flag", price=None, **provider):
    written = DeploymentDocument.model_validate({"provider": "p", "model": model, "price": price})
    return price_of(written, ProviderDocument.model_validate({**PROVIDER, **provider}), unknown)


def test_a_deployments_own_price_goes_before_the_vendors():
    assert priced()[0].version.startswith("p/x@table-1#")
    assert priced("x-2024")[0].input == 10**10
    own, blocked = priced(price={"input": 2})
    assert (own.input, own.version[:8], blocked) == (2 * 10**10, "p/x@own#", "")


def test_without_a_price_it_is_flagged_blocked_or_charged_as_said():
    for model in ("y", "told"):
        assert priced(model) == (UNKNOWN, "")
        assert priced(model, unknown_price="block") == (
            UNKNOWN,
            f"the price of p/{model} is unknown, and unknown_price is block",
        )
        charged, blocked = priced(model, unknown_price=DEFAULT)
        assert (charged.input, charged.version[:12], blocked) == (9 * 10**10, "default@own#", "")
    assert priced("y", unknown="block")[1]
    assert priced("y", unknown="block", unknown_price="flag") == (UNKNOWN, "")  # the provider's word goes before


def test_a_deployment_for_many_models_knows_the_price_of_each_name():
    written = DeploymentDocument.model_validate({"provider": "p", "model": "*"})
    prices = ByName(written, ProviderDocument.model_validate(PROVIDER), "flag")
    for _ in range(2):
        assert prices.of("x-2024").input == 10**10
        assert prices.of("nobody-knows") is UNKNOWN
    for number in range(3_000):  # what clients say is not kept for ever
        prices.of(f"made-up-{number}")
    assert len(prices._found) <= 1_000


async def test_a_name_that_only_fits_a_pattern_is_charged_by_its_own_price(tmp_path):
    text = """
providers: {p: {base_url: "URL/v1", auth: null, models: {x: {call: 0.5, also: ["x-20*"]}}}}
models: {"any/*": {deployments: [{provider: p, model: "*"}]}}
llm: {policies: [{use: key_auth}]}
"""
    async with Upstream(always(OK)) as upstream, built(tmp_path, text.replace("URL", upstream.url)) as made:
        for name, cost in (("any/x-2024", 5_000_000_000), ("any/x", 5_000_000_000), ("any/y", 0)):
            await made.serve("POST", "/v1/chat/completions", body=chat(name))
            intent, record = made.records[-2:]
            assert (intent.list_cost, record.cost) == (cost, cost), name


@pytest.mark.parametrize("streamed", [False, True])
async def test_the_tier_that_the_provider_used_is_charged_and_stands_in_the_price_version(tmp_path, streamed):
    text = """
providers:
  p:
    base_url: "URL/v1"
    auth: null
    models: {x: {call: 1, service: {priority: {call: 2, above: [{tokens: 9, call: 3}]}}}}
models: {m: {deployments: [{provider: p, model: x}]}}
llm: {policies: [{use: key_auth}]}
"""
    last = event(choices=[], usage=USAGE, service_tier="priority")
    whole = json.dumps(json.loads(REPLY) | {"service_tier": "priority"}).encode()
    said = stream(WORD, STOP, last, DONE) if streamed else answer(whole)
    async with Upstream(always(said)) as upstream, built(tmp_path, text.replace("URL", upstream.url)) as made:
        await made.serve("POST", "/v1/chat/completions", body=chat("m", stream=streamed))
        record = made.records[-1]
    assert record.cost == 3 * 10**10  # ten tokens of input are more than nine
    assert record.price_version.endswith("+priority+above-9")


TEXT = """
providers: {p: {base_url: "URL/v1", auth: null, models: {x: {input: 1, output: 2}}}}
models:
  only: {deployments: [{provider: p, model: nobody-knows}]}
  both: {deployments: [{provider: p, model: nobody-knows}, {provider: p, model: x}]}
llm: {policies: [{use: key_auth}], unknown_price: UNKNOWN}
"""


@pytest.mark.parametrize(
    ("unknown", "cost", "version"),
    [("flag", 0, "none"), ("{charge_default: {call: 0.5}}", 5_000_000_000, "default@own#")],
)
async def test_a_call_of_unknown_price_is_answered_and_shown_in_its_record(tmp_path, unknown, cost, version):
    async with Upstream(always(OK)) as upstream, built(tmp_path, filled(upstream.url, unknown)) as made:
        _, wire = await made.serve("POST", "/v1/chat/completions", body=chat("only"))
        assert wire.status == 200
        record = made.records[-1]
        assert (record.cost, record.price_version[: len(version)]) == (cost, version)
        assert made.gateway.snapshot.faults == ()


async def test_blocked_it_is_refused_clearly_while_another_deployment_may_answer(tmp_path):
    async with Upstream(always(OK)) as upstream, built(tmp_path, filled(upstream.url, "block")) as made:
        _, wire = await made.serve("POST", "/v1/chat/completions", body=chat("only"))
        assert (wire.status, json.loads(wire.content)["error"]["code"]) == (403, "price_unknown")
        assert "nobody-knows" in json.loads(wire.content)["error"]["message"]
        assert upstream.talks == []
        for _ in range(2):
            exchange, wire = await made.serve("POST", "/v1/chat/completions", body=chat("both"))
            assert (wire.status, exchange.target) == (200, "p/x")
        _, wire = await made.serve("GET", "/v1/models")  # who may use what has nothing to do with prices
        assert [each["id"] for each in json.loads(wire.content)["data"]] == ["only", "both"]
        assert len(made.gateway.snapshot.faults) == 2
        assert "unknown_price is block" in made.gateway.snapshot.faults[0]


def filled(url, unknown):
    return TEXT.replace("URL", url).replace("UNKNOWN", unknown)
