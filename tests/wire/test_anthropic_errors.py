"""Errors as Anthropic's own client reads them."""

import json

import anthropic
import httpx2
import pytest

from triplegate.core.errors import Refusal
from triplegate.wire import anthropic_errors


def client(response: httpx2.Response) -> anthropic.Anthropic:
    transport = httpx2.MockTransport(lambda _: response)
    return anthropic.Anthropic(
        api_key="x", base_url="http://gate.test", max_retries=0, http_client=httpx2.Client(transport=transport)
    )


@pytest.mark.parametrize(
    ("code", "kind", "named"),
    [
        ("unauthenticated", anthropic.AuthenticationError, "authentication_error"),
        ("model_not_found", anthropic.NotFoundError, "not_found_error"),
        ("quota_exceeded", anthropic.RateLimitError, "rate_limit_error"),
        ("body_too_large", anthropic.RequestTooLargeError, "request_too_large"),
        ("upstream_timeout", anthropic.DeadlineExceededError, "timeout_error"),
        ("overloaded", anthropic.ServiceUnavailableError, "overloaded_error"),
    ],
)
def test_the_official_client_raises_its_own_kind(code: str, kind: type[anthropic.APIStatusError], named: str) -> None:
    refusal = Refusal(code, "Because.")
    content = anthropic_errors.body(refusal, "req_1")
    response = httpx2.Response(refusal.status, content=content, headers={"content-type": "application/json"})
    with client(response) as one, pytest.raises(kind) as caught:
        one.messages.create(model="m", max_tokens=1, messages=[])
    assert caught.value.body == {
        "type": "error",
        "error": {"type": named, "message": "Because."},
        "request_id": "req_1",
    }


def test_the_official_client_raises_on_an_error_event() -> None:
    event = anthropic_errors.event(Refusal("upstream_reset", "It went away.\nReally."))
    response = httpx2.Response(200, content=event, headers={"content-type": "text/event-stream"})
    with client(response) as one, pytest.raises(anthropic.APIStatusError, match="went away"):
        list(one.messages.create(model="m", max_tokens=1, messages=[], stream=True))


def test_without_a_detail_the_title_speaks() -> None:
    assert json.loads(anthropic_errors.body(Refusal("internal"))) == {
        "type": "error",
        "error": {"type": "api_error", "message": "The gateway failed"},
    }
