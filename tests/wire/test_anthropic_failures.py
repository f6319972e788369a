"""What Anthropic's errors mean."""

import json

import pytest

from triplegate.wire.anthropic_failures import read_error, read_in_band


def body(kind, message="no"):
    return json.dumps({"type": "error", "error": {"type": kind, "message": message}}).encode()


@pytest.mark.parametrize(
    ("status", "text", "kind"),
    [
        (401, body("authentication_error"), "credential"),
        (403, body("permission_error"), "credential"),
        (400, body("invalid_request_error", "Your credit balance is too low"), "credential"),
        (404, body("not_found_error"), "model_missing"),
        (413, body("request_too_large"), "context_window"),
        (400, body("invalid_request_error", "prompt is too long: 208310 tokens > 200000 maximum"), "context_window"),
        (400, body("invalid_request_error", "Output blocked by content filtering policy"), "content_policy"),
        (400, body("invalid_request_error", "messages: must alternate"), "client"),
        (429, body("rate_limit_error"), "rate"),
        (500, body("api_error"), "transient"),
        (529, body("overloaded_error"), "overload"),
        (429, b"<html>", "rate"),
        (502, b"", "transient"),
        (418, b'{"message":"teapot"}', "client"),
    ],
)
def test_classes(status, text, kind):
    failed = read_error(status, [], text)
    assert (failed.kind, failed.status) == (kind, status)


def test_an_error_inside_a_stream_has_the_status_its_type_would_have():
    failed = read_in_band(body("overloaded_error", "busy"))
    assert (failed.kind, failed.status, failed.message, failed.code) == ("overload", 529, "busy", "overloaded_error")
    assert read_in_band(b"gibberish").kind == "transient"
