"""Arguments in headers, held against the official SDK's own functions."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mcp.shared.inbound import (
    find_invalid_x_mcp_header,
    mcp_param_headers,
    validate_mcp_param_headers,
    x_mcp_header_map,
)

from triplegate.core.errors import Refusal
from triplegate.wire.mcp_params import check_params, mirrored, params_of


def prop(kind, name):
    return {"type": kind, "x-mcp-header": name}


SCHEMA = {
    "type": "object",
    "properties": {
        "region": prop("string", "Region"),
        "count": prop("integer", "Count"),
        "dry": prop("boolean", "Dry-Run"),
        "inner": {"type": "object", "properties": {"deep": prop("string", "Deep")}},
        "x-mcp-header": {"type": "string"},
    },
}

SCHEMAS = [
    SCHEMA,
    {"properties": {"a": prop("number", "A")}},
    {"properties": {"a": prop("string", "A"), "b": prop("string", "a")}},
    {"properties": {"a": prop("string", "not a token")}},
    {"properties": {"a": prop("string", "")}},
    {"properties": {"a": prop("string", 7)}},
    {"properties": {"a": prop(["string"], "A")}},
    {"properties": {"a": {"x-mcp-header": "A"}}},
    {"x-mcp-header": "Root", "type": "object"},
    {"properties": {"a": {"type": "array", "items": prop("string", "A")}}},
    {"allOf": [{"properties": {"a": prop("string", "A")}}]},
    {"$defs": {"d": {"properties": {"a": prop("string", "A")}}}},
    {"properties": {"a": {"default": {"x-mcp-header": "A"}, "enum": [{"x-mcp-header": "B"}]}}},
    {"properties": {"a": {"type": "string"}}},
]


@pytest.mark.parametrize("schema", SCHEMAS)
def test_annotations_are_judged_as_the_sdk_judges_them(schema):
    found = mirrored(msgspec.json.encode(schema))
    if find_invalid_x_mcp_header(schema) is not None:
        assert found is None
    else:
        expected = {path: f"mcp-param-{name.lower()}".encode() for path, name in x_mcp_header_map(schema).items()}
        assert dict(found) == expected


ARGUMENTS = st.fixed_dictionaries(
    {},
    optional={
        "region": st.one_of(st.none(), st.text(max_size=8)),
        "count": st.integers(-(2**53), 2**53),
        "dry": st.booleans(),
        "inner": st.fixed_dictionaries({}, optional={"deep": st.text(max_size=8)}),
    },
)


@settings(max_examples=100, deadline=None)
@given(ARGUMENTS)
def test_headers_are_those_the_sdk_sends_and_pass_our_own_check(arguments):
    mirrors, raw = mirrored(msgspec.json.encode(SCHEMA)), msgspec.json.encode(arguments)
    made = params_of(mirrors, raw)
    sdk = mcp_param_headers(x_mcp_header_map(SCHEMA), arguments)
    assert {name: value.decode("latin-1") for name, value in made} == {n.lower().encode(): v for n, v in sdk.items()}
    check_params(made, mirrors, raw)


@settings(max_examples=150, deadline=None)
@given(ARGUMENTS, ARGUMENTS)
def test_the_check_refuses_what_the_sdk_refuses(arguments, said):
    mirrors = mirrored(msgspec.json.encode(SCHEMA))
    headers = params_of(mirrors, msgspec.json.encode(said))
    theirs = validate_mcp_param_headers(SCHEMA, arguments, {n.decode(): v.decode("latin-1") for n, v in headers})
    assert refused(headers, mirrors, msgspec.json.encode(arguments)) is (theirs is not None)


def refused(headers, mirrors, arguments):
    try:
        check_params(headers, mirrors, arguments)
    except Refusal:
        return True
    return False


@pytest.mark.parametrize(
    ("said", "value", "fits"),
    [
        (b"42", 42, True),
        (b"42.0", 42, True),
        (b"43", 42, False),
        (b"4e1", 40, True),
        (b"x", 42, False),
        (b"nan", 42, False),
    ],
)
def test_integers_compare_as_numbers(said, value, fits):
    mirrors, raw = mirrored(msgspec.json.encode(SCHEMA)), msgspec.json.encode({"count": value})
    assert refused([(b"mcp-param-count", said)], mirrors, raw) is not fits


def test_a_header_said_twice_is_refused():
    with pytest.raises(Refusal, match="rpc_header_mismatch"):
        check_params([(b"mcp-param-region", b"a")] * 2, mirrored(msgspec.json.encode(SCHEMA)), b'{"region":"a"}')
