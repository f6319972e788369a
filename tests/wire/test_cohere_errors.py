"""What Cohere's failures mean (llm §5.1)."""

import json

import pytest

from triplegate.wire.cohere_errors import read_error


@pytest.mark.parametrize(
    ("status", "message", "kind"),
    [
        (400, "invalid api token", "credential"),
        (401, "no api key supplied", "credential"),
        (402, "billing limit reached", "credential"),
        (403, "forbidden", "credential"),
        (404, "model 'nonexistent' not found, make sure the correct model ID was used", "model_missing"),
        (400, "model 'x' not found", "model_missing"),
        (400, "too many tokens: total number of tokens in the prompt cannot exceed 128000", "context_window"),
        (422, "message: maximum context length is 128000", "context_window"),
        (400, "invalid request: messages must not be empty", "client"),
        (422, "unprocessable", "client"),
        (400, "blocked output: please rephrase", "content_policy"),
        (498, "blocked", "content_policy"),
        (429, "You are using a Trial key, which is limited to 10 API calls / minute.", "rate"),
        (499, "client closed request", "transient"),
        (500, "internal server error", "transient"),
        (503, "service unavailable", "overload"),
        (504, "gateway timeout", "transient"),
        (0, "something broke", "transient"),
    ],
)
def test_each_failure_has_its_class(status: int, message: str, kind: str):
    failed = read_error(status, [], json.dumps({"id": "1", "message": message}).encode())
    assert (failed.kind, failed.status, failed.message) == (kind, status, message)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"message":7}', b"\xff"])
def test_no_body_of_the_api_leaves_the_status(body: bytes):
    assert read_error(503, [], body).kind == "overload"
    assert read_error(400, [], body).kind == "client"
