"""A call's own nouns."""

import pytest

from triplegate.gates.mcp.call import Item, McpCall, OwnItem


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
