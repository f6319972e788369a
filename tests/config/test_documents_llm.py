"""Providers and models."""

from decimal import Decimal

import pytest
from pydantic import ValidationError

from triplegate.config.documents_llm import ModelDocument, ProviderAuth, ProviderDocument, Rates, VendorModelDocument


def test_prices_become_ledger_units_exactly() -> None:
    rates = Rates.model_validate({"input": 2.5, "output": 10, "cache_read": 1.25, "call": 0.01})
    price = rates.price("2026-11")
    assert (price.input, price.output, price.cache_read, price.call) == (25 * 10**9, 10**11, 125 * 10**8, 10**8)
    # a million input tokens at $2.50, and the call itself at $0.01
    assert price.cost((10**6, 0, 0, 0, 0, 0, 0, 0, 0)) == 25 * 10**9 + 10**8
    assert price.version == "2026-11"


def test_a_class_without_a_price_costs_like_its_parent() -> None:
    assert Rates(input=Decimal(3)).price().cache_read is None


def test_a_model_without_a_price_says_so() -> None:
    assert not VendorModelDocument(context=8).priced
    assert VendorModelDocument.model_validate({"input": 0}).priced


@pytest.mark.parametrize("wrong", [{}, {"bearer": True, "header": "x-key"}, {"bearer": False}])
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
