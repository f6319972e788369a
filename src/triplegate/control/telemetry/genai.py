"""What spans of model calls say, in OpenTelemetry's GenAI names (the shape after 1.37); names are our own constants."""

from typing import Any

import msgspec

from triplegate.core.exchange import Exchange
from triplegate.core.record import AttemptRecord, Record

Value = str | int | float | bool | tuple[str, ...]

_MOST = 262_144
"""Bytes of a request that are looked through for what it asks; of a longer one nothing is told."""
_INPUT = slice(0, 6)
_OUTPUT = slice(6, 9)
_CACHE_READ = 1
_CACHE_WRITES = slice(2, 4)
_REASONING = 7


class Answered(msgspec.Struct, frozen=True, gc=False):
    """What an attempt's answer said of itself; empty where it did not say."""

    asked: str = ""
    """The model's name at the provider."""
    model: str = ""
    """What answered."""
    id: str = ""
    finish: tuple[str, ...] = ()
    """Why it ended."""
    pieces: int = 0
    """Events with content of a stream."""


def answered(exchange: Exchange) -> tuple[Answered, ...]:
    """One for each attempt of a model call, in their order."""
    return tuple([_answered(attempt.flow, attempt.target.wiring) for attempt in exchange.attempts])


def _answered(flow: Any, wiring: Any) -> Answered:
    asked = getattr(wiring, "model", "")
    if flow is None:
        return Answered(asked)
    finish = getattr(flow, "finish_reason", "")
    return Answered(
        asked,
        getattr(flow, "model", ""),
        getattr(flow, "id", ""),
        (finish,) if finish else (),
        getattr(flow, "pieces", 0),
    )


class _Format(msgspec.Struct, gc=False):
    type: str = ""


class _Text(msgspec.Struct, gc=False):
    format: _Format | None = None


class _Named(msgspec.Struct, gc=False):
    id: str = ""


class _Asked(msgspec.Struct, gc=False):
    """The fields of any dialect that say how to answer."""

    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    max_output_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    seed: int | None = None
    n: int | None = None
    stop: str | list[str] | None = None
    stop_sequences: list[str] | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    encoding_format: str | None = None
    response_format: _Format | str | None = None
    text: _Text | None = None
    conversation: _Named | str | None = None


_read = msgspec.json.Decoder(_Asked, strict=False).decode
_PLAIN = ("temperature", "top_p", "top_k", "seed", "frequency_penalty", "presence_penalty")
_OUTPUT_TYPES = {"text": "text", "json_object": "json", "json_schema": "json"}


def requested(text: object) -> dict[str, Value]:
    """Attributes of the request, out of its body; none where it cannot be read or is long."""
    if not isinstance(text, bytes) or len(text) > _MOST:
        return {}
    try:
        asked = _read(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    found: dict[str, Value | None] = {f"gen_ai.request.{name}": getattr(asked, name) for name in _PLAIN}
    stop = [asked.stop] if isinstance(asked.stop, str) else asked.stop or asked.stop_sequences
    found["gen_ai.request.max_tokens"] = asked.max_completion_tokens or asked.max_output_tokens or asked.max_tokens
    found["gen_ai.request.stop_sequences"] = tuple(stop) if stop else None
    found["gen_ai.request.choice.count"] = asked.n if asked.n != 1 else None
    found["gen_ai.request.encoding_formats"] = (asked.encoding_format,) if asked.encoding_format else None
    found["gen_ai.output.type"] = _OUTPUT_TYPES.get(_form(asked))
    found["gen_ai.conversation.id"] = (
        asked.conversation.id if isinstance(asked.conversation, _Named) else (asked.conversation)
    )
    return {name: value for name, value in found.items() if value is not None and value != ""}


def _form(asked: _Asked) -> str:
    form = asked.text.format if asked.text is not None else asked.response_format
    return form.type if isinstance(form, _Format) else ""


def attributes(
    record: Record, attempt: AttemptRecord, operation: str, answer: Answered, request: dict[str, Value]
) -> dict[str, Value]:
    """Of one attempt's CLIENT span."""
    found: dict[str, Value] = {
        **request,
        "gen_ai.operation.name": operation,
        "gen_ai.provider.name": provider_name(attempt.provider),
        "gen_ai.request.model": answer.asked or record.route,
        "triplegate.model": record.route,
        "gen_ai.response.id": answer.id or attempt.upstream_id,
        "gen_ai.response.model": answer.model,
    }
    if answer.finish:
        found["gen_ai.response.finish_reasons"] = answer.finish
    if record.streamed:
        found["gen_ai.request.stream"] = True
        if attempt.first_byte_us:
            found["gen_ai.response.time_to_first_chunk"] = attempt.first_byte_us / 1e6
    if attempt.usage_source != "none":
        tokens = attempt.tokens
        found |= {
            "gen_ai.usage.input_tokens": sum(tokens[_INPUT]),
            "gen_ai.usage.output_tokens": sum(tokens[_OUTPUT]),
            "gen_ai.usage.cache_read.input_tokens": tokens[_CACHE_READ],
            "gen_ai.usage.cache_creation.input_tokens": sum(tokens[_CACHE_WRITES]),
            "gen_ai.usage.reasoning.output_tokens": tokens[_REASONING],
        }
    return found


_PROVIDERS = {
    "azure": "azure.ai.openai",
    "bedrock": "aws.bedrock",
    "gemini": "gcp.gemini",
    "mistral": "mistral_ai",
    "moonshot": "moonshot_ai",
    "vertex": "gcp.vertex_ai",
    "xai": "x_ai",
}


def provider_name(provider: str) -> str:
    """The well-known name of a shipped provider; any other is called as the configuration calls it."""
    return _PROVIDERS.get(provider, provider)
