"""What Gemini's failures mean (llm §5.1, §5.2)."""

import json
from typing import Any

import pytest

from triplegate.wire.gemini_errors import read_error, read_in_band


def body(code: int, status: str, message: str, *details: dict[str, Any]) -> bytes:
    return json.dumps({"error": {"code": code, "message": message, "status": status, "details": details}}).encode()


INVALID_KEY = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (body(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.", INVALID_KEY), "credential"),
        (body(400, "INVALID_ARGUMENT", "API key expired. Please renew the API key."), "credential"),
        (body(400, "FAILED_PRECONDITION", "User location is not supported for the API use."), "credential"),
        (body(401, "UNAUTHENTICATED", "Request had invalid authentication credentials."), "credential"),
        (body(403, "PERMISSION_DENIED", "Generative Language API has not been used in project"), "credential"),
        (
            body(403, "PERMISSION_DENIED", "You do not have permission to access the File abc or it may not exist."),
            "client",
        ),
        (
            body(
                400,
                "INVALID_ARGUMENT",
                "The input token count (1250000) exceeds the maximum number of tokens allowed (1048576).",
            ),
            "context_window",
        ),
        (
            body(
                400,
                "INVALID_ARGUMENT",
                "Unable to submit request because the input token count is 1048577 but the limit is 1048576.",
            ),
            "context_window",
        ),
        (body(500, "INTERNAL", "Your input context is too long."), "context_window"),
        (body(400, "INVALID_ARGUMENT", "The prompt was blocked: PROHIBITED_CONTENT"), "content_policy"),
        (body(400, "INVALID_ARGUMENT", "Invalid value at 'contents[0]'"), "client"),
        (body(404, "NOT_FOUND", "models/gemini-9 is not found for API version v1beta"), "model_missing"),
        (body(429, "RESOURCE_EXHAUSTED", "Quota exceeded for metric"), "rate"),
        (body(499, "CANCELLED", "The operation was cancelled."), "transient"),
        (body(500, "INTERNAL", "An internal error has occurred."), "transient"),
        (body(503, "UNAVAILABLE", "The model is overloaded. Please try again later."), "overload"),
        (body(504, "DEADLINE_EXCEEDED", "The request timed out."), "transient"),
    ],
)
def test_each_failure_has_its_class(text: bytes, kind: str):
    status = json.loads(text)["error"]["code"]
    failed = read_error(status, [], text)
    assert (failed.kind, failed.status) == (kind, status)
    assert read_error(status, [], b"[" + text + b"\n]") == failed, "streams answer with an array"
    assert read_in_band(json.dumps(json.loads(text)["error"]).encode()) == failed, "as an event of a stream, too"


def test_a_quota_says_how_long_to_wait():
    text = body(
        429,
        "RESOURCE_EXHAUSTED",
        "You exceeded your current quota",
        {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{"quotaId": "PerMinute"}]},
        {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.074824224s"},
    )
    failed = read_error(429, [], text)
    assert (failed.kind, failed.wait, failed.code) == ("rate", 34.074824224, "RESOURCE_EXHAUSTED")


@pytest.mark.parametrize("delay", ["soon", "-3s", "1.2.3s", "s", 5])
def test_a_delay_that_is_none_is_no_delay(delay: object):
    failed = read_error(429, [], body(429, "RESOURCE_EXHAUSTED", "slow", {"retryDelay": delay}))
    assert (failed.kind, failed.wait, failed.message) == ("rate", None, "slow")


def test_a_wrong_field_is_named():
    violation = {
        "@type": "type.googleapis.com/google.rpc.BadRequest",
        "fieldViolations": [{"field": "contents[0].parts"}],
    }
    assert read_error(400, [], body(400, "INVALID_ARGUMENT", "bad", violation)).param == "contents[0].parts"


@pytest.mark.parametrize("text", [b"", b"<html>", b"[]", b"{}", b'{"error":"x"}', b'{"error":{"code":[]}}', b"\xff"])
def test_no_body_of_the_api_leaves_the_status(text: bytes):
    assert read_error(503, [], text).kind == "overload"
    assert read_error(400, [], text).kind == "client"
    assert read_error(502, [], text).kind == "transient"


def test_an_event_that_is_no_error_object_is_shown_as_it_is():
    assert read_in_band(b'"oh dear"').message == '"oh dear"'
