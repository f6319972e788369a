"""One turn of a model: what is the client's passes, calls of tools become items, however the stream is split."""

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.json import decode

from triplegate.core.errors import Refusal
from triplegate.wire.neutral import Raw
from triplegate.wire.responses_mcp import Tool
from triplegate.wire.responses_merged import Merged
from triplegate.wire.responses_turn import Turn

TOOLS = {
    name: Tool("o", f"o__{name}", "/mcp", name, "", Raw(b"{}"), Raw(b"null"), yes=name == "asks")
    for name in ("now", "asks")
}


def function(name, place=0, arguments='{"a":1}'):
    return {"id": f"fc_{place}", "type": "function_call", "call_id": f"c{place}", "name": name, "arguments": arguments}


def message(text="Hi."):
    return {"id": "msg_1", "type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]}


def stream(*items, status="completed", **more):
    events = [{"type": "response.created", "response": {"status": "in_progress"}}]
    for place, item in enumerate(items):
        events.append({"type": "response.output_item.added", "output_index": place, "item": item})
        its = {"item_id": item["id"], "output_index": place}
        if item["type"] == "function_call":
            kind = "response.function_call_arguments"
            events.append({"type": f"{kind}.delta", **its, "delta": item["arguments"]})
            events.append({"type": f"{kind}.done", **its, "arguments": item["arguments"]})
        else:
            events.append({"type": "response.output_text.delta", **its, "content_index": 0, "delta": "Hi."})
        events.append({"type": "response.output_item.done", "output_index": place, "item": item})
    events.append({"type": f"response.{status}", "response": {"status": status, "output": list(items), **more}})
    return b"".join(b"event: x\ndata: %b\n\n" % json.dumps(event).encode() for event in events) + b"data: [DONE]\n\n"


def run(text, cuts=(), before=0):
    merged = Merged({"id": "resp_mcp_1"}, streamed=True)
    for _ in range(before):
        merged.place()
    turn = Turn(merged, TOOLS)
    places = [0, *sorted(cuts), len(text)]
    for start, end in pairwise(places):
        turn.feed(text[start:end])
    told = [decode(block.split(b"data: ")[1]) for block in merged.take().split(b"\n\n") if block]
    return turn, merged, told


ALL = stream(message(), function("now", 1), function("mine", 2), function("asks", 3), usage={"total_tokens": 3})


@given(st.lists(st.integers(0, len(ALL)), max_size=5))
def test_calls_become_items_and_the_rest_passes_however_it_is_split(cuts):
    turn, merged, told = run(ALL, cuts, before=2)
    assert (turn.status, turn.theirs, merged.usage) == ("completed", True, {"total_tokens": 3})
    assert [(call.tool.function, call.place, call.call, call.arguments) for call in turn.calls] == [
        ("now", 3, "c1", '{"a":1}')
    ]
    assert [(asked.name, asked.call, asked.id) for asked in turn.asked] == [("o__asks", "c3", "mcpr_mcp_1_5")]
    assert [decode(item)["type"] for item in turn.items] == ["message", *["function_call"] * 3]
    assert [(event["type"].removeprefix("response."), event["output_index"]) for event in told] == [
        ("output_item.added", 2),
        ("output_text.delta", 2),
        ("output_item.done", 2),
        ("output_item.added", 3),
        ("mcp_call.in_progress", 3),
        ("mcp_call_arguments.delta", 3),
        ("mcp_call_arguments.done", 3),
        ("output_item.added", 4),
        ("function_call_arguments.delta", 4),
        ("function_call_arguments.done", 4),
        ("output_item.done", 4),
        ("output_item.added", 5),
        ("output_item.done", 5),
    ]
    assert [call.place for call in turn.opened] == [3]


def test_a_whole_turn_brings_the_same_items():
    merged = Merged({"id": "resp_mcp_1"}, streamed=False)
    turn = Turn(merged, TOOLS)
    items = [message(), function("now", 1), function("asks", 2)]
    turn.whole(json.dumps({"status": "completed", "output": items, "usage": {"total_tokens": 3}}).encode())
    assert (len(turn.calls), len(turn.asked), len(turn.items), turn.theirs) == (1, 1, 3, False)
    assert (decode(merged.output[0]), merged.output[1]) == (items[0], None)
    assert (merged.output[2]["type"], merged.take()) == ("mcp_approval_request", b"")


def test_an_end_may_be_incomplete_or_a_failure():
    turn, _, _ = run(stream(function("now"), status="incomplete", incomplete_details={"reason": "x"}))
    assert (turn.status, decode(turn.details)) == ("incomplete", {"reason": "x"})
    turn, _, _ = run(stream(status="failed", error={"message": "no luck"}))
    assert (turn.status, turn.message) == ("failed", "no luck")
    turn, _, _ = run(b'event: error\ndata: {"type":"error","message":"broken"}\n\n')
    assert (turn.status, turn.message) == ("failed", "broken")
    turn, _, _ = run(b'data: {"type":"error","error":{}}\n\n')
    assert turn.message == "The model failed."
    turn, _, told = run(b'data: {"type":"response.other"}\n\n')
    assert (turn.status, told[0]["type"]) == ("", "response.other")


@pytest.mark.parametrize(
    "text",
    [
        b"data: {\n\n",
        b'data: {"type":"response.completed"}\n\n',
        b'data: {"type":"response.output_item.done","output_index":0,"item":7}\n\n',
    ],
)
def test_what_cannot_be_read_is_the_providers_failure(text):
    with pytest.raises(Refusal, match="upstream_malformed"):
        run(text)
