"""A vendor's names of models: which may be used, whose answer it is, what it costs."""

import pytest
from tests.builders import make_exchange
from tests.gates.built import built
from tests.gates.llm.calls import configuration

from triplegate.core.identity import Principal
from triplegate.gates.llm.charged import place_of

WEB, OPS = Principal("acme", "web", "ci"), Principal("acme", "ops", "ci")
MODELS = {
    "large": "{deployments: [{provider: p, model: gpt, group: g, price: {input: 2, output: 2}}]}",
    "small": "{deployments: [{provider: p, model: gpt-mini, group: g, price: {input: 1, output: 1}}]}",
    "other": "{deployments: [{provider: p, model: else, group: h}]}",
    "hidden": "{deployments: [{provider: p, model: secret, group: g}], teams: [ops]}",
    "scoped": "{deployments: [{provider: p, model: rare, group: g}], policies: [{use: access, scopes: [rare]}]}",
    "any/*": '{deployments: [{provider: p, model: "ft:*", group: g, price: {input: 3, output: 3}}], teams: [ops]}',
}


@pytest.fixture
async def vendors(tmp_path):
    async with built(tmp_path, configuration({"p": "http://127.0.0.1:1"}, MODELS)) as made:
        yield made.gateway.gate_for("/v1/models")._kept._vendors


async def test_what_may_be_used_is_what_an_open_model_has_in_that_group(vendors):
    def usable(who):
        may = vendors.usable(make_exchange(principal=who), who, "g")
        return [name for name in ("gpt", "gpt-mini", "else", "secret", "rare", "ft:a", "gpt-mini-2") if may(name)]

    assert usable(WEB) == ["gpt", "gpt-mini"]
    assert usable(OPS) == ["gpt", "gpt-mini", "secret", "ft:a"]


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("gpt", "large"),
        ("gpt-2026-01-01", "large"),
        ("gpt-mini", "small"),
        ("gpt-mini-2026", "small"),
        ("ft:mine", "any/*"),
        ("gptx", None),
        ("else", None),
        ("", None),
    ],
)
async def test_an_answer_is_that_deployments_whose_name_fits_best(vendors, name, model):
    found = vendors.find("g", name)
    assert (None if found is None else found[0].route.name) == model


async def test_a_place_leads_to_its_deployment_and_a_pattern_has_a_price_for_each_name(vendors):
    model, target = vendors.find("g", "ft:mine")
    assert vendors.at(place_of(target)) == (model, target)
    assert vendors.at("aaaaaaaa") is None
    assert vendors.price(target, "ft:mine").input == 3 * 10**10
    assert vendors.first("h")[0].route.name == "other"
    assert vendors.first("nowhere") is None
