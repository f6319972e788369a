"""Which calls pass to a provider as they came."""

from typing import get_args

import pytest
from tests.golden.losable import named

from triplegate.config.documents_llm import ProviderDocument
from triplegate.gates.llm.dialects import CODECS, FAMILIES, spoken


def provider(**more):
    return ProviderDocument(base_url="https://a.example", **more)


def test_every_dialect_of_the_configuration_has_a_family():
    assert set(get_args(ProviderDocument.model_fields["dialect"].annotation)) <= set(FAMILIES)
    assert set(CODECS) <= set(FAMILIES)
    assert all(codec.family == FAMILIES[name] for name, codec in CODECS.items())


def test_a_provider_speaks_its_own_dialect_and_what_it_says():
    assert spoken(provider()) == {"openai", "embeddings", "moderations", "images", "audio", "rerank"}
    assert spoken(provider(speaks=())) == {"openai"}
    assert spoken(provider(speaks=("openai_responses",))) == {"openai", "openai_responses"}


@pytest.mark.parametrize("dialect", CODECS)
def test_what_a_dialect_may_leave_out_is_declared_and_nothing_else(dialect):
    assert named(dialect) == set(CODECS[dialect].losses)
