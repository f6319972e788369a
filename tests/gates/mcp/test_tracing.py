"""A trace goes through the gateway within the messages: client → gateway → server."""

from types import SimpleNamespace

import msgspec
import pytest

from triplegate.gates.mcp.tracing import join_trace, traced_meta

CLIENTS = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
OURS = b"00-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-bbbbbbbbbbbbbbbb-00"


def exchange():
    return SimpleNamespace(caller_trace=b"", trace=OURS)


def test_the_client_s_trace_goes_on_with_a_span_of_ours():
    one = exchange()
    join_trace(one, msgspec.Raw(msgspec.json.encode(CLIENTS)))
    assert one.caller_trace == CLIENTS.encode()
    assert one.trace.split(b"-")[1] == CLIENTS.encode().split(b"-")[1]
    assert one.trace.split(b"-")[2] != CLIENTS.encode().split(b"-")[2]
    assert one.trace.endswith(b"-01")
    meta = traced_meta(one, b'{"x": 1.50,"traceparent":"%b"}' % CLIENTS.encode())
    assert meta == b'{"x": 1.50,"traceparent":"%b"}' % one.trace


@pytest.mark.parametrize("said", [b'"00-zz-yy-01"', b"7", b'"\\u00e9"', b'{"a":1}', b'"%b"' % (b"0" * 55)])
def test_what_is_no_trace_is_left_alone(said):
    one = exchange()
    join_trace(one, msgspec.Raw(said))
    assert (one.caller_trace, one.trace) == (b"", OURS)


def test_where_nobody_asked_for_a_trace_nothing_is_said():
    one = exchange()
    assert traced_meta(one, b'{"x":1}') is None
    one.trace = OURS[:-2] + b"01"
    assert traced_meta(one, b"") == b'{"traceparent":"%b"}' % one.trace
