"""How a model's calls are spread: strategies, several keys, models for what a provider refuses."""

import pytest
from pydantic import ValidationError

from triplegate.config.documents_llm import DeploymentDocument, ModelDocument
from triplegate.config.faults import ConfigError
from triplegate.config.load import load
from triplegate.policies import registry


def deployment(**more):
    return DeploymentDocument.model_validate({"provider": "p", "model": "x", **more})


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"key": "env:A", "keys": [{"key": "env:B"}]}, "the one or the other"),
        ({"keys": [{"key": "env:B", "weight": 0}]}, "at least one key"),
        ({"keys": [{"key": "env:B"}, {"key": "env:B"}]}, "twice"),
        ({"keys": [{"key": "sk-123"}]}, "never the secret itself"),
        ({"tier": -1}, "greater than or equal to 0"),
    ],
)
def test_keys_are_references_and_each_stands_there_once(wrong, message):
    with pytest.raises(ValidationError, match=message):
        deployment(**wrong)


def test_a_strategy_is_one_of_those_there_are():
    with pytest.raises(ValidationError, match="least_busy"):
        ModelDocument.model_validate({"deployments": [{"provider": "p", "model": "x"}], "strategy": "best"})
    found = ModelDocument.model_validate({"deployments": [{"provider": "p", "model": "x"}]})
    assert (found.strategy, found.sticky.by) == ("weighted", "conversation")


def test_every_model_that_is_named_is_there(tmp_path):
    (tmp_path / "triplegate.yaml").write_text(
        "providers: {p: {base_url: 'http://h/v1', auth: null}}\n"
        "models:\n"
        "  m:\n"
        "    deployments: [{provider: p, model: x}]\n"
        "    fallback_on: {context_window: [big], content_policy: [n]}\n"
        "  n: {deployments: [{provider: p, model: x, keys: [{key: 'env:A'}]}]}\n"
    )
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, registry(), environment={})
    told = str(caught.value)
    assert "triplegate.yaml:5:36 unknown model 'big'" in told
    assert "the key would not be sent" in told


@pytest.mark.parametrize(
    ("models", "told"),
    [
        ("a: {deployments: [D], aliases: [b]}, b: {deployments: [D]}", "'b' is already the name of a model"),
        (
            "a: {deployments: [D], aliases: [x]}, b: {deployments: [D], aliases: [x]}",
            "'x' is already the name of the model 'a'",
        ),
        ("a: {deployments: [{provider: p, model: 'x*'}]}", "nothing fills in this star: the name 'a' has none"),
        ("'a*': {deployments: [{provider: p, model: 'x**'}]}", "one star at most"),
        ("'a*b*': {deployments: [D]}", "at most one star"),
        ("a: {deployments: [D], fallback: ['b*']}, 'b*': {deployments: [D]}", "letters, digits and . _ : / @ -"),
        ("a: {deployments: [D], canary: {model: c, percent: 5}}", "unknown model 'c'"),
        ("a: {deployments: [D], canary: {model: a, percent: 0}}", "greater than 0"),
    ],
)
def test_one_name_means_one_model(tmp_path, models, told):
    text = f"providers: {{p: {{base_url: 'http://h/v1', auth: null}}}}\nmodels: {{{models}}}\n"
    (tmp_path / "triplegate.yaml").write_text(text.replace("D", "{provider: p, model: x}"))
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, registry(), environment={})
    assert told in str(caught.value)
