"""What a call is tied to its endpoint by, and the cookie that is given to those who have none."""

import msgspec
import pytest
from tests.builders import make_exchange

from triplegate.config.documents_service import HashDocument
from triplegate.core.identity import Principal
from triplegate.gates.api.affinity import affinity, cookie


def exchange(headers=(), query=b"", **more):
    made = make_exchange(headers=headers, **more)
    return msgspec.structs.replace(made, inbound=msgspec.structs.replace(made.inbound, query=query))


def key(call, **written):
    return affinity(HashDocument.model_validate(written))(call)


def test_a_header_a_cookie_or_a_parameter():
    call = exchange([(b"x-user", b"u1"), (b"cookie", b"a=1; sid=s1")], b"x=1&id=a%20b&id=2")
    assert key(call, header="X-User") == b"u1"
    assert key(call, cookie="sid") == b"s1"
    assert key(call, query="id") == b"a b"


def test_the_caller_the_address_or_the_path():
    call = exchange(client="192.0.2.9", path="/orders/1")
    assert key(call, by="consumer") == b"acme/web/alice"
    assert key(call, by="address") == b"192.0.2.9"
    assert key(call, by="path") == b"/orders/1"


@pytest.mark.parametrize("written", [{"header": "x-user"}, {"cookie": "sid"}, {"query": "id"}])
def test_a_call_without_one_has_no_key(written):
    assert key(exchange(query=b"idx=1"), **written) is None


def test_those_without_a_name_are_not_one_caller():
    nobody = Principal("acme", "web", "anonymous", method="none", team_ref="acme/web")
    assert key(exchange(principal=nobody), by="consumer") is None


def test_a_cookie_is_given_once_to_a_call_that_has_none():
    find = affinity(HashDocument(cookie="sid", ttl=90))
    call = exchange()
    first = find(call)
    assert find(call) == first  # at a retry
    assert call.reply_headers == [
        (b"set-cookie", b"sid=" + first + b"; Path=/; Max-Age=90; HttpOnly; SameSite=Lax"),
    ]
    assert find(exchange()) != first
    known = exchange([(b"cookie", b"sid=" + first)])
    assert (find(known), known.reply_headers) == (first, [])


def test_over_https_the_cookie_stays_there():
    call = exchange()
    call = msgspec.structs.replace(call, inbound=msgspec.structs.replace(call.inbound, scheme="https"))
    affinity(HashDocument(cookie="sid", ttl=90))(call)
    assert call.reply_headers[0][1].endswith(b"; Secure")


def test_the_first_cookie_of_a_name_counts_and_an_empty_one_does_not():
    assert cookie([(b"cookie", b"sid=; b=2"), (b"cookie", b"sid=x; sid=y")], b"sid") == b"x"
    assert cookie([(b"cookie", b"xsid=1")], b"sid") is None
