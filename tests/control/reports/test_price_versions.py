"""Every price of a configuration is told under its version; another price list is read from a file."""

from pathlib import Path

import pytest
from tests.gates.built import built

from triplegate.config.faults import ConfigError
from triplegate.control.reports.price_versions import NewPrices, price_versions, read_prices
from triplegate.stores.sql.rerating import Asked

TEXT = """
services: {a: {endpoints: ["http://127.0.0.1:1"]}}
routes: {paid: {service: a, match: {path: /p}, price: 0.0100, identity: none}}
providers:
  p:
    base_url: "http://127.0.0.1:1/v1"
    prices: t1
    models:
      x: {input: 2, above: [{tokens: 9, input: 5}], service: {flex: {input: 1}}}
      y: {input: 3, times: [{since: 2026-01-01, until: 2026-07-01, input: 4}]}
models:
  m: {deployments: [{provider: p, model: x}, {provider: p, model: unlisted}, {provider: p, model: x, price: {call: 1}}]}
  "any/*": {deployments: [{provider: p, model: "*"}]}
servers: {files: {url: "http://127.0.0.1:3/mcp", alias: f, price: 0.003}}
llm: {policies: [{use: key_auth}]}
mcp: {policies: [{use: key_auth}]}
"""
TOKENS = (1_000_000, 0, 0, 0, 0, 0, 0, 0, 0)


async def documents(tmp_path):
    async with built(tmp_path, TEXT) as made:
        return made.gateway.snapshot.documents


async def test_each_variation_is_a_version_with_its_time(tmp_path):
    found = {one.version: one for one in price_versions(await documents(tmp_path))}
    shown = {
        (one.gate, one.provider, one.model, name.partition("+")[2]): (one.price.call, one.price.input)
        for name, one in found.items()
    }
    assert shown == {
        ("llm", "p", "x", ""): (0, 20_000_000_000),
        ("llm", "p", "x", "above-9"): (0, 50_000_000_000),
        ("llm", "p", "x", "flex"): (0, 10_000_000_000),
        ("llm", "p", "x", "flex+above-9"): (0, 50_000_000_000),
        ("llm", "p", "y", ""): (0, 30_000_000_000),
        ("llm", "p", "y", "since-2026-01-01+until-2026-07-01"): (0, 40_000_000_000),
        ("api", "", "paid", ""): (100_000_000, 0),
        ("mcp", "", "files", ""): (30_000_000, 0),
    } | {("llm", "p", "x", ""): shown["llm", "p", "x", ""]}
    assert max(one.price.call for one in found.values()) == 10_000_000_000, "an own price has a version, too"
    [timed] = [one for name, one in found.items() if "since-" in name]
    assert (timed.valid_from, timed.valid_until) == (1_767_225_600.0, 1_782_864_000.0)


async def test_the_price_of_today_is_found_by_deployment_or_by_the_vendors_name(tmp_path):
    new = NewPrices(await documents(tmp_path), None)
    assert new.of(Asked("m", "p", "p/x", "p/x@t0#1")).input == 20_000_000_000
    assert new.of(Asked("gone", "p", "p/x", "none")).input == 20_000_000_000
    assert new.of(Asked("any/y", "p", "p/*", "p/y@t0#1")).input == 30_000_000_000
    assert new.of(Asked("m", "p", "p/unlisted", "none")) is None
    assert new.of(Asked("m", "q", "q/x", "q/x@t0#1")) is None
    assert {one.model for one in new.versions()} == {"x", "y"}


async def test_prices_of_a_file_hold_for_what_it_lists(tmp_path, tmp_path_factory):
    file = tmp_path_factory.mktemp("prices") / "new.yaml"
    file.write_text("p/x: {input: 7}\n")
    new = NewPrices(await documents(tmp_path), read_prices(file))
    assert new.of(Asked("m", "p", "p/x", "p/x@t0#1")).flat(TOKENS) == 70_000_000_000
    assert new.of(Asked("m", "p", "p/y", "p/y@t0#1")) is None
    assert [one.version[:9] for one in new.versions()] == ["p/x@file#"]


@pytest.mark.parametrize(("text", "said"), [("p/x: {inptu: 7}\n", "new.yaml:1:7"), ("", "no prices")])
def test_a_file_that_says_nothing_usable_is_refused(tmp_path: Path, text, said):
    (tmp_path / "new.yaml").write_text(text)
    with pytest.raises(ConfigError, match=said):
        read_prices(tmp_path / "new.yaml")
