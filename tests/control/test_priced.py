"""The price table is that of the configuration in force: every deployment, priced routes, priced servers."""

import pytest
from tests.gates.built import built

from triplegate.control.priced import price_views

TEXT = """
services: {a: {endpoints: ["http://127.0.0.1:1"]}}
routes:
  paid: {service: a, match: {path: /p}, price: 0.0100, identity: none}
  free: {service: a, match: {path: /f}, identity: none}
providers:
  p:
    base_url: "http://127.0.0.1:1/v1"
    models:
      x:
        input: 2.5
        output: 10
        cache_read: 0.25
        units: {web_search: 0.01}
        above: [{tokens: 200000, input: 5}]
        service: {flex: {input: 1.25}}
models:
  m:
    deployments:
      - {provider: p, model: x}
      - {provider: p, model: unlisted, name: odd}
      - {provider: p, model: own, price: {input: 1, output: 1, call: 0.002}}
servers:
  files: {url: "http://127.0.0.1:3/mcp", alias: f, price: {call: 0.003, mb: 2, tools: {"read*": 0.5}}}
  notes: {url: "http://127.0.0.1:3/mcp"}
llm: {policies: [{use: key_auth}]UNKNOWN}
mcp: {policies: [{use: key_auth}]}
"""


async def views(tmp_path, unknown=""):
    async with built(tmp_path, TEXT.replace("UNKNOWN", unknown)) as made:
        return {(one.name, one.target): one for one in price_views(made.gateway.snapshot.documents)}


async def test_every_deployment_has_its_line_with_exact_amounts(tmp_path):
    found = await views(tmp_path)
    listed = found["m", "p/x"]
    assert (listed.gate, listed.provider, listed.model, listed.state) == ("llm", "p", "x", "known")
    assert (listed.rates["input_uncached"], listed.rates["output_text"]) == ("2.5", "10")
    assert (listed.rates["cache_read"], listed.rates["reasoning"]) == ("0.25", "10")
    assert listed.units == {"web_search": "0.01"}
    assert listed.varies == ("service tier flex", "more than 200,000 tokens of input")
    assert listed.version.startswith("p/x@")
    assert ":" in listed.origin
    own = found["m", "p/own"]
    assert (own.call, own.state) == ("0.002", "known")


async def test_priced_routes_and_servers_are_there_and_free_ones_are_not(tmp_path):
    found = await views(tmp_path)
    assert (found["paid", "paid"].call, found["paid", "paid"].gate) == ("0.01", "api")
    assert (found["files", "files"].call, found["files", "files"].gate) == ("0.003", "mcp")
    assert found["files", "files"].units == {"MB": "2"}
    assert (found["files", "files/read*"].call, found["files", "files/read*"].units) == ("0.5", {"MB": "2"})
    assert not {"free", "notes"} & {name for name, _ in found}


@pytest.mark.parametrize(
    ("said", "state", "rate"),
    [
        ("", "unknown", None),
        (", unknown_price: block", "blocked", None),
        (", unknown_price: {charge_default: {input: 3, output: 4}}", "default", "3"),
    ],
)
async def test_what_has_no_price_is_told_with_what_becomes_of_its_calls(tmp_path, said, state, rate):
    odd = (await views(tmp_path, said))["m", "odd"]
    assert (odd.state, odd.rates.get("input_uncached")) == (state, rate)
