"""Which dialects providers speak, and the codec of each."""

from collections.abc import Mapping

from triplegate.config.documents_llm import ProviderDocument
from triplegate.wire import anthropic_messages, bedrock_converse, cohere, gemini, openai, openai_responses
from triplegate.wire.codec import ProviderCodec

CODECS: Mapping[str, ProviderCodec] = {
    "openai_chat": openai.PROVIDER,
    "openai_responses": openai_responses.PROVIDER,
    "anthropic_messages": anthropic_messages.PROVIDER,
    "gemini": gemini.PROVIDER,
    "bedrock_converse": bedrock_converse.PROVIDER,
    "cohere": cohere.PROVIDER,
}
"""Dialect as configuration names it → its provider's side."""

OF_FAMILY: Mapping[str, ProviderCodec] = {codec.family: codec for codec in CODECS.values()}

FAMILIES: Mapping[str, str] = {
    "openai_chat": "openai",
    "openai_responses": "openai_responses",
    "anthropic_messages": "anthropic",
    "gemini": "gemini",
    "bedrock_converse": "bedrock",
    "cohere": "cohere",
}
"""Dialect as configuration names it → the family whose clients' bytes may pass."""

_BESIDE: Mapping[str, tuple[str, ...]] = {
    "openai_chat": ("embeddings", "moderations", "images", "audio", "rerank"),
    "cohere": ("rerank",),
}
"""What a provider of a dialect serves beside it, unless it says so itself."""


def spoken(provider: ProviderDocument) -> frozenset[str]:
    """Families of endpoints whose bytes this provider takes as they came."""
    beside = _BESIDE.get(provider.dialect, ()) if provider.speaks is None else provider.speaks
    return frozenset((FAMILIES[provider.dialect], *beside))
