"""A call's bytes on their way out: only what the server's side owns is changed."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.builders import make_exchange

from triplegate.gates.mcp.call import Item, McpCall, OwnItem
from triplegate.gates.mcp.requests import legacy_request, modern_request
from triplegate.gates.mcp.server import UpstreamSession
from triplegate.wire.json_members import encode, read_members
from triplegate.wire.jsonrpc import read, read_params

TOOL = Item("tool", "files__r", None, OwnItem("grüße", b"", ()), b"", '"grüße"'.encode(), b"=?base64?Z3LDvMOfZQ==?=")
ENVELOPE = b'{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}'


def called(text, era):
    env = read(text)
    params = read_params(env)
    meta = read_members(bytes(params["_meta"])) if "_meta" in params else {}
    return McpCall("request", era, env.method, bytes(env.id), env, params, meta)


def exchange():
    made = make_exchange()
    made.trace, made.request_id = b"00-a-b-00", b"r"
    return made


@pytest.mark.parametrize("space", [b"", b" ", b"\n\t"])
def test_a_modern_call_to_a_modern_server_changes_its_name_only(space):
    text = b'{"jsonrpc":"2.0","id":"x",%b"method":"tools/call","params":{"name"%b:"files__r","_meta":%b,"a":1.50}}'
    headers, body = modern_request(exchange(), called(text % (space, space, ENVELOPE), "modern"), TOOL)
    assert body == (text % (space, space, ENVELOPE)).replace(b'"files__r"', '"grüße"'.encode())
    assert dict(headers)[b"mcp-name"] == b"=?base64?Z3LDvMOfZQ==?="


def test_a_session_call_to_a_modern_server_gets_the_envelope():
    text = b'{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"files__r"}}'
    _, body = modern_request(exchange(), called(text, "legacy"), TOOL)
    env = read(body)
    meta = read_members(bytes(read_params(env)["_meta"]))
    assert bytes(meta["io.modelcontextprotocol/protocolVersion"]) == b'"2026-07-28"'
    assert bytes(env.id) == b"3"


def test_a_modern_call_to_a_legacy_server_loses_the_envelope_and_gets_our_id():
    text = b'{"jsonrpc":"2.0","id":"x","method":"tools/call","params":{"_meta":%b,"name":"files__r","arguments":{}}}'
    session = UpstreamSession(b"s1", "2025-06-18")
    headers, body = legacy_request(exchange(), called(text % ENVELOPE, "modern"), TOOL, session, 41)
    assert body == ('{"jsonrpc":"2.0","id":41,"method":"tools/call","params":{"name":"grüße","arguments":{}}}'.encode())
    assert dict(headers)[b"mcp-session-id"] == b"s1"
    assert dict(headers)[b"mcp-protocol-version"] == b"2025-06-18"
    assert b"mcp-name" not in dict(headers)


def test_between_two_sessions_only_name_and_number_change():
    text = b'{"jsonrpc": "2.0", "id": "x", "method": "tools/call", "params": {"name": %b, "_meta": {}}, "b": 1.50}'
    session = UpstreamSession(b"s1", "2025-06-18")
    for name in (b'"files__r"', TOOL.raw_name):
        headers, body = legacy_request(exchange(), called(text % name, "legacy"), TOOL, session, 41)
        assert body == (text % TOOL.raw_name).replace(b'"x"', b"41")
        assert headers == [*session.headers, (b"x-request-id", b"r"), (b"traceparent", b"00-a-b-00")]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.text(), JSON, max_size=4))
def test_whatever_the_arguments_are_they_stay_the_same_bytes(arguments):
    raw = encode(arguments)
    for era, meta in (("modern", b'"_meta":%b,' % ENVELOPE), ("legacy", b"")):
        text = b'{"method":"tools/call","params":{%b"arguments":%b,"name":"files__r"},"id":1,"jsonrpc":"2.0"}' % (
            meta,
            raw,
        )
        call = called(text, era)
        sent = [modern_request(exchange(), call, TOOL)[1]]
        sent.append(legacy_request(exchange(), call, TOOL, UpstreamSession(b"", "2025-11-25"), 9)[1])
        for body in sent:
            params = read_params(read(body))
            assert bytes(params["arguments"]) == raw
            assert bytes(params["name"]) == '"grüße"'.encode()


@pytest.mark.parametrize(
    ("method", "kind", "said", "sent", "header"),
    [
        ("prompts/get", "prompt", b'"name":"files__p"', b'"name":"p"', b"p"),
        ("resources/read", "resource", b'"uri":"mcp+files:a:b"', b'"uri":"p"', b"p"),
        ("completion/complete", "prompt", b'"ref":{"type":"ref/prompt","name":"files__p"}',
         b'"ref":{"type":"ref/prompt","name":"p"}', None),
        ("completion/complete", "template", b'"ref":{"type":"ref/resource","uri":"mcp+files:a"}',
         b'"ref":{"type":"ref/resource","uri":"p"}', None),
    ],
)  # fmt: skip
def test_each_method_names_its_item_in_its_own_way(method, kind, said, sent, header):
    text = b'{"jsonrpc":"2.0","id":1,"method":"%b","params":{"_meta":%b,%b}}'
    item = Item(kind, "", None, OwnItem("p", b""), b"", b'"p"', b"p")
    call = called(text % (method.encode(), ENVELOPE, said), "modern")
    headers, body = modern_request(exchange(), call, item)
    assert body == text % (method.encode(), ENVELOPE, sent)
    assert dict(headers).get(b"mcp-name") == header
    assert dict(headers)[b"mcp-method"] == method.encode()


@pytest.mark.parametrize("era", ["modern", "legacy"])
def test_a_call_that_is_traced_names_our_span_within_the_message(era):
    traced = exchange()
    traced.trace, traced.caller_trace = b"00-a-b-01", b"00-a-c-01"
    text = b'{"jsonrpc":"2.0","id":"x","method":"tools/call","params":{"name":"files__r","_meta":%b}}' % ENVELOPE
    asked = called(text, era)
    for _, body in (
        modern_request(traced, asked, TOOL),
        legacy_request(traced, asked, TOOL, UpstreamSession(b"s1", "2025-06-18"), 5),
    ):
        assert json.loads(body)["params"]["_meta"]["traceparent"] == "00-a-b-01"
