"""A call's own nouns."""

import pytest

from triplegate.gates.mcp.call import Item, McpCall, OwnItem
from triplegate.wire.jsonrpc import read, read_params
from triplegate.wire.screening.tools import Said


def test_what_was_never_read_has_no_id_and_no_item():
    call = McpCall()
    assert (call.kind, call.id, call.item, call.tool, call.session) == ("unread", b"null", None, None, None)


def test_a_call_is_frozen_once_read():
    with pytest.raises(AttributeError):
        McpCall().id = b"1"


def test_two_lists_are_compared_by_their_items_bytes():
    assert OwnItem("a", b'{"name":"a"}', ()) == OwnItem("a", b'{"name":"a"}', ())
    assert OwnItem("a", b'{"name":"a"}', ()) != OwnItem("a", b'{"name": "a"}', ())


def test_only_a_tool_is_a_tool():
    for kind in ("tool", "prompt", "resource", "template"):
        item = Item(kind, "a", None, OwnItem("a", b"{}"), b"{}", b'"a"', b"a")
        assert McpCall(item=item).tool is (item if kind == "tool" else None)


def test_what_a_call_says_is_told_and_may_be_said_otherwise():
    params = b'{ "name":"n","arguments":{"a":1.50},"requestState":"s"}'
    text = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":%b}' % params
    env = read(text)
    item = Item("tool", "n", None, OwnItem("n", b"{}"), b"{}", b'"n"', b"n")
    call = McpCall("request", env=env, params=read_params(env), item=item)
    assert call.size == len(text)
    assert call.said() == [Said("arguments", b'{"a":1.50}')]
    other = call.resaid({"arguments": b"{}"})
    assert other.env.text == text.replace(b'{"a":1.50}', b"{}")
    assert bytes(other.params["arguments"]) == b"{}"
    assert (other.asked, other.resaid({}).asked) == (call.params, call.params)
    assert McpCall("request", env=env, params=read_params(env)).said() == []
    assert (McpCall().said(), McpCall().size) == ([], 0)


def test_an_answer_of_a_session_says_all_that_it_holds():
    for member in ("result", "error"):
        env = read(b'{"jsonrpc":"2.0","id":1,"%b":{"a":1}}' % member.encode())
        call = McpCall("response", "legacy", env=env)
        assert call.said() == [Said(member, b'{"a":1}')]
        assert bytes(call.resaid({member: b'{"b":2}'}).env.members[member]) == b'{"b":2}'
