"""What failures mean, by status, code and the words of OpenAI and its relatives."""

import json
from typing import Any

import pytest

from triplegate.wire.neutral_events import Failed
from triplegate.wire.openai_failures import read_error, read_in_band


def openai_error(message: str, code: Any = None, kind: str = "invalid_request_error", **more: Any) -> bytes:
    return json.dumps({"error": {"message": message, "type": kind, "code": code, **more}}).encode()


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (
            400,
            openai_error("This model's maximum context length is 8 tokens", "context_length_exceeded"),
            "context_window",
        ),
        (
            400,
            b'{"error":{"code":400,"message":"exceeds the available context size","type":"exceed_context_size_error"}}',
            "context_window",
        ),
        (
            400,
            b'{"object":"error","message":"This model\'s maximum context length is 4096 tokens","code":400}',
            "context_window",
        ),
        (413, openai_error("Request too large for model `x`", "request_too_large"), "context_window"),
        (
            400,
            openai_error(
                "The response was filtered", "content_filter", innererror={"code": "ResponsibleAIPolicyViolation"}
            ),
            "content_policy",
        ),
        (403, b'{"error":{"code":403,"message":"Input was flagged","metadata":{"reasons":["x"]}}}', "content_policy"),
        (401, openai_error("Incorrect API key provided", "invalid_api_key"), "credential"),
        (
            402,
            b'{"error":{"message":"Insufficient Balance","type":"unknown_error","code":"invalid_request_error"}}',
            "credential",
        ),
        (
            429,
            openai_error("You exceeded your current quota", "insufficient_quota", "insufficient_quota"),
            "credential",
        ),
        (429, openai_error("Rate limit reached", "rate_limit_exceeded"), "rate"),
        (404, openai_error("The model `x` does not exist", "model_not_found"), "model_missing"),
        (400, b'{"object":"error","message":"Invalid model: x","type":"invalid_model","code":"1500"}', "model_missing"),
        (404, b'{"error":"model \'x\' not found, try pulling it first"}', "model_missing"),
        (400, openai_error("Unknown parameter", param="tools"), "client"),
        (422, b'{"detail":[{"loc":["body"],"msg":"field required"}]}', "client"),
        (408, b"", "transient"),
        (500, b"<html>", "transient"),
        (503, b"", "overload"),
        (529, b"[]", "overload"),
        (418, b"\xff", "client"),
    ],
)
def test_a_failure_by_status_and_words(status: int, body: bytes, kind: str):
    failed = read_error(status, [], body)
    assert (failed.kind, failed.status) == (kind, status)


def test_message_code_and_parameter_are_told():
    assert read_error(400, [], openai_error("No.", "bad", param="tools")) == Failed(
        "client", "No.", 400, "bad", param="tools"
    )
    assert read_error(422, [], b'{"detail":"missing"}').message == "missing"
    quoted = read_error(
        429, [], b'{"error":{"code":429,"message":"Provider returned error","metadata":{"raw":"busy"}}}'
    )
    assert (quoted.message, quoted.kind) == ("Provider returned error: busy", "rate")


@pytest.mark.parametrize(
    ("raw", "kind", "status"),
    [
        (b'{"message":"x","type":"server_error"}', "transient", 0),
        (b'{"message":"x","code":"rate_limit_exceeded"}', "rate", 0),
        (b'{"message":"x","type":"invalid_request_error","status_code":400,"code":"tool_use_failed"}', "client", 400),
        (b'{"message":"Overloaded","code":502}', "transient", 502),
        (b'{"message":"context_length_exceeded"}', "context_window", 0),
        (b'"plain words"', "transient", 0),
        (b'{"code":1e400,"message":[1]}', "transient", 0),
    ],
)
def test_errors_inside_streams_say_their_status_in_their_own_ways(raw: bytes, kind: str, status: int):
    failed = read_in_band(raw)
    assert (failed.kind, failed.status) == (kind, status)
