"""Providers and models."""

import pytest
from pydantic import ValidationError

from triplegate.config.documents_llm import ModelDocument, ProviderAuth, ProviderDocument


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"bearer": True, "header": "x-key"},
        {"bearer": False},
        {"bearer": True, "google": True},
        {"aws": {"region": "us-east-1"}, "bearer": True},
        {"aws": {}},
        {"aws": {"region": "us east"}},
        {"aws": {"region": "us-east-1", "token": "env:T"}},
        {"aws": {"region": "us-east-1", "id": "AKID"}},
    ],
)
def test_a_credential_travels_in_one_way(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ProviderAuth.model_validate(wrong)


def test_a_provider_sends_a_bearer_token_unless_told_otherwise() -> None:
    assert ProviderDocument.model_validate({"base_url": "https://h/v1"}).auth == ProviderAuth(bearer=True)
    assert ProviderDocument.model_validate({"base_url": "https://h/v1", "auth": None}).auth is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"deployments": []},
        {"deployments": [{"provider": "a", "model": "b", "weight": 0}]},
        {"deployments": [{"provider": "a", "model": "b", "key": "sk-x"}]},
        {"deployments": [{"provider": "a", "model": "b c"}]},
        {"deployments": [{"provider": "a"}]},
    ],
)
def test_a_model_can_be_answered(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ModelDocument.model_validate(wrong)


def test_a_key_that_would_not_be_sent_is_refused() -> None:
    with pytest.raises(ValidationError, match="would not be sent"):
        ProviderDocument.model_validate({"base_url": "https://h/v1", "auth": None, "key": "env:K"})
    with pytest.raises(ValidationError, match="https"):
        ProviderDocument.model_validate({"base_url": "http://h/v1", "tls": {"ca": "x"}})
