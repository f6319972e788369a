"""Items of a response's input as lists, and the queries that ask for them."""

import json

import pytest

from triplegate.core.errors import Refusal
from triplegate.wire.neutral import Raw
from triplegate.wire.responses_kept import Page, deleted, items_of, list_of, read_page, read_query


def said(value):
    return Raw(json.dumps(value).encode())


def test_every_item_has_an_id_and_a_text_is_a_message():
    [message] = items_of(said("Hi."), "mcp_1")
    assert message == {
        "id": "msg_mcp_1_0",
        "type": "message",
        "role": "user",
        "content": [{"type": "input_text", "text": "Hi."}],
        "status": "completed",
    }
    items = [
        {"role": "assistant", "content": "Yes."},
        {"type": "message", "id": "msg_own", "role": "user", "content": [{"type": "input_text", "text": "x"}]},
        {"type": "function_call_output", "call_id": "c", "output": "42"},
    ]
    mine, own, output = items_of(said(items), "mcp_1")
    assert mine["content"] == [{"type": "output_text", "text": "Yes.", "annotations": []}]
    assert (own["id"], own["content"]) == ("msg_own", items[1]["content"])
    assert output == {"id": "item_mcp_1_2", **items[2]}
    assert items_of(said(None), "mcp_1") == []


def listed(items, **page):
    told = json.loads(list_of(items, Page(**page)))
    assert told["object"] == "list"
    return [item["id"] for item in told["data"]], told["first_id"], told["last_id"], told["has_more"]


def test_lists_come_in_pages_the_last_one_first():
    items = [{"id": name} for name in "abc"]
    assert listed(items) == (["c", "b", "a"], "c", "a", False)
    assert listed(items, ascending=True, limit=2) == (["a", "b"], "a", "b", True)
    assert listed(items, ascending=True, limit=2, after="b") == (["c"], "c", "c", False)
    assert listed(items, after="a") == ([], None, None, False)
    with pytest.raises(Refusal, match="names no item"):
        listed(items, after="d")


def test_a_page_is_as_asked_for():
    assert read_page(b"") == Page()
    assert read_page(b"limit=3&order=asc&after=msg_1") == Page(3, ascending=True, after="msg_1")


@pytest.mark.parametrize(
    "query", [b"limit=0", b"limit=101", b"limit=x", b"limit=", b"order=up", b"limit=10000", b"\xff"]
)
def test_what_is_no_page_is_refused(query):
    with pytest.raises(Refusal, match="invalid_query"):
        read_page(query)


@pytest.mark.parametrize("query", [b"stream=true", b"include[]=x", b"include%5B%5D=x", b"starting_after=1", b"limit=1"])
def test_what_means_nothing_is_refused_by_name(query):
    with pytest.raises(Refusal, match="unsupported_parameter"):
        read_query(query)
    assert read_query(b"stream=false") == {"stream": "false"}


def test_what_is_deleted_is_told():
    assert json.loads(deleted("resp_mcp_1")) == {"id": "resp_mcp_1", "object": "response", "deleted": True}
