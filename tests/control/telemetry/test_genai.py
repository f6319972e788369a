"""Attributes of model calls by OpenTelemetry's GenAI conventions: what was asked, what answered, what was used."""

import json
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from triplegate.control.telemetry.genai import Answered, answered, attributes, provider_name, requested
from triplegate.core.record import AttemptRecord, Record


def asked(**fields: object) -> dict[str, object]:
    return dict(
        requested(json.dumps({"model": "m", "messages": [{"role": "user", "content": "secret"}], **fields}).encode())
    )


def test_what_a_call_asks_for_is_told_by_its_name_in_any_dialect() -> None:
    chat = asked(
        max_completion_tokens=7,
        temperature=0.5,
        top_p=0.9,
        seed=3,
        n=2,
        stop="END",
        frequency_penalty=1,
        presence_penalty=0,
    )
    assert chat == {
        "gen_ai.request.max_tokens": 7,
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.top_p": 0.9,
        "gen_ai.request.seed": 3,
        "gen_ai.request.choice.count": 2,
        "gen_ai.request.stop_sequences": ("END",),
        "gen_ai.request.frequency_penalty": 1.0,
        "gen_ai.request.presence_penalty": 0.0,
    }
    assert asked(max_tokens=9, top_k=5, stop_sequences=["a", "b"]) == {
        "gen_ai.request.max_tokens": 9,
        "gen_ai.request.top_k": 5,
        "gen_ai.request.stop_sequences": ("a", "b"),
    }
    responses = asked(max_output_tokens=4, text={"format": {"type": "json_schema"}}, conversation={"id": "conv_1"})
    assert responses == {
        "gen_ai.request.max_tokens": 4,
        "gen_ai.output.type": "json",
        "gen_ai.conversation.id": "conv_1",
    }
    assert asked(response_format={"type": "json_object"}, n=1) == {"gen_ai.output.type": "json"}
    assert asked(encoding_format="float", conversation="conv_2", response_format="b64_json") == {
        "gen_ai.request.encoding_formats": ("float",),
        "gen_ai.conversation.id": "conv_2",
    }


@pytest.mark.parametrize(
    "text", [None, b"", b"[1]", b"{", b'{"temperature": {}}', b'{"seed":1' + b" " * 262_144 + b"}"]
)
def test_what_cannot_be_read_or_is_long_tells_nothing(text: bytes | None) -> None:
    assert requested(text) == {}


def test_each_attempt_tells_what_its_answer_said() -> None:
    wiring = SimpleNamespace(model="gpt-5")
    flow = SimpleNamespace(model="gpt-5-2025-08-07", id="chatcmpl-1", finish_reason="stop", pieces=9)
    attempts = [
        SimpleNamespace(flow=None, target=SimpleNamespace(wiring=wiring)),
        SimpleNamespace(flow=flow, target=SimpleNamespace(wiring=wiring)),
        SimpleNamespace(flow=SimpleNamespace(usage=None), target=SimpleNamespace(wiring=None)),
    ]
    assert answered(SimpleNamespace(attempts=attempts)) == (  # type: ignore[arg-type]
        Answered("gpt-5"),
        Answered("gpt-5", "gpt-5-2025-08-07", "chatcmpl-1", ("stop",), 9),
        Answered(),
    )


def test_input_tokens_include_the_cached_ones(
    make_record: Callable[..., Record], make_attempt: Callable[..., AttemptRecord]
) -> None:
    attempt = make_attempt(provider="azure", tokens=(10, 5, 2, 1, 0, 0, 7, 3, 0), usage_source="provider")
    told = attributes(make_record(route="smart", streamed=True), attempt, "chat", Answered("dep"), {})
    assert told["gen_ai.usage.input_tokens"] == 18
    assert told["gen_ai.usage.cache_read.input_tokens"] == 5
    assert told["gen_ai.usage.cache_creation.input_tokens"] == 3
    assert (told["gen_ai.usage.output_tokens"], told["gen_ai.usage.reasoning.output_tokens"]) == (10, 3)
    assert (told["gen_ai.request.model"], told["triplegate.model"]) == ("dep", "smart")
    assert told["gen_ai.response.time_to_first_chunk"] == 0.005
    assert told["gen_ai.provider.name"] == "azure.ai.openai"
    unknown = attributes(make_record(route="smart"), make_attempt(), "chat", Answered(), {})
    assert "gen_ai.usage.input_tokens" not in unknown
    assert unknown["gen_ai.request.model"] == "smart"


def test_providers_have_their_well_known_names() -> None:
    names = {
        name: provider_name(name)
        for name in ("openai", "anthropic", "bedrock", "gemini", "vertex", "mistral", "xai", "ours")
    }
    assert names == {
        "openai": "openai",
        "anthropic": "anthropic",
        "bedrock": "aws.bedrock",
        "gemini": "gcp.gemini",
        "vertex": "gcp.vertex_ai",
        "mistral": "mistral_ai",
        "xai": "x_ai",
        "ours": "ours",
    }
