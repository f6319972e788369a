"""What Bedrock's failures mean."""

import json

import pytest

from triplegate.wire.bedrock_errors import read_error, read_exception

KINDS = [
    (429, "ThrottlingException", "Too many tokens, please wait before trying again.", "rate"),
    (429, "ThrottlingException:http://internal.amazon.com/coral/", "Too many requests", "rate"),
    (400, "ServiceQuotaExceededException", "", "rate"),
    (429, "ModelNotReadyException", "The model is not ready.", "overload"),
    (503, "ServiceUnavailableException", "Bedrock is unable to process your request.", "overload"),
    (500, "InternalServerException", "", "transient"),
    (424, "ModelErrorException", "The model failed.", "transient"),
    (408, "ModelTimeoutException", "Model has timed out", "transient"),
    (404, "ResourceNotFoundException", "Could not resolve the foundation model", "model_missing"),
    (403, "AccessDeniedException", "You don't have access to the model with the specified model ID.", "model_missing"),
    (403, "AccessDeniedException", "User: … is not authorized to perform: bedrock:InvokeModel", "credential"),
    (403, "UnrecognizedClientException", "The security token included in the request is invalid.", "credential"),
    (403, "com.amazon.coral.service#ExpiredTokenException", "expired", "credential"),
    (403, "InvalidSignatureException", "The request signature we calculated does not match", "credential"),
    (400, "ValidationException", "The provided model identifier is invalid.", "model_missing"),
    (
        400,
        "ValidationException",
        "Invocation of model ID x with on-demand throughput isn’t supported.",
        "model_missing",
    ),
    (400, "ValidationException", "Input is too long for requested model.", "context_window"),
    (400, "ValidationException", "The model returned: prompt is too long: 2 tokens > 1 maximum", "context_window"),
    (400, "ValidationException", "input length and `max_tokens` exceed context limit: 5 + 6 > 10", "context_window"),
    (400, "ValidationException", "Output blocked by content filtering policy", "content_policy"),
    (
        400,
        "ValidationException",
        "The maximum tokens you requested exceeds the model limit of 8192.",
        "client",
    ),
    (400, "ValidationException", "A conversation must start with a user message.", "client"),
    (400, "", "Bad", "client"),
    (413, "", "", "client"),
    (401, "", "", "credential"),
    (402, "", "", "credential"),
    (502, "", "", "transient"),
    (529, "", "", "overload"),
]


@pytest.mark.parametrize(("status", "name", "message", "kind"), KINDS)
def test_the_name_the_text_and_the_status_say_what_it_means(status: int, name: str, message: str, kind: str):
    body = json.dumps({"message": message}).encode()
    failed = read_error(status, [(b"x-amzn-errortype", name.encode())] if name else [], body)
    assert (failed.kind, failed.status, failed.message) == (kind, status, message)
    assert failed.code == name.partition(":")[0].rpartition("#")[2]


def test_the_name_may_stand_in_the_body_and_the_message_may_be_big():
    failed = read_error(429, [], b'{"__type":"x#ThrottlingException","Message":"Slow down"}')
    assert (failed.kind, failed.code, failed.message) == ("rate", "ThrottlingException", "Slow down")


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"message":7}', b"\xff", b"[" * 5000])
def test_it_never_raises(body: bytes):
    assert read_error(503, [], body).kind == "overload"
    assert read_exception("", body).kind == "transient"


@pytest.mark.parametrize(
    ("name", "payload", "kind"),
    [
        ("throttlingException", b'{"message":"Slow"}', "rate"),
        ("serviceUnavailableException", b"{}", "overload"),
        ("internalServerException", b"{}", "transient"),
        (
            "modelStreamErrorException",
            b'{"originalMessage":"Input is too long","originalStatusCode":400}',
            "context_window",
        ),
        ("modelStreamErrorException", b'{"message":"x","originalStatusCode":529}', "overload"),
        ("validationException", b'{"message":"Input is too long for requested model."}', "context_window"),
        ("validationException", b'{"message":"Bad"}', "client"),
        ("neverHeardOfException", b'{"message":"x"}', "transient"),
    ],
)
def test_exceptions_within_a_stream_mean_the_same(name: str, payload: bytes, kind: str):
    failed = read_exception(name, payload)
    if b"originalMessage" in payload:
        assert failed.message == "Input is too long"
    assert (failed.kind, failed.status, failed.code) == (kind, 0, name)
