"""What a client says of MCP servers: choices, approvals, names for functions, and what is never told again."""

import json

import msgspec
import pytest
from msgspec.json import decode

from triplegate.core.errors import Refusal
from triplegate.wire.neutral import Raw
from triplegate.wire.responses_mcp import (
    Wanted,
    choice_of,
    later_choice,
    may_want,
    names_servers,
    read_tools,
    servers_refused,
    tool_of,
)


@pytest.mark.parametrize(
    "text",
    [
        b'[{"type":"mcp"}]',
        b'{"a":[{"b":{"type":"mcp","server_url":"http://a"}}]}',
        b'[{"type":"\\u006dcp"}]',
        b'[{"t\\u0079pe":"mcp"}]',
        b'[{"type":"mcp","type":"function"}]',
        b'[{"type":"function","type":"mcp"}]',
        b'[{"type":"mcp"',
        b'["mcp"' + b"[" * 100_000,
        b'["mcp", "\xff"]',
    ],
)
def test_a_server_is_found_however_it_is_written(text):
    assert names_servers(text)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b'[{"type":"function","name":"mcp"}]',
        b'"{\\"type\\":\\"mcp\\"}"',
        b'[{"type":["mcp"]}]',
        b'"\\u00e4"',
    ],
)
def test_what_only_looks_like_one_is_none(text):
    assert not names_servers(text)


def test_what_is_said_of_them_names_the_place():
    refusal = servers_refused("in batches", event_id="e")
    assert (refusal.code, refusal.payload) == ("mcp_server_unknown", {"param": "tools", "event_id": "e"})
    assert refusal.detail.startswith("MCP servers are not passed on in batches: ")


def raw(value):
    return Raw(json.dumps(value).encode())


def wanted(**more):
    return msgspec.json.decode(json.dumps({"server_label": "o", **more}), type=Wanted)


def tool(name="o__get", label="o", taken=None, **more):
    definition = raw({"name": name, "inputSchema": {"type": "object"}, **more})
    return tool_of(definition, wanted(server_label=label), "/mcp", "o__", taken if taken is not None else set())


@pytest.mark.parametrize(
    ("said", "read", "write"),
    [
        ({}, True, True),
        ({"require_approval": None}, True, True),
        ({"require_approval": "always"}, True, True),
        ({"require_approval": "never"}, False, False),
        ({"require_approval": {"never": {"tool_names": ["get"]}}}, False, True),
        ({"require_approval": {"never": {"read_only": True}}}, False, True),
        ({"require_approval": {"never": {"tool_names": ["o__get"], "read_only": False}}}, True, True),
        ({"require_approval": {"always": {"tool_names": ["set"]}}}, False, True),
        ({"require_approval": {"always": {"read_only": True}, "never": {"read_only": True}}}, True, True),
        ({"require_approval": {}}, True, True),
        ({"require_approval": {"never": {}}}, True, True),
    ],
)
def test_what_is_not_said_to_be_free_of_approval_needs_it(said, read, write):
    one = wanted(**said)
    assert (
        one.needs_yes(("o__get", "get"), read_only=True),
        one.needs_yes(("o__set", "set"), read_only=False),
    ) == (read, write)


@pytest.mark.parametrize(
    ("said", "allowed"),
    [
        ({}, True),
        ({"allowed_tools": ["get"]}, True),
        ({"allowed_tools": ["set"]}, False),
        ({"allowed_tools": {"read_only": True}}, True),
        ({"allowed_tools": {"read_only": False}}, False),
        ({"allowed_tools": {}}, False),
    ],
)
def test_a_filter_allows_what_it_names(said, allowed):
    assert wanted(**said).allows(("o__get", "get"), read_only=True) is allowed


def test_the_peek_sees_every_way_to_write_the_type():
    assert may_want(raw([{"type": "mcp"}]))
    assert may_want(Raw(b'[{"type":"m\\u0063p"}]'))
    assert not may_want(raw([{"type": "function", "name": "mcp_x"}]))
    assert not may_want(None)


def test_secrets_are_told_to_nobody():
    secret = {"type": "mcp", "server_label": "o", "headers": {"a": "b"}, "authorization": "c", "extra": 1}
    plain = {"type": "function", "name": "f", "headers": 1}
    tools = read_tools(raw([plain, secret]))
    assert [decode(one) for one in tools.told()] == [plain, secret | {"headers": None, "authorization": None}]
    assert (tools.functions, list(tools.wanted)) == ({"f"}, [1])
    assert read_tools(None).raws == read_tools(Raw(b"null")).raws == []


@pytest.mark.parametrize(
    "tools",
    [
        7,
        [{"type": "mcp"}],
        [{"type": "mcp", "server_label": ""}],
        [{"type": "mcp", "server_label": "a"}] * 2,
        [{"type": "mcp", "server_label": "a", "require_approval": "no"}],
        [{"type": 1}],
    ],
)
def test_what_cannot_be_read_names_the_tools(tools):
    with pytest.raises(Refusal, match="invalid_body"):
        read_tools(raw(tools))


def test_functions_have_names_that_providers_take_and_that_nobody_else_has():
    taken = {"o__a_b"}
    names = [tool(name, taken=taken).function for name in ("o__a.b", "o__a/b", "x" * 80, "x" * 80 + "y", "ß")]
    assert names == ["o__a_b_2", "o__a_b_3", "x" * 64, "x" * 62 + "_2", "_"]


def test_a_tool_is_told_to_the_client_and_to_the_model():
    made = tool(description="Gets.", annotations={"readOnlyHint": True})
    assert decode(msgspec.json.encode(made.listed())) == {
        "name": "o__get",
        "description": "Gets.",
        "input_schema": {"type": "object"},
        "annotations": {"readOnlyHint": True},
    }
    assert decode(made.written("All orders.")) == {
        "type": "function",
        "name": "o__get",
        "description": "All orders.\n\nGets.",
        "parameters": {"type": "object"},
        "strict": False,
    }
    again = tool_of(Raw(msgspec.json.encode(made.listed())), wanted(), "/mcp", "", set())
    assert msgspec.json.encode(again) == msgspec.json.encode(made)
    assert tool(annotations=7).yes
    assert bytes(tool_of(raw({"name": "a"}), wanted(), "/mcp", "", set()).schema) == b'{"type":"object"}'


@pytest.mark.parametrize(
    ("choice", "first", "later"),
    [
        ("auto", "auto", "auto"),
        ("none", "none", "none"),
        ("required", "required", "auto"),
        ({"type": "function", "name": "f"}, {"type": "function", "name": "f"}, "auto"),
        (
            {"type": "mcp", "server_label": "p", "name": "p__x"},
            {"type": "function", "name": "p__x"},
            "auto",
        ),
        (
            {"type": "mcp", "server_label": "o"},
            {
                "type": "allowed_tools",
                "mode": "required",
                "tools": [{"type": "function", "name": "o__get"}, {"type": "function", "name": "o__set"}],
            },
            {
                "type": "allowed_tools",
                "mode": "auto",
                "tools": [{"type": "function", "name": "o__get"}, {"type": "function", "name": "o__set"}],
            },
        ),
        (
            {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "mcp", "server_label": "p"}, {"type": "x"}]},
            {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "p__x"}, {"type": "x"}]},
            {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "p__x"}, {"type": "x"}]},
        ),
    ],
)
def test_a_choice_holds_until_something_was_called(choice, first, later):
    tools = [tool(), tool("o__set"), tool("p__x", "p")]
    made = choice_of(raw(choice), tools)
    assert decode(made) == first
    assert decode(later_choice(made)) == later


def test_a_choice_of_what_is_not_there_is_refused():
    assert choice_of(None, []) is None
    for choice in (raw({"type": "mcp", "server_label": "x"}), Raw(b"{")):
        with pytest.raises(Refusal, match="invalid_body"):
            choice_of(choice, [tool()])
