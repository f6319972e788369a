"""The shipped prices are those of genai-prices at the version they name, and calls cost what its calculator says."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from triplegate.config.documents_llm import ProviderDocument
from triplegate.config.load import load
from triplegate.core.money import to_dollars
from triplegate.core.policy import Registry
from triplegate.core.usage import Usage
from triplegate.policies import built_in

fresh_prices = pytest.importorskip("tests.config.fresh_prices")  # genai-prices is a tool of developers
from genai_prices import types  # noqa: E402
from genai_prices.data_snapshot import get_snapshot  # noqa: E402

SHIPPED = Path(__file__).parents[2] / "providers"
NOW = datetime.combine(fresh_prices.AS_OF, datetime.min.time(), UTC) + timedelta(hours=20)
MOMENTS = (NOW, NOW + timedelta(hours=8), NOW + timedelta(days=60))
USES = (
    Usage(input_uncached=1000, output_text=500),
    Usage(input_uncached=10, cache_read=700, cache_write_5m=90, output_text=40, reasoning=60),
    Usage(input_uncached=31_999, cache_read=2, output_text=7),
    Usage(input_uncached=128_001, output_text=7),
    Usage(input_uncached=200_000, cache_write_5m=3, cache_write_1h=5, output_text=7),
    Usage(input_uncached=600_000, cache_read=100_000, output_text=99),
    Usage(input_uncached=5, audio_in=300, image_in=70, output_text=9, audio_out=200),
    Usage(input_uncached=3, tool_units='{"web_searches":3,"file_searches":2}'),
)


@cache
def table(name: str) -> types.Provider:
    return next(one for one in get_snapshot().providers if one.id == name)


@cache
def shipped(provider: str, folder: Path) -> ProviderDocument:
    (folder / "triplegate.yaml").write_text(f"models: {{m: {{deployments: [{{provider: {provider}, model: m}}]}}}}\n")
    return load(folder, Registry(built_in()), environment={}).documents.providers[provider]


def theirs(usage: Usage) -> types.Usage:
    """The same use in their overlapping counts."""
    counts = {
        "input_tokens": usage.input_total,
        "output_tokens": usage.output_total,
        "cache_read_tokens": usage.cache_read,
        "cache_write_tokens": usage.cache_write_5m + usage.cache_write_1h,
        "cache_write_5m_tokens": usage.cache_write_5m,
        "cache_write_1h_tokens": usage.cache_write_1h,
        "input_audio_tokens": usage.audio_in,
        "input_image_tokens": usage.image_in,
        "output_audio_tokens": usage.audio_out,
        "output_reasoning_tokens": usage.reasoning,
        "cache_audio_read_tokens": 0,
        "cache_image_read_tokens": 0,
    }
    if usage.tool_units:
        counts |= {"web_searches": 3, "storage_searches": 2}
    return types.Usage(**counts)


def contexts(model: types.ModelInfo) -> Iterator[tuple[str, dict[str, str]]]:
    """(our tier, their context) of each price the model may have."""
    yield "", {}
    for kind, tiers in fresh_prices.TIERS.items():
        for tier in tiers:
            if any(variant.when == {kind: tier} for variant in model.price_variants or ()):
                yield tier, {kind: tier}


def constrained(model: types.ModelInfo) -> bool:
    conditions: list[Any] = [*(model.prices if isinstance(model.prices, list) else ()), *(model.price_variants or ())]
    return any(one.constraint is not None for one in conditions)


def test_the_files_are_what_the_generator_makes_of_the_installed_version() -> None:
    stale = []
    for provider in fresh_prices.TABLES:
        text = (SHIPPED / f"{provider}.yaml").read_text()
        if text != fresh_prices.fresh(provider, text):
            stale.append(provider)
    assert not stale, "run python -m tests.config.fresh_prices"
    assert version("genai-prices") == "0.2.3", "new prices: read what changed, then renew the files and this version"


@pytest.mark.parametrize("provider", sorted(fresh_prices.TABLES))
def test_a_call_costs_what_their_calculator_says(provider: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    document = shipped(provider, tmp_path_factory.mktemp("config"))
    _, left_out = fresh_prices.models(provider)
    first = fresh_prices.TABLES[provider][0]
    compared = 0
    for name in fresh_prices.TABLES[provider]:
        for model in table(name).models:
            elsewhere = name != first and table(first).find_model(model.id) is not None
            rates = None if elsewhere else document.models.get(model.id)
            if rates is None:
                assert model.id in left_out or elsewhere or model.id.startswith(fresh_prices.NOT_THERE[provider])
                continue
            price = rates.price()
            for moment in MOMENTS if constrained(model) else MOMENTS[:1]:
                for tier, context in contexts(model):
                    for usage in USES:
                        said = model.calc_price(
                            theirs(usage), table(name), genai_request_timestamp=moment, price_context=context
                        )
                        cost = price.cost(usage.tokens(), usage.tool_units, tier, moment.timestamp())
                        difference = abs(to_dollars(cost) - said.total_price)
                        assert difference <= Decimal("0.5e-10"), (model.id, moment, tier, usage, said)
                        compared += 1
    assert compared >= len(document.models)


@pytest.mark.parametrize("provider", sorted(fresh_prices.TABLES))
def test_a_models_other_names_have_its_price(provider: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    document = shipped(provider, tmp_path_factory.mktemp("config"))
    first = table(fresh_prices.TABLES[provider][0])
    wrong = []
    for key, model in document.models.items():
        for name in (key, *[one for one in model.also if not set("*?[") & set(one)]):
            known = first.find_model(name)
            if (
                known is not None
                and known.id in document.models
                and document.listed(name) is not document.models[known.id]
            ):
                wrong.append((name, key, known.id))
    assert not wrong
