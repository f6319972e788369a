"""What the service sees of a call's fields, and the client of the answer's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.builders import make_exchange

from triplegate.core.errors import Refusal
from triplegate.core.identity import Principal
from triplegate.gates.api import outgoing
from triplegate.gates.api.outgoing import reply_fields, request_fields

KEY = b"tg_live_abcdefghij_secret"


def sent(*headers, trusted=(), method="key"):
    exchange = make_exchange(
        headers=headers, principal=Principal("acme", "web", "ci", method=method, team_ref="acme/web")
    )
    exchange.trace = b"00-a-b-00"
    return request_fields(exchange, trusted)


def values(fields, name):
    return [value for key, value in fields if key == name]


@pytest.mark.parametrize("method", ["key", "jwt", "none"])
@pytest.mark.parametrize(
    "line",
    [
        (b"authorization", b"Bearer " + KEY),
        (b"authorization", b"bearer   " + KEY),
        (b"authorization", b"Bearer " + KEY + b" \t"),
        (b"authorization", KEY),
        (b"x-api-key", KEY),
        (b"x-api-key", b" " + KEY),
        (b"api-key", KEY),
        (b"x-goog-api-key", KEY),
        (b"authorization", b'Bearer key="' + KEY + b'"'),
    ],
)
def test_a_virtual_key_stays_here_whoever_the_caller_is(line, method):
    for other in ((b"accept", b"*/*"), (b"via", b"1.1 proxy")):  # what comes by a proxy is looked at closer
        assert all(b"tg_" not in value for _, value in sent(line, other, method=method))


@pytest.mark.parametrize(
    "line", [(b"authorization", b"Bearer eyJ"), (b"authorization", b"Basic dGdf"), (b"x-api-key", b"theirs")]
)
def test_the_services_own_credentials_pass(line):
    assert line in sent(line, method="none")


NAMES = sorted({*outgoing._NOTED, b"x-triplegate-plan", b"x-triplegat", b"accept", b"cookie", b"x-mine", b"mine"})
VALUES = [b"", b"close", b"keep-alive", b"x-mine", b"close, mine", b"trailers", b"1.1 other", KEY, b"Bearer " + KEY]


@given(st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(VALUES)), max_size=8))
def test_the_quick_way_keeps_what_the_careful_one_does(headers):
    inbound = make_exchange(headers=headers).inbound
    quick = outgoing._usual_fields(inbound)
    assert quick in (None, outgoing._passed_on(inbound, trusts=False))
    assert quick is not None or any(name in (b"via", b"connection") for name, _ in headers)


def test_ours_are_written_anew_and_a_strangers_are_not_believed():
    fields = sent((b"x-request-id", b"theirs"), (b"x-forwarded-for", b"6.6.6.6"), (b"forwarded", b"for=6.6.6.6"))
    assert values(fields, b"x-request-id") == [b"r1"]
    assert values(fields, b"traceparent") == [b"00-a-b-00"]
    assert values(fields, b"x-forwarded-for") == [b"192.0.2.7"]
    assert values(fields, b"forwarded") == []
    assert values(fields, b"via") == [b"1.1 triplegate"]


def test_a_trusted_proxys_are_kept_and_continued():
    fields = sent((b"x-forwarded-for", b"6.6.6.6"), (b"x-forwarded-proto", b"https"), trusted={"192.0.2.7"})
    assert values(fields, b"x-forwarded-for") == [b"6.6.6.6, 192.0.2.7"]
    assert values(fields, b"x-forwarded-proto") == [b"https"]


def test_a_call_that_passed_here_twice_goes_in_circles():
    sent((b"via", b"1.1 triplegate"))
    with pytest.raises(Refusal) as caught:
        sent((b"via", b"1.1 triplegate, 1.1 other, 1.1 triplegate"))
    assert caught.value.code == "loop_detected"


def test_the_answer_keeps_its_own_fields_and_gets_the_hop():
    fields = reply_fields(
        [
            (b"content-type", b"text/html"),
            (b"connection", b"x-hop"),
            (b"x-hop", b"1"),
            (b"set-cookie", b"a"),
            (b"set-cookie", b"b"),
            (b"x-request-id", b"theirs"),
            (b"transfer-encoding", b"chunked"),
        ]
    )
    assert fields == [
        (b"content-type", b"text/html"),
        (b"set-cookie", b"a"),
        (b"set-cookie", b"b"),
        (b"server", b"triplegate"),
        (b"via", b"1.1 triplegate"),
    ]


def test_a_services_own_name_is_kept():
    assert values(reply_fields([(b"server", b"nginx"), (b"via", b"1.0 cdn")]), b"server") == [b"nginx"]
    assert values(reply_fields([(b"via", b"1.0 cdn")]), b"via") == [b"1.0 cdn, 1.1 triplegate"]
