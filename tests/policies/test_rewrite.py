"""Host and path are rewritten, and never to a place that was not meant."""

import pytest
from pydantic import ValidationError
from tests.builders import make_exchange
from tests.gates.built import always, answer, built
from tests.hostile.scripted import Upstream

from triplegate.core.errors import Refusal
from triplegate.policies.rewrite import Rewrite


def text(policies, url, match="{path: /api}", service="service: s"):
    return f"""services: {{s: {{endpoints: ["{url}"]}}}}
routes: {{r: {{{service}, match: {match}, identity: none, owner: web, policies: [{policies}]}}}}
"""


@pytest.mark.parametrize(
    ("rewrite", "path", "target", "host"),
    [
        ("prefix: /v1", "/api/orders", b"/v1/orders", None),
        ("prefix: /v1", "/api", b"/v1", None),
        ("prefix: /", "/api/orders/", b"/orders/", None),
        ("path: /one", "/api/orders", b"/one", None),
        ("host: 'inner.test:81'", "/api", b"/api", b"inner.test:81"),
        ("host: inner.test, prefix: /v1", "/api/x", b"/v1/x", b"inner.test"),
    ],
)
async def test_rt12_host_path_and_prefix_are_rewritten_and_the_query_stays(tmp_path, rewrite, path, target, host):
    async with Upstream(always(answer(b"ok"))) as upstream:
        async with built(tmp_path, text(f"{{use: rewrite, {rewrite}}}", upstream.url)) as made:
            await made.serve("GET", path, key=False)
        received = upstream.talks[0].received
    assert received.startswith(b"GET " + target + b" HTTP/1.1\r\n")
    assert host is None or b"\r\nhost: " + host + b"\r\n" in received.lower()


async def test_one_service_of_a_route_may_have_its_own_rewrite(tmp_path):
    service = "services: [{service: s, policies: [{use: rewrite, prefix: /v2, host: own.test}]}]"
    async with Upstream(always(answer(b"ok"))) as upstream:
        written = text("{use: rewrite, prefix: /v1}", upstream.url, service=service)
        async with built(tmp_path, written) as made:
            await made.serve("GET", "/api/x", key=False)
        received = upstream.talks[0].received
    assert received.startswith(b"GET /v2/x HTTP/1.1\r\n")
    assert b"\r\nhost: own.test\r\n" in received.lower()


@pytest.mark.parametrize("path", ["/api/../secret", "/api/%2e%2e/secret"])
def test_p13_a_path_that_would_leave_its_prefix_is_refused(path):
    exchange = make_exchange(path=path)
    exchange.matched = "/api"
    with pytest.raises(Refusal) as caught:
        Rewrite(prefix="/public").decide(exchange)
    assert caught.value.code == "ambiguous_path"


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"path": "/a", "prefix": "/b"},
        {"path": "/a/../b"},
        {"prefix": "b"},
        {"prefix": "/a?b"},
        {"host": "keep"},
        {"host": "upstream"},
        {"host": "a\r\nx: y"},
    ],
)
def test_what_cannot_be_sent_is_refused(wrong):
    with pytest.raises(ValidationError):
        Rewrite.model_validate(wrong)


def test_it_cannot_merely_observe():
    with pytest.raises(ValidationError, match="enforce"):
        Rewrite.model_validate({"host": "a", "mode": "observe"})
