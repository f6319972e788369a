"""Redirects say where to ask, and keep what was not written."""

import pytest
from msgspec.structs import replace
from pydantic import ValidationError
from tests.builders import make_exchange, make_inbound
from tests.gates.built import built

from triplegate.core.errors import Refusal
from triplegate.policies.redirect import Redirect


@pytest.mark.parametrize(
    ("written", "scheme", "port", "location"),
    [
        ({"scheme": "https"}, "http", None, b"https://a.test/api/x?q=1"),
        ({"scheme": "https"}, "http", 8080, b"https://a.test/api/x?q=1"),
        ({"scheme": "https", "port": 443}, "http", 80, b"https://a.test/api/x?q=1"),
        ({"scheme": "https", "port": 8443}, "http", 80, b"https://a.test:8443/api/x?q=1"),
        ({"scheme": "http", "port": 80}, "https", None, b"http://a.test/api/x?q=1"),
        ({"hostname": "b.test"}, "http", 8080, b"http://b.test:8080/api/x?q=1"),
        ({"hostname": "b.test"}, "http", 80, b"http://b.test/api/x?q=1"),
        ({"hostname": "b.test"}, "https", 443, b"https://b.test/api/x?q=1"),
        ({"port": 8083}, "http", None, b"http://a.test:8083/api/x?q=1"),
        ({"port": 80}, "https", None, b"https://a.test:80/api/x?q=1"),
        ({"path": "/new"}, "http", None, b"http://a.test/new?q=1"),
        ({"prefix": "/v2"}, "http", None, b"http://a.test/v2/x?q=1"),
        ({"prefix": "/"}, "http", None, b"http://a.test/x?q=1"),
    ],
)
def test_rt12_a_location_has_what_was_written_and_no_needless_port(written, scheme, port, location):
    inbound = replace(make_inbound(path="/api/x"), scheme=scheme, port=port, query=b"q=1")
    assert Redirect.model_validate(written).location(inbound, "/api") == location


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
async def test_a_route_that_redirects_needs_no_service_and_asks_nobody(tmp_path, code):
    text = f"""routes:
  r: {{match: {{path: /r}}, policies: [{{use: key_auth}}, {{use: redirect, scheme: https, code: {code}}}]}}
"""
    async with built(tmp_path, text) as made:
        exchange, wire = await made.serve("GET", "/r", key=False)
    assert (wire.status, wire.field(b"location"), wire.content) == (code, b"https://a.test/r", b"")
    assert (exchange.outcome, exchange.attempts) == ("ok", [])


def test_p13_a_path_that_would_leave_its_prefix_is_refused():
    exchange = make_exchange(path="/api/../x")
    with pytest.raises(Refusal):
        Redirect(prefix="/v2").location(exchange.inbound, "/api")


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"path": "/a", "prefix": "/b"},
        {"scheme": "ftp"},
        {"hostname": "a:80"},
        {"hostname": "*.a"},
        {"port": 0},
        {"code": 304, "port": 1},
    ],
)
def test_a_redirect_leads_somewhere(wrong):
    with pytest.raises(ValidationError):
        Redirect.model_validate(wrong)


def test_it_cannot_merely_observe():
    with pytest.raises(ValidationError, match="enforce"):
        Redirect.model_validate({"port": 1, "mode": "observe"})
