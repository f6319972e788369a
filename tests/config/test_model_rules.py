"""What models say without effect is warned of, where it stands."""

import pytest

from triplegate.config.load import load
from triplegate.policies import registry

BASE = """providers:
  p: {base_url: "http://127.0.0.1:1/v1", auth: null, models: {known: {input: 1, output: 1}}}
llm: {policies: [{use: key_auth}]}
models:
  known: {deployments: [{provider: p, model: known}]}
  unknown: {deployments: [{provider: p, model: unknown}]}
  priced: {deployments: [{provider: p, model: unknown, price: {call: 1}}]}
  "any/*": {deployments: [{provider: p, model: "*"}]}
"""
DEPLOYED = "deployments: [{provider: p, model: unknown}]"


def warnings(directory, text):
    (directory / "triplegate.yaml").write_text(BASE + text)
    return [
        str(warning).partition("triplegate.yaml:")[2]
        for warning in load(directory, registry(), environment={}).warnings
    ]


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("shadow: {model: unknown, cost: 1}", "no deployment of 'unknown' has a known price: nothing is copied to it"),
        ("strategy: cost", "no deployment has a known price: strategy: cost goes by weight"),
        ("sticky: {by: key}", "sticky has no effect with strategy: weighted"),
    ],
)
def test_what_has_no_effect_is_told_with_its_line(tmp_path, model, said):
    (told,) = warnings(tmp_path, f"  m: {{{DEPLOYED}, {model}}}\n")
    assert told.startswith("9:")
    assert told.endswith(said)


@pytest.mark.parametrize(
    "model",
    [
        f"{DEPLOYED}, shadow: {{model: known, cost: 1}}",
        f"{DEPLOYED}, shadow: {{model: priced, cost: 1}}",
        f"{DEPLOYED}, strategy: sticky, sticky: {{by: key}}",
        "deployments: [{provider: p, model: unknown}, {provider: p, model: known}], strategy: cost",
    ],
)
def test_what_has_an_effect_is_not(tmp_path, model):
    assert warnings(tmp_path, f"  m: {{{model}}}\n") == []


def test_a_price_for_what_has_none_is_a_price(tmp_path):
    text = f"  m: {{{DEPLOYED}, strategy: cost}}\n"
    default = BASE.replace("auth: null", "auth: null, unknown_price: {charge_default: {input: 1, output: 1}}")
    (tmp_path / "triplegate.yaml").write_text(default + text)
    assert load(tmp_path, registry(), environment={}).warnings == ()
