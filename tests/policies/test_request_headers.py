"""Request fields are edited where the request goes out."""

import pytest
from pydantic import ValidationError
from tests.gates.built import always, answer, built
from tests.hostile.scripted import Upstream

from triplegate.policies.request_headers import RequestHeaders

OK = answer(b"ok")


def text(policies, url, service="service: s"):
    return f"""services: {{s: {{endpoints: ["{url}"]}}, t: {{endpoints: ["{url}"]}}}}
routes: {{r: {{{service}, match: {{path: /r}}, identity: none, owner: web, policies: [{policies}]}}}}
"""


async def test_fields_are_set_added_and_removed_whatever_their_case(tmp_path):
    policies = "{use: request_headers, set: {X-Set: a}, add: {X-Add: b}, remove: [X-GONE]}"
    sent = [(b"x-set", b"1"), (b"x-set", b"2"), (b"x-add", b"1"), (b"x-gone", b"1"), (b"x-kept", b"1")]
    async with Upstream(always(OK)) as upstream, built(tmp_path, text(policies, upstream.url)) as made:
        await made.serve("GET", "/r", key=False, headers=sent)
        head = upstream.talks[0].received.lower()
    assert head.count(b"x-set:") == 1
    assert b"x-set: a\r\n" in head
    assert b"x-add: 1\r\n" in head
    assert b"x-add: b\r\n" in head
    assert b"x-gone" not in head
    assert b"x-kept: 1\r\n" in head


async def test_several_of_them_are_made_in_their_order(tmp_path):
    policies = "{use: request_headers, set: {x-a: first}}, {use: request_headers, set: {x-a: second}}"
    async with Upstream(always(OK)) as upstream, built(tmp_path, text(policies, upstream.url)) as made:
        await made.serve("GET", "/r", key=False)
        assert upstream.talks[0].received.lower().count(b"x-a: second\r\n") == 1
        assert b"first" not in upstream.talks[0].received


async def test_each_service_of_a_route_gets_its_own(tmp_path):
    own = "policies: [{use: request_headers, set: {x-side: %s}}, {use: response_headers, set: {x-by: %s}}]"
    service = (
        "services: [{service: down, weight: 1, "
        + own % ("down", "down")
        + "}, {service: t, weight: 1, "
        + own % ("t", "t")
        + "}]"
    )
    async with Upstream(always(OK)) as upstream:
        written = text("{use: request_headers, set: {x-all: y}}", upstream.url, service)
        written = written.replace("services: {", 'services: {down: {endpoints: ["http://127.0.0.1:1"]}, ', 1)
        async with built(tmp_path, written) as made:
            for _ in range(4):
                exchange, wire = await made.serve("GET", "/r", key=False)
                assert (exchange.target, wire.field(b"x-by")) == ("t", b"t")
        received = b"".join(talk.received for talk in upstream.talks).lower()
    assert received.count(b"x-side: t\r\n") == received.count(b"x-all: y\r\n") == 4
    assert b"x-side: down" not in received


def test_a_credential_in_it_is_doubted():
    assert list(RequestHeaders.model_validate({"set": {"Authorization": "x", "x-a": "1"}}).doubts()) == [
        "authorization stands here for all to read"
    ]


def test_it_cannot_merely_observe():
    with pytest.raises(ValidationError, match="enforce"):
        RequestHeaders.model_validate({"set": {"x-a": "1"}, "mode": "observe"})
