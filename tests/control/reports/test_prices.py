"""A version of a price leads to its rates while the configuration still has it."""

import pytest

from triplegate.config.documents import Documents
from triplegate.config.load import load
from triplegate.control.reports.prices import known_price, list_price, variants
from triplegate.control.reports.spending import Known
from triplegate.core.money import Price
from triplegate.core.policy import Registry
from triplegate.gates.llm.pricing import ByName, price_of
from triplegate.policies import built_in

UNIT = 10_000_000_000
WRITTEN = """
services: {s: {endpoints: ["http://127.0.0.1:1"]}}
routes: {orders: {service: s, match: {path: /o}, price: {call: 1, mb: 2}, owner: web, identity: none}}
servers: {files: {url: "http://127.0.0.1:1/mcp", price: {call: 1, tools: {"read*": 3}}}}
providers:
  acme:
    base_url: http://127.0.0.1:1/v1
    dialect: openai_chat
    auth: null
    prices: list-1
    unknown_price: {charge_default: {input: 9}}
    models:
      big: {input: 2, output: 4, above: [{tokens: 100, input: 5}], service: {flex: {input: 1}},
            times: [{until: 2026-01-01, input: 7}]}
models:
  large: {deployments: [{provider: acme, model: big}]}
  own: {deployments: [{provider: acme, model: big, price: {input: 11}}]}
  "any/*": {deployments: [{provider: acme, model: "*"}]}
orgs: {a: {teams: {web: {}}}}
"""


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> Documents:
    folder = tmp_path_factory.mktemp("prices")
    (folder / "triplegate.yaml").write_text(WRITTEN)
    return load(folder, Registry(built_in())).documents


def test_every_variation_of_a_models_price_is_found(documents: Documents) -> None:
    written = documents.models["large"].deployments[0]
    price, _ = price_of(written, documents.providers["acme"], "flag")
    versions = {one.version: one.input for one in variants(price)}
    assert {UNIT, 2 * UNIT, 5 * UNIT, 7 * UNIT} == set(versions.values())
    for version, rate in versions.items():
        found = known_price(documents, version)
        assert found is not None, version
        assert (found.provider, found.model, found.price.input) == ("acme", "big", rate)


def test_own_prices_default_ones_and_those_of_a_pattern_are_found(documents: Documents) -> None:
    provider = documents.providers["acme"]
    own, _ = price_of(documents.models["own"].deployments[0], provider, "flag")
    named = ByName(documents.models["any/*"].deployments[0], provider, "flag").of("big")
    default = ByName(documents.models["any/*"].deployments[0], provider, "flag").of("unheard-of")
    for price, rate in ((own, 11), (named, 2), (default, 9)):
        found = known_price(documents, price.version)
        assert found is not None
        assert found.price.input == rate * UNIT


def test_the_list_price_is_told_where_a_deployment_has_its_own(documents: Documents) -> None:
    provider = documents.providers["acme"]
    own, _ = price_of(documents.models["own"].deployments[0], provider, "flag")
    listed = list_price(documents, Known("acme", "big", own))
    assert listed is not None
    assert (own.input, listed.input, listed.output, listed.rules) == (11 * UNIT, 2 * UNIT, 4 * UNIT, None)
    of_the_list, _ = price_of(documents.models["large"].deployments[0], provider, "flag")
    assert list_price(documents, Known("acme", "big", of_the_list)) is None
    assert list_price(documents, Known("acme", "unheard-of", own)) is None
    assert list_price(documents, Known("", "orders", Price("api/orders@own#1"))) is None


def test_routes_servers_and_tools_have_prices(documents: Documents) -> None:
    route, server = documents.routes["orders"].price, documents.servers["files"].price
    assert route is not None
    assert server is not None
    for price in (route.price("orders"), server.price("files"), server.prices("files")[0][1]):
        found = known_price(documents, price.version)
        assert found is not None
        assert found.price == price


@pytest.mark.parametrize(
    "version",
    ["", "none", "route", "acme/big@list-1#00000000", "nobody/x@own#01234567", "orders@own#ffffffff", "files/x@own#1"],
)
def test_what_is_no_longer_known_is_nothing(documents: Documents, version: str) -> None:
    assert known_price(documents, version) is None
