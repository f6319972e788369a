"""Usage as Gemini reports it (`usageMetadata`), brought to disjoint classes."""

import msgspec

from triplegate.core.usage import Usage

_Number = int | float | str | None


class _Modality(msgspec.Struct, rename="camel", gc=False):
    modality: str | None = None
    token_count: _Number = None


_Details = list[_Modality] | None


class _Reported(msgspec.Struct, rename="camel"):
    prompt_token_count: _Number = None
    cached_content_token_count: _Number = None
    candidates_token_count: _Number = None
    thoughts_token_count: _Number = None
    tool_use_prompt_token_count: _Number = None
    total_token_count: _Number = None
    prompt_tokens_details: _Details = None
    cache_tokens_details: _Details = None
    candidates_tokens_details: _Details = None
    tool_use_prompt_tokens_details: _Details = None


class _Tier(msgspec.Struct, rename="camel", gc=False):
    service_tier: str | None = None
    traffic_type: str | None = None  # Vertex


_decode = msgspec.json.Decoder(_Reported).decode
_tier = msgspec.json.Decoder(_Tier).decode
_TIERS = {"ON_DEMAND_FLEX": "flex", "ON_DEMAND_PRIORITY": "priority"}


def read_usage(raw: msgspec.Raw | bytes) -> Usage | None:
    """A `usageMetadata` as disjoint classes, said by the provider; None for nothing or what cannot be read.

    Cached content is a part of the prompt; thoughts stand outside the candidates, and what server tools fed to the
    model stands outside the prompt. Documents and video are priced as text by Google and stay with the text.
    """
    if len(raw) < 2 or bytes(raw) == b"null":
        return None
    try:
        said = _decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if said.prompt_token_count is None and said.candidates_token_count is None and said.total_token_count is None:
        return None
    usage = Usage(source="provider")
    _split_input(usage, said)
    candidates = _count(said.candidates_token_count)
    usage.audio_out = min(_of("AUDIO", said.candidates_tokens_details), candidates)
    usage.output_text = candidates - usage.audio_out
    usage.reasoning = _count(said.thoughts_token_count)
    tier = read_tier(raw)
    usage.tier = "" if tier == "standard" else tier
    return usage


def read_tier(raw: msgspec.Raw | bytes) -> str:
    """The service tier a `usageMetadata` names, in lower case; empty when it names none."""
    try:
        said = _tier(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""
    return (said.service_tier or _TIERS.get(said.traffic_type or "", "")).lower()


def _split_input(usage: Usage, said: _Reported) -> None:
    prompt = _count(said.prompt_token_count)
    usage.cache_read = min(_count(said.cached_content_token_count), prompt)
    rest = prompt - usage.cache_read + _count(said.tool_use_prompt_token_count)
    usage.audio_in = min(_uncached("AUDIO", said), rest)
    rest -= usage.audio_in
    usage.image_in = min(_uncached("IMAGE", said), rest)
    usage.input_uncached = rest - usage.image_in


def _uncached(modality: str, said: _Reported) -> int:
    read = _of(modality, said.prompt_tokens_details) + _of(modality, said.tool_use_prompt_tokens_details)
    return max(0, read - _of(modality, said.cache_tokens_details))


def _of(modality: str, details: _Details) -> int:
    return sum(_count(one.token_count) for one in details or () if one.modality == modality)


def _count(number: _Number) -> int:
    if isinstance(number, str):
        number = int(number) if number.isascii() and number.isdigit() and len(number) < 16 else 0
    return int(number) if number is not None and 0 < number < 2**53 else 0
