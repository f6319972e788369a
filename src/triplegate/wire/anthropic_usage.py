"""Usage as Anthropic reports it: input beside cache reads and writes, output cumulative."""

import msgspec

from triplegate.core.usage import Usage

_Number = int | float | None


class CacheCreation(msgspec.Struct, gc=False):
    """Cache writes by time to live."""

    ephemeral_5m_input_tokens: _Number = None
    ephemeral_1h_input_tokens: _Number = None


class OutputDetails(msgspec.Struct, gc=False):
    """Parts of the output."""

    thinking_tokens: _Number = None


_NOTHING = msgspec.Raw(b"")
_BESIDE = frozenset({"compaction", "advisor_message"})
"""Kinds of iterations that the whole usage leaves out, and the provider bills."""


class Iteration(msgspec.Struct, gc=False):
    """One of the samplings of a call that took several."""

    type: str = ""
    input_tokens: _Number = None
    output_tokens: _Number = None
    cache_creation_input_tokens: _Number = None
    cache_read_input_tokens: _Number = None
    cache_creation: CacheCreation | None = None


class Reported(msgspec.Struct, gc=False):
    """A `usage` object of a message or of a delta; a delta says a part of it, cumulative."""

    input_tokens: _Number = None
    output_tokens: _Number = None
    cache_creation_input_tokens: _Number = None
    cache_read_input_tokens: _Number = None
    cache_creation: CacheCreation | None = None
    output_tokens_details: OutputDetails | None = None
    server_tool_use: dict[str, _Number] | None = None
    service_tier: str | None = None
    speed: str | None = None
    iterations: msgspec.Raw = _NOTHING


_decode = msgspec.json.Decoder(Reported).decode
_iterations = msgspec.json.Decoder(list[Iteration]).decode
_units = msgspec.json.Encoder(order="sorted").encode


def read_reported(raw: msgspec.Raw | bytes) -> Reported | None:
    """The object, or None for null, nothing, or what cannot be read."""
    if len(raw) < 2 or bytes(raw) == b"null":
        return None
    try:
        return _decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def merged(before: Reported | None, now: Reported) -> Reported:
    """What is known after a delta: each number it says replaces the one before, none is added."""
    if before is None:
        return now
    pairs = ((name, getattr(now, name)) for name in Reported.__struct_fields__)
    said = {name: value for name, value in pairs if value is not None and value != _NOTHING}
    return msgspec.structs.replace(before, **said)


def usage_of(said: Reported) -> Usage:
    """Disjoint classes: Anthropic's input is exclusive of what was read from and written to caches.

    Tokens of another model that advised are counted as this one's: the answer has one price.
    """
    usage = Usage(source="provider")
    _add(usage, said)
    if said.output_tokens_details is not None:
        usage.reasoning = min(_count(said.output_tokens_details.thinking_tokens), usage.output_text)
        usage.output_text -= usage.reasoning
    for iteration in _beside(said.iterations):
        _add(usage, iteration)
    usage.tier = _tier(said)
    if said.server_tool_use:
        counted = {_UNITS.get(name, name): n for name, number in said.server_tool_use.items() if (n := _count(number))}
        usage.tool_units = _units(counted).decode("ascii") if counted else ""
    return usage


def _add(usage: Usage, said: Reported | Iteration) -> None:
    usage.input_uncached += _count(said.input_tokens)
    usage.cache_read += _count(said.cache_read_input_tokens)
    written, hour = _count(said.cache_creation_input_tokens), 0
    if said.cache_creation is not None:
        hour = _count(said.cache_creation.ephemeral_1h_input_tokens)
        if not written:
            written = hour + _count(said.cache_creation.ephemeral_5m_input_tokens)
        hour = min(hour, written)
    usage.cache_write_1h += hour
    usage.cache_write_5m += written - hour
    usage.output_text += _count(said.output_tokens)


def _beside(raw: msgspec.Raw) -> list[Iteration]:
    """What was sampled besides the answer: a summary of the conversation, an adviser's words."""
    if not len(raw):
        return []
    try:
        return [one for one in _iterations(raw) if one.type in _BESIDE]
    except (msgspec.DecodeError, UnicodeDecodeError):
        return []


_UNITS = {"web_search_requests": "web_searches", "web_fetch_requests": "web_fetches"}


def _tier(said: Reported) -> str:
    """What has prices of its own: the fast mode, a batch, a tier; empty for the standard one."""
    tier = "fast" if said.speed == "fast" else said.service_tier
    return "" if tier in (None, "standard") else str(tier)


def _count(number: _Number) -> int:
    return int(number) if number is not None and 0 < number < 2**53 else 0


class _Reply(msgspec.Struct, gc=False):
    usage: msgspec.Raw = msgspec.Raw(b"")


_reply = msgspec.json.Decoder(_Reply).decode


def whole_usage(text: bytes) -> Usage | None:
    """Usage of a whole reply; None when it does not say."""
    try:
        said = read_reported(_reply(text).usage)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return None if said is None else usage_of(said)
