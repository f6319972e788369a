"""MCP's mirrored headers, against the SDK's own pure functions."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp.shared.inbound import (
    InboundLadderRejection,
    classify_inbound_request,
    decode_header_value,
    encode_header_value,
)

from triplegate.core.errors import Refusal
from triplegate.core.http import Headers
from triplegate.wire.jsonrpc import read
from triplegate.wire.mcp_headers import Routing, check_version, climb, decode_value, encode_value, read_routing

SUPPORTED = ("2026-07-28",)
META = {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}


@given(st.text(max_size=12) | st.sampled_from(["=?base64?eA==?=", " x", "x ", "\tx", "=?base64??=", "files__read"]))
def test_values_are_written_as_the_sdk_writes_them_and_come_back(value: str) -> None:
    assert encode_value(value) == encode_header_value(value)
    assert decode_value(encode_value(value)) == value


@given(
    st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=10)
    | st.text("ABCxyz09+/=é_ -", max_size=9).map(lambda text: f"=?base64?{text}?=")
    | st.sampled_from(
        [
            "=?base64?eA==?=",
            "=?base64?eB==?=",
            "=?base64?eA?=",
            "=?base64?/w==?=",
            "=?base64?e\nA==?=",
            "=?BASE64?eA==?=",
            "=?base64?eA==?= ",
        ]
    )
)
def test_values_are_read_as_the_sdk_reads_them(value: str) -> None:
    try:
        theirs = decode_header_value(value)
    except ValueError:  # theirs trips over non-ASCII in the wrapper, which no HTTP library of theirs delivers
        theirs = None
    assert decode_value(value) == theirs


METAS = st.sampled_from(
    [
        META,
        META | {"io.modelcontextprotocol/protocolVersion": "2025-11-25"},
        META | {"io.modelcontextprotocol/protocolVersion": None},
        META | {"io.modelcontextprotocol/protocolVersion": 7},
        META | {"io.modelcontextprotocol/clientInfo": {"name": "x"}},
        {"io.modelcontextprotocol/protocolVersion": "2026-07-28"},
        {},
        [],
        None,
    ]
)
NAMES = st.sampled_from(["read", "lösen", " x", "=?base64?eA==?=", "x", 7, None])
METHODS = st.sampled_from(["tools/call", "prompts/get", "resources/read", "tools/list", "Tools/call"])
VERSIONS = st.sampled_from(["2026-07-28", "2025-11-25", "7", "", "2026-07-28"])


def rejection(headers: Headers, body: dict[str, Any]) -> int | None:
    try:
        envelope = climb(read_routing(headers), read(json.dumps(body).encode()))
        check_version(envelope.version, SUPPORTED)
    except Refusal as refusal:
        return refusal.rendering.jsonrpc
    return None


SAID_NAMES = st.sampled_from(["same", "same", "read", "x", "=?base64?eA==?=", None])


@given(
    st.just(META) | METAS,
    METHODS,
    st.none() | METHODS,
    st.just("2026-07-28") | VERSIONS,
    NAMES,
    SAID_NAMES,
    st.sampled_from(["name", "uri"]),
)
def test_the_ladder_says_what_the_sdk_says(
    meta: Any, method: str, said: str | None, version: str, name: Any, said_name: str | None, member: str
) -> None:
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {"_meta": meta, member: name}}
    headers = {"mcp-method": said or method}
    if version:
        headers["mcp-protocol-version"] = version
    value = name if said_name == "same" else said_name
    if isinstance(value, str):
        headers["mcp-name"] = encode_header_value(value) if said_name == "same" else value
    theirs = classify_inbound_request(body, headers=headers, supported_modern_versions=SUPPORTED)
    code = theirs.code if isinstance(theirs, InboundLadderRejection) else None
    assert rejection([(key.encode(), text.encode()) for key, text in headers.items()], body) == code


@pytest.mark.parametrize(
    "routing",
    [
        Routing(None, "tools/call", "read"),
        Routing("2025-11-25", "tools/call", "read"),
        Routing("2026-07-28", None, "read"),
        Routing("2026-07-28", "tools/list", "read"),
        Routing("2026-07-28", "TOOLS/CALL", "read"),
        Routing("2026-07-28", "tools/call", None),
        Routing("2026-07-28", "tools/call", "Read"),
        Routing("2026-07-28", "tools/call", "=?base64?cmVhZA?="),
    ],
)
def test_steps_3_and_4_headers_that_differ_from_the_body_are_refused(routing: Routing) -> None:
    with pytest.raises(Refusal) as caught:
        climb(routing, read(request(name="read")))
    assert caught.value.rendering.jsonrpc == -32020


def request(**params: object) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"_meta": META, **params}}).encode()


def test_an_agreeing_request_comes_with_name_and_meta() -> None:
    routing = read_routing(
        [
            (b"mcp-protocol-version", b" 2026-07-28\t"),
            (b"mcp-method", b"tools/call"),
            (b"mcp-name", b"=?base64?bMO2c2Vu?="),
        ]
    )
    envelope = climb(routing, read(request(name="lösen", arguments={})))
    assert (envelope.version, envelope.name) == ("2026-07-28", "lösen")
    assert bytes(envelope.params["arguments"]) == b"{}"
    assert set(envelope.meta) == set(META)


def test_a_missing_name_is_left_to_the_schema() -> None:
    routing = Routing("2026-07-28", "tools/call", "anything")
    assert climb(routing, read(request(arguments={}))).name is None


@pytest.mark.parametrize("name", [b"mcp-protocol-version", b"mcp-method", b"mcp-name"])
def test_step_1_a_routing_header_stands_at_most_once(name: bytes) -> None:
    with pytest.raises(Refusal) as caught:
        read_routing([(name, b"a"), (b"accept", b"*/*"), (name, b"a")])
    assert caught.value.rendering.jsonrpc == -32020
    assert read_routing([(b"accept", b"*/*")]) == Routing()


@pytest.mark.parametrize("place", ["_meta", "params"])
def test_what_the_body_says_twice_is_refused(place: str) -> None:
    key = b'"io.modelcontextprotocol/protocolVersion"'
    text = (
        request(name="a").replace(key, key + b': "2025-11-25", ' + key)
        if place == "_meta"
        else request(name="a").replace(b'"name"', b'"name": "b", "name"')
    )
    with pytest.raises(Refusal) as caught:
        climb(Routing("2026-07-28", "tools/call", "a"), read(text))
    assert caught.value.rendering.jsonrpc == -32602


def test_step_5_tells_what_is_supported() -> None:
    with pytest.raises(Refusal) as caught:
        check_version("2030-01-01", SUPPORTED)
    assert caught.value.payload == {"supported": ["2026-07-28"], "requested": "2030-01-01"}
    assert caught.value.rendering.jsonrpc == -32022
    with pytest.raises(Refusal) as caught:
        check_version(7, SUPPORTED)
    assert caught.value.rendering.jsonrpc == -32602
