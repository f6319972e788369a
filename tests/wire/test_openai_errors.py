"""Errors as OpenAI's own client reads them."""

import json
from collections.abc import Callable, Iterator

import httpx2
import openai
import pytest

from triplegate.core.errors import CODES, Fault, Refusal
from triplegate.wire import openai_errors


@pytest.fixture
def answering() -> Iterator[Callable[[httpx2.Response], openai.OpenAI]]:
    clients: list[openai.OpenAI] = []

    def client(response: httpx2.Response) -> openai.OpenAI:
        transport = httpx2.MockTransport(lambda _: response)
        made = openai.OpenAI(
            api_key="x", base_url="http://gate.test/v1", max_retries=0, http_client=httpx2.Client(transport=transport)
        )
        clients.append(made)
        return made

    yield client
    for made in clients:
        made.close()


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("unauthenticated", openai.AuthenticationError),
        ("forbidden", openai.PermissionDeniedError),
        ("model_not_found", openai.NotFoundError),
        ("invalid_body", openai.BadRequestError),
        ("quota_exceeded", openai.RateLimitError),
        ("upstream_unreachable", openai.InternalServerError),
    ],
)
def test_the_official_client_raises_its_own_kind(
    answering: Callable[[httpx2.Response], openai.OpenAI], code: str, kind: type[openai.APIStatusError]
) -> None:
    refusal = Refusal(code, "Because.")
    client = answering(
        httpx2.Response(
            refusal.status, content=openai_errors.body(refusal), headers={"content-type": "application/json"}
        )
    )
    with pytest.raises(kind) as caught:
        client.chat.completions.create(model="m", messages=[])
    assert caught.value.code == code
    assert caught.value.type == CODES[code].openai
    assert "Because." in caught.value.message


def test_the_official_client_raises_on_an_error_inside_a_stream(
    answering: Callable[[httpx2.Response], openai.OpenAI],
) -> None:
    event = openai_errors.event(Refusal("upstream_reset", "The upstream went away.\nReally."))
    client = answering(httpx2.Response(200, content=event, headers={"content-type": "text/event-stream"}))
    with pytest.raises(openai.APIError, match="went away"):
        list(client.chat.completions.create(model="m", messages=[], stream=True))


def test_the_wrong_field_is_named() -> None:
    assert json.loads(openai_errors.body(Refusal("model_not_found")))["error"] == {
        "message": "No such model",
        "type": "invalid_request_error",
        "param": "model",
        "code": "model_not_found",
    }
    faulty = Refusal("invalid_body", errors=(Fault("/messages/0/role", "unknown"),))
    assert json.loads(openai_errors.body(faulty))["error"]["param"] == "messages.0.role"
    assert json.loads(openai_errors.body(Refusal("internal")))["error"]["param"] is None
