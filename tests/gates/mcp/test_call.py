"""A call's own nouns."""

import pytest

from triplegate.gates.mcp.call import McpCall, OwnTool


def test_what_was_never_read_has_no_id_and_no_tool():
    call = McpCall()
    assert (call.kind, call.id, call.tool, call.session) == ("unread", b"null", None, None)


def test_a_call_is_frozen_once_read():
    with pytest.raises(AttributeError):
        McpCall().id = b"1"


def test_two_lists_are_compared_by_their_tools_bytes():
    assert OwnTool("a", b'{"name":"a"}', ()) == OwnTool("a", b'{"name":"a"}', ())
    assert OwnTool("a", b'{"name":"a"}', ()) != OwnTool("a", b'{"name": "a"}', ())
