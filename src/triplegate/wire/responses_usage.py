"""Usage as OpenAI's Responses report it, brought to disjoint classes, and written back."""

import msgspec

from triplegate.core.usage import Usage
from triplegate.wire.openai_usage import tier_of

_Number = int | float | None


class _Input(msgspec.Struct, gc=False):
    cached_tokens: _Number = None
    cache_write_tokens: _Number = None


class _Output(msgspec.Struct, gc=False):
    reasoning_tokens: _Number = None


class _Reported(msgspec.Struct, gc=False):
    input_tokens: _Number = None
    output_tokens: _Number = None
    input_tokens_details: _Input | None = None
    output_tokens_details: _Output | None = None


_decode = msgspec.json.Decoder(_Reported).decode
_encode = msgspec.json.Encoder().encode
_SEARCHES = {"file_search_call": "file_searches", "web_search_call": "web_searches"}


def read_usage(raw: msgspec.Raw | bytes) -> Usage | None:
    """A `usage` object as disjoint classes; None for null, nothing, or what cannot be read. A zero stays zero."""
    if len(raw) < 2 or bytes(raw) == b"null":
        return None
    try:
        said = _decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    if said.input_tokens is None and said.output_tokens is None:
        return None
    inner, outer = said.input_tokens_details or _Input(), said.output_tokens_details or _Output()
    total, output = _count(said.input_tokens), _count(said.output_tokens)
    usage = Usage(source="provider")
    usage.cache_read = min(_count(inner.cached_tokens), total)
    usage.cache_write_5m = min(_count(inner.cache_write_tokens), total - usage.cache_read)
    usage.input_uncached = total - usage.cache_read - usage.cache_write_5m
    usage.reasoning = min(_count(outer.reasoning_tokens), output)
    usage.output_text = output - usage.reasoning
    return usage


class Reply(msgspec.Struct, gc=False):
    """What a whole response says of what it used; a `usage` object alone does not know searches and tier."""

    usage: msgspec.Raw = msgspec.Raw(b"")
    service_tier: object = None
    output: object = None


def used(said: Reply) -> Usage | None:
    """Its usage, with its service tier and the searches among its items; None when it does not say."""
    usage = read_usage(said.usage)
    if usage is None:
        return None
    usage.tier = tier_of(said.service_tier)
    items = said.output if isinstance(said.output, list) else []
    usage.tool_units = units([str(item.get("type")) for item in items if isinstance(item, dict)])
    return usage


def units(kinds: list[str]) -> str:
    """What items of these types count besides tokens, as the record has it: searches of the web and of files."""
    told = {name: kinds.count(kind) for kind, name in _SEARCHES.items()}
    return _encode({name: count for name, count in told.items() if count}).decode() if any(told.values()) else ""


def _count(number: _Number) -> int:
    return int(number) if number is not None and 0 < number < 2**53 else 0


def write_usage(usage: Usage) -> dict[str, object]:
    """A `usage` object, complete in all its parts."""
    return {
        "input_tokens": usage.input_total,
        "input_tokens_details": {
            "cached_tokens": usage.cache_read,
            "cache_write_tokens": usage.cache_write_5m + usage.cache_write_1h,
        },
        "output_tokens": usage.output_total,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.total,
    }
