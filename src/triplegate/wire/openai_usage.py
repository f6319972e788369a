"""Usage as the OpenAI dialect and its relatives report it, brought to disjoint classes."""

import msgspec

from triplegate.core.usage import Usage

_Number = int | float | None


class _Input(msgspec.Struct, gc=False):
    """`prompt_tokens_details`: parts of prompt_tokens."""

    cached_tokens: _Number = None
    cache_write_tokens: _Number = None
    audio_tokens: _Number = None
    image_tokens: _Number = None


class _Output(msgspec.Struct, gc=False):
    """`completion_tokens_details`: parts of completion_tokens."""

    reasoning_tokens: _Number = None
    audio_tokens: _Number = None


class _Tools(msgspec.Struct, gc=False):
    web_search_requests: _Number = None


class _Reported(msgspec.Struct, gc=False):
    prompt_tokens: _Number = None
    completion_tokens: _Number = None
    total_tokens: _Number = None
    prompt_tokens_details: _Input | None = None
    completion_tokens_details: _Output | None = None
    prompt_cache_hit_tokens: _Number = None  # DeepSeek
    num_cached_tokens: _Number = None  # Mistral
    cached_tokens: _Number = None  # Moonshot
    num_search_queries: _Number = None  # Perplexity
    server_tool_use: _Tools | None = None  # OpenRouter


_decode = msgspec.json.Decoder(_Reported).decode
_NO_INPUT = _Input()
_NO_OUTPUT = _Output()


def read_usage(raw: msgspec.Raw | bytes) -> Usage | None:
    """A `usage` object as disjoint classes, said by the provider; None for null, nothing, or what cannot be read.

    Cached, written, audio and image tokens are parts of the prompt; audio and reasoning are parts of the completion.
    A total above prompt and completion means reasoning that the vendor left out of the completion (xAI, Gemini).
    An explicit zero stays zero (U3).
    """
    if len(raw) < 2 or bytes(raw) == b"null":
        return None
    try:
        said = _decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    if said.prompt_tokens is None and said.completion_tokens is None and said.total_tokens is None:
        return None
    if _absurd(said.prompt_tokens) or _absurd(said.completion_tokens):
        return None
    usage = Usage(source="provider")
    prompt = _count(said.prompt_tokens)
    _split_input(usage, said, prompt)
    completion = _count(said.completion_tokens)
    _split_output(usage, said.completion_tokens_details or _NO_OUTPUT, completion, _count(said.total_tokens) - prompt)
    if said.num_search_queries is not None or said.server_tool_use is not None:
        tools = said.server_tool_use or _Tools()
        if searches := _count(said.num_search_queries) or _count(tools.web_search_requests):
            usage.tool_units = f'{{"web_searches":{searches}}}'
    return usage


_STANDARD = frozenset({"", "auto", "default", "standard", "on_demand"})


def tier_of(said: object) -> str:
    """The service tier a reply names as one that has prices of its own; empty for the standard one."""
    return said if isinstance(said, str) and said not in _STANDARD else ""


def _absurd(number: _Number) -> bool:
    """Whether nothing can be counted by it, so that it is as if nothing were said."""
    return number is not None and not 0 <= number < 2**53


def _count(number: _Number) -> int:
    return int(number) if number is not None and 0 < number < 2**53 else 0


def _part(number: _Number, whole: int) -> int:
    """What is said to be a part of `whole`; most say nothing, or zero."""
    return min(_count(number), whole) if number else 0


def _split_input(usage: Usage, said: _Reported, prompt: int) -> None:
    details = said.prompt_tokens_details or _NO_INPUT
    cached = details.cached_tokens or said.prompt_cache_hit_tokens or said.num_cached_tokens or said.cached_tokens
    usage.cache_read = _part(cached, prompt)
    rest = prompt - usage.cache_read
    usage.cache_write_5m = _part(details.cache_write_tokens, rest)
    rest -= usage.cache_write_5m
    usage.audio_in = _part(details.audio_tokens, rest)
    rest -= usage.audio_in
    usage.image_in = _part(details.image_tokens, rest)
    usage.input_uncached = rest - usage.image_in


def _split_output(usage: Usage, details: _Output, completion: int, beyond_prompt: int) -> None:
    left_out = max(0, beyond_prompt - completion)
    usage.audio_out = _part(details.audio_tokens, completion)
    rest = completion + left_out - usage.audio_out
    usage.reasoning = min(max(_count(details.reasoning_tokens), left_out), rest)
    usage.output_text = rest - usage.reasoning


def write_usage(usage: Usage) -> dict[str, object]:
    """A `usage` object, complete in all its parts."""
    prompt: dict[str, int] = {"cached_tokens": usage.cache_read, "audio_tokens": usage.audio_in}
    if written := usage.cache_write_5m + usage.cache_write_1h:
        prompt["cache_write_tokens"] = written
    if usage.image_in:
        prompt["image_tokens"] = usage.image_in
    return {
        "prompt_tokens": usage.input_total,
        "completion_tokens": usage.output_total,
        "total_tokens": usage.total,
        "prompt_tokens_details": prompt,
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning,
            "audio_tokens": usage.audio_out,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }
