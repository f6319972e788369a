"""A refusal looks as the dialect that was called says it."""

import json

import pytest
from tests.builders import make_exchange, make_inbound

from triplegate.core.errors import Refusal
from triplegate.gates.llm.telling import only, refused


@pytest.mark.parametrize(
    ("family", "kind", "where"),
    [("openai", "rate_limit_error", "type"), ("openai_responses", "rate_limit_error", "type")],
)
def test_openai_and_its_relatives_share_one_shape(family, kind, where):
    reply = refused(make_exchange(), Refusal("quota_exceeded", "slow down", retry_after=2.0), family)
    content = json.loads(reply.frames._content)
    assert (reply.status, content["error"][where], content["error"]["message"]) == (429, kind, "slow down")
    assert (dict(reply.headers)[b"retry-after"], dict(reply.headers)[b"retry-after-ms"]) == (b"2", b"2000")
    short = dict(refused(make_exchange(), Refusal("quota_exceeded", retry_after=0.0203), family).headers)
    assert (short[b"retry-after"], short[b"retry-after-ms"]) == (b"1", b"21")


def test_anthropics_shape_has_a_type_and_the_request_id():
    reply = refused(make_exchange(), Refusal("unauthenticated", "who are you?"), "anthropic")
    content = json.loads(reply.frames._content)
    assert (reply.status, content["type"], content["error"]["type"]) == (401, "error", "authentication_error")
    assert content["request_id"] == "r1"
    assert dict(reply.headers)[b"www-authenticate"].startswith(b"Bearer")


def test_a_path_says_by_which_methods_it_is_called():
    assert only(make_inbound("POST"), "GET", "POST") is None
    refusal = only(make_inbound("PUT"), "GET", "POST")
    assert (refusal.status, refusal.headers) == (405, [(b"allow", b"GET, POST")])
