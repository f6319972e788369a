"""Usage as Cohere reports it: what is billed counts, not what the model was fed."""

import msgspec

from triplegate.core.usage import Usage

_Number = int | float | None


class _Units(msgspec.Struct, gc=False):
    input_tokens: _Number = None
    output_tokens: _Number = None
    search_units: _Number = None
    classifications: _Number = None


class _Reported(msgspec.Struct, gc=False):
    billed_units: _Units | None = None
    tokens: _Units | None = None
    cached_tokens: _Number = None


_decode = msgspec.json.Decoder(_Reported).decode


def read_usage(raw: msgspec.Raw | bytes) -> Usage | None:
    """A `usage` object as disjoint classes, said by the provider; None for nothing or what cannot be read.

    `billed_units` leave out what Cohere puts around the prompt, so they are input_uncached and output_text as they
    stand. `cached_tokens` count within the unbilled whole (they can exceed what is billed) and have no price of their
    own: they are a class only where nothing is said of billing. Thoughts are not told apart.
    """
    if len(raw) < 2 or bytes(raw) == b"null":
        return None
    try:
        said = _decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    units = said.billed_units or said.tokens
    if units is None:
        return None
    usage = Usage(source="provider", input_uncached=_count(units.input_tokens), output_text=_count(units.output_tokens))
    if said.billed_units is None:
        usage.cache_read = min(_count(said.cached_tokens), usage.input_uncached)
        usage.input_uncached -= usage.cache_read
    counters = {"search_units": _count(units.search_units), "classifications": _count(units.classifications)}
    counters = {name: count for name, count in counters.items() if count}
    if counters:
        usage.tool_units = msgspec.json.encode(counters).decode()
    return usage


def _count(number: _Number) -> int:
    return int(number) if number is not None and 0 < number < 2**53 else 0
