"""Refusals of the api gate, as clients read them."""

import json

from tests.builders import make_exchange

from triplegate.core.admission import Claim, Limit, Standing
from triplegate.core.errors import Fault, Refusal
from triplegate.gates.api.refusals import problem_reply
from triplegate.wire.problem_style import Style


def drawn(refusal, *headers, standings=()):
    exchange = make_exchange(headers=headers)
    exchange.standings = standings
    reply = problem_reply(exchange, refusal)
    return reply, dict(reply.headers)


async def test_a_refusal_is_a_problem_with_the_request_as_its_instance():
    refusal = Refusal("invalid_body", "No.", reason="secret", errors=(Fault("/a", "bad"),), payload={"more": 1})
    reply, fields = drawn(refusal)
    text = json.loads(await anext(reply.frames))
    assert (reply.status, reply.source) == (400, "local")
    assert text["type"] == "https://triplegate.dev/problems/invalid-body"
    assert (text["status"], text["detail"], text["instance"], text["more"]) == (400, "No.", "urn:request:r1", 1)
    assert text["errors"] == [{"pointer": "/a", "detail": "bad"}]
    assert "secret" not in json.dumps(text)
    assert fields[b"content-type"] == b"application/problem+json"
    assert (fields[b"cache-control"], fields[b"server"]) == (b"no-store", b"triplegate")


def test_401_carries_a_challenge_unless_it_brings_its_own():
    _, fields = drawn(Refusal("unauthenticated"))
    assert fields[b"www-authenticate"] == b'Bearer realm="triplegate"'
    own, _ = drawn(Refusal("unauthenticated", headers=[(b"www-authenticate", b"DPoP")]))
    assert [value for name, value in own.headers if name == b"www-authenticate"] == [b"DPoP"]
    _, fields = drawn(Refusal("forbidden"))
    assert b"www-authenticate" not in fields


def test_a_wait_is_never_shorter_than_a_denied_buckets():
    standing = Standing(Claim("b", Limit("l", "rate", "requests", 1, 60.0)), 0, 29.2, denied=True)
    _, fields = drawn(Refusal("quota_exceeded", retry_after=3.0), standings=(standing,))
    assert fields[b"retry-after"] == b"30"
    _, fields = drawn(Refusal("quota_exceeded", retry_after=0.01))
    assert fields[b"retry-after"] == b"1"
    _, fields = drawn(Refusal("forbidden"))
    assert b"retry-after" not in fields


def test_json_is_written_for_those_who_ask_for_it():
    _, fields = drawn(Refusal("forbidden"), (b"accept", b"application/json"))
    assert fields[b"content-type"] == b"application/json"


async def test_an_api_tells_problems_in_its_own_style():
    exchange = make_exchange()
    reply = problem_reply(exchange, Refusal("forbidden"), Style("https://errors.acme.test/"))
    assert json.loads(await anext(reply.frames))["type"] == "https://errors.acme.test/forbidden"
