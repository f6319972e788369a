"""Usage as Bedrock's Converse reports it, brought to disjoint classes."""

import msgspec

from triplegate.core.usage import Usage

_Number = int | float | str | None


class _Written(msgspec.Struct, rename="camel", gc=False):
    ttl: str | None = None
    input_tokens: _Number = None


class _Reported(msgspec.Struct, rename="camel"):
    input_tokens: _Number = None
    output_tokens: _Number = None
    cache_read_input_tokens: _Number = None
    cache_write_input_tokens: _Number = None
    cache_details: list[_Written] | None = None


_decode = msgspec.json.Decoder(_Reported).decode


def read_usage(raw: msgspec.Raw | bytes, tier: str = "") -> Usage | None:
    """A `usage` as disjoint classes, said by the provider; None for nothing or what cannot be read.

    `inputTokens` are those that the cache has nothing to do with: read and written ones stand beside them. Thoughts
    are not told apart from the answer.
    """
    if len(raw) < 2 or bytes(raw) == b"null":
        return None
    try:
        said = _decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if said.input_tokens is None and said.output_tokens is None:
        return None
    written = _count(said.cache_write_input_tokens)
    hour = sum(_count(one.input_tokens) for one in said.cache_details or () if one.ttl == "1h")
    hour = min(hour, written)
    return Usage(
        input_uncached=_count(said.input_tokens),
        cache_read=_count(said.cache_read_input_tokens),
        cache_write_5m=written - hour,
        cache_write_1h=hour,
        output_text=_count(said.output_tokens),
        source="provider",
        tier="" if tier in ("default", "standard") else tier,
    )


def _count(number: _Number) -> int:
    if isinstance(number, str):
        number = int(number) if number.isascii() and number.isdigit() and len(number) < 16 else 0
    return int(number) if number is not None and 0 < number < 2**53 else 0
