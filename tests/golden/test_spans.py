"""Spans of real calls through the gateway, as OpenTelemetry's own exporter gets them."""

import json

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from tests.gates.built import always, answer, built
from tests.gates.llm.calls import COUNT, DONE, STOP, USAGE, WORD, chat, failed, stream
from tests.hostile.scripted import Upstream

from triplegate.control.telemetry.finished import finished_of
from triplegate.control.telemetry.otel import resource
from triplegate.control.telemetry.redact import Redactor
from triplegate.control.telemetry.spans import readable, spans_of

CLIENTS = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
TEXT = """
providers:
  groq: {base_url: "FIRST/v1", key: null, auth: null, models: {x: {input: 1, output: 2}}}
  openai: {base_url: "SECOND/v1", key: null, auth: null, models: {gpt-5: {input: 1, output: 2}}}
models:
  smart: {deployments: [{provider: groq, model: x}], fallback: [other]}
  other: {deployments: [{provider: openai, model: gpt-5}]}
llm: {policies: [{use: key_auth}]}
"""
ASKED = {"temperature": 0.25, "max_tokens": 5}
REPLY = (
    b'{"id":"chatcmpl-9","object":"chat.completion","model":"gpt-5-2025-08-07","choices":[{"index":0,'
    b'"message":{"role":"assistant","content":"hush"},"finish_reason":"length"}],"usage":{"prompt_tokens":10,'
    b'"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":4},'
    b'"completion_tokens_details":{"reasoning_tokens":2}}}'
)


async def spans(tmp_path, first, second, *, content=False, **fields):
    """What the exporter has after one call: the server's span, then one an attempt."""
    async with Upstream(always(first)) as one, Upstream(always(second)) as two:
        text = TEXT.replace("FIRST", one.url).replace("SECOND", two.url)
        async with built(tmp_path, text) as made:
            made.house.content = content
            exchange, _ = await made.serve(
                "POST", "/v1/chat/completions", body=chat("smart", **fields), headers=[(b"traceparent", CLIENTS)]
            )
            found = spans_of(finished_of(exchange, made.records[-1]), Redactor())
    exporter = InMemorySpanExporter()
    exporter.export([readable(span, resource("node")) for span in found])
    return exporter.get_finished_spans()


def timeless(attributes):
    """The attributes without what differs from run to run."""
    assert attributes["gen_ai.response.time_to_first_chunk"] > 0 if "gen_ai.request.stream" in attributes else True
    return {name: value for name, value in attributes.items() if "time_to" not in name}


async def test_a_fallback_shows_two_client_spans_below_the_server_span(tmp_path):
    server, first, second = await spans(tmp_path, failed(b"503 Busy"), answer(REPLY), **ASKED)
    assert (server.kind, first.kind, second.kind) == (SpanKind.SERVER, SpanKind.CLIENT, SpanKind.CLIENT)
    assert [server.name, first.name, second.name] == ["POST smart", "chat x", "chat gpt-5"]
    assert server.context.trace_id == 0x0AF7651916CD43DD8448EB211C80319C
    assert server.parent.span_id == 0xB7AD6B7169203331
    assert {first.parent.span_id, second.parent.span_id} == {server.context.span_id}
    assert len({one.context.span_id for one in (server, first, second)}) == 3
    assert [one.status.status_code for one in (first, second)] == [StatusCode.ERROR, StatusCode.UNSET]
    assert server.start_time <= first.start_time <= first.end_time <= second.start_time <= second.end_time
    assert timeless(first.attributes) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "groq",
        "gen_ai.request.model": "x",
        "gen_ai.request.temperature": 0.25,
        "gen_ai.request.max_tokens": 5,
        "error.type": "overload",
        "http.request.method": "POST",
        "http.response.status_code": 503,
        "triplegate.model": "smart",
        "triplegate.upstream": "groq/x",
        "triplegate.attempt.role": "first",
        "triplegate.attempt.adopted": "false",
    }
    assert timeless(second.attributes) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-5",
        "gen_ai.request.temperature": 0.25,
        "gen_ai.request.max_tokens": 5,
        "gen_ai.response.id": "chatcmpl-9",
        "gen_ai.response.model": "gpt-5-2025-08-07",
        "gen_ai.response.finish_reasons": ("length",),
        "gen_ai.usage.input_tokens": 10,
        "gen_ai.usage.cache_read.input_tokens": 4,
        "gen_ai.usage.cache_creation.input_tokens": 0,
        "gen_ai.usage.output_tokens": 5,
        "gen_ai.usage.reasoning.output_tokens": 2,
        "http.request.method": "POST",
        "http.request.resend_count": 1,
        "http.response.status_code": 200,
        "triplegate.model": "smart",
        "triplegate.upstream": "openai/gpt-5",
        "triplegate.attempt.role": "fallback",
        "triplegate.attempt.adopted": "true",
    }


async def test_a_stream_tells_when_its_first_content_came(tmp_path):
    server, only = await spans(tmp_path, stream(WORD, WORD, STOP, COUNT, DONE), failed(b"500 Broken"), stream=True)
    assert only.name == "chat x"
    told = only.attributes
    assert (told["gen_ai.request.stream"], told["gen_ai.response.finish_reasons"]) == (True, ("stop",))
    assert 0 < told["gen_ai.response.time_to_first_chunk"] < (only.end_time - only.start_time) / 1e9
    assert told["gen_ai.usage.input_tokens"] == USAGE["prompt_tokens"]
    assert server.attributes["http.response.status_code"] == 200


@pytest.mark.parametrize("fields", [{}, {"stream": True}])
async def test_asked_for_what_was_said_is_told_redacted_by_the_attempt_that_answered(tmp_path, fields):
    reply = stream(WORD, STOP, COUNT, DONE) if fields else answer(REPLY)
    body = {"messages": [{"role": "user", "content": "whisper to a@b.example"}], "content": True, **fields}
    server, failure, answered = await spans(tmp_path, failed(b"500 Broken"), reply, **body)
    assert "whisper" not in str([dict(one.attributes) for one in (server, failure)])
    told = answered.attributes
    assert json.loads(told["gen_ai.input.messages"]) == [
        {"role": "user", "parts": [{"type": "text", "content": "whisper to [redacted]"}]}
    ]
    (message,) = json.loads(told["gen_ai.output.messages"])
    assert message["parts"] == [{"type": "text", "content": "word" if fields else "hush"}]
    assert message["finish_reason"] == ("stop" if fields else "length")


@pytest.mark.parametrize("fields", [{}, {"stream": True}])
async def test_no_span_says_what_was_said(tmp_path, fields):
    reply = stream(WORD, STOP, COUNT, DONE) if fields else answer(REPLY)
    body = {"messages": [{"role": "user", "content": "whisper"}], "user": "somebody", **fields}
    told = str(
        [(one.name, dict(one.attributes)) for one in await spans(tmp_path, reply, failed(b"500 Broken"), **body)]
    )
    for word in ("whisper", "somebody", "hush", "word"):
        assert word not in told
