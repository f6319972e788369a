"""Custom tools at providers that know functions only: carried there, and called as what they are, piece by piece."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triplegate.core.errors import Refusal
from triplegate.wire import openai, openai_responses
from triplegate.wire.codec import Losses
from triplegate.wire.custom_tools import SCHEMA, Unwrapped, known_to, names, unwrapping
from triplegate.wire.neutral import Message, NativeTool, Request, Text, Tool
from triplegate.wire.neutral_events import BlockEnd, BlockStart, Delta, Finish

CHAT = {
    "model": "m",
    "messages": [
        {"role": "user", "content": "go"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "c", "type": "custom", "custom": {"name": "code", "input": 'print("é")\n'}}],
        },
        {"role": "tool", "tool_call_id": "c", "content": "é"},
    ],
    "tools": [
        {
            "type": "custom",
            "custom": {
                "name": "code",
                "description": "Runs code.",
                "format": {"type": "grammar", "grammar": {"syntax": "lark", "definition": "start: /.+/"}},
            },
        },
        {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}},
    ],
}
RESPONSES = {
    "model": "m",
    "input": [
        {"type": "message", "role": "user", "content": "go"},
        {"type": "custom_tool_call", "call_id": "c", "name": "code", "input": 'print("é")\n'},
        {"type": "custom_tool_call_output", "call_id": "c", "output": "é"},
    ],
    "tools": [
        {
            "type": "custom",
            "name": "code",
            "description": "Runs code.",
            "format": {"type": "grammar", "syntax": "lark", "definition": "start: /.+/"},
        },
        {"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": False},
    ],
}


def read(body):
    codec = openai.CLIENT if "messages" in body else openai_responses.CLIENT
    return codec.read_request(json.dumps(body).encode())


@pytest.mark.parametrize("body", [CHAT, RESPONSES])
def test_others_get_a_function_with_the_text_as_its_argument(body):
    losses = Losses()
    request = known_to("anthropic", read(body), losses)
    tool, function = request.tools
    assert isinstance(tool, Tool)
    assert (tool.name, tool.schema, function.name) == ("code", SCHEMA, "f")
    assert tool.description == "Runs code.\n\nThe input must be of this lark grammar:\nstart: /.+/"
    (call,) = request.messages[1].parts
    assert (json.loads(call.arguments), call.custom, call.id) == ({"input": 'print("é")\n'}, False, "c")
    assert losses.names == ["grammar"]
    assert names(read(body)) == {"code"}


def test_a_grammar_is_refused_where_losses_are():
    with pytest.raises(Refusal) as caught:
        known_to("gemini", read(CHAT), Losses("reject"))
    assert caught.value.payload["param"] == "grammar"


def test_openais_two_dialects_know_them_each_in_its_own_form():
    losses = Losses()
    asked = json.loads(
        openai_responses.PROVIDER.write_request(known_to("openai_responses", read(CHAT), losses), "m", losses)
    )
    assert asked["tools"][0] == RESPONSES["tools"][0]
    assert asked["input"][1:] == RESPONSES["input"][1:]
    asked = json.loads(openai.PROVIDER.write_request(known_to("openai", read(RESPONSES), losses), "m", losses))
    assert asked["tools"][0] == CHAT["tools"][0]
    assert asked["messages"][1:] == CHAT["messages"][1:]
    assert losses.names == []


def test_what_has_none_is_the_very_request():
    plain = Request(
        "openai", "m", (Message("user", (Text("hi"),)),), (Tool("f"), NativeTool("openai", "custom", b"{}"))
    )
    for family in ("anthropic", "openai_responses"):
        assert known_to(family, plain, Losses()) is plain
    request = read(CHAT)
    assert known_to("openai", request, Losses()) is request
    assert names(plain) == frozenset()


def test_a_plain_custom_tool_is_a_function_without_a_word_about_grammars():
    losses = Losses()
    bare = NativeTool("openai", "custom", b'{"type":"custom","custom":{"name":"t","format":{"type":"text"}}}')
    (tool,) = known_to("cohere", Request("openai", "m", tools=(bare,)), losses).tools
    assert (tool, losses.names) == (Tool("t", "", SCHEMA), [])


def told(*pieces, name="code"):
    unwrapped = Unwrapped(frozenset({"code"}))
    events = unwrapped([BlockStart(0, "tool_call", id="c", name=name)])
    for piece in pieces:
        events += unwrapped([Delta(0, piece)])
    events += unwrapped([BlockEnd(0), Finish("tool_calls")])
    start, *deltas, end, _ = events
    assert end == BlockEnd(0)
    return start.kind, [event.text for event in deltas]


@given(st.text(max_size=40), st.lists(st.integers(1, 9), max_size=20), st.booleans())
def test_the_text_comes_as_it_is_whatever_the_pieces(text, sizes, ascii_only):
    arguments, pieces, place = json.dumps({"input": text}, ensure_ascii=ascii_only), [], 0
    for size in sizes:
        pieces.append(arguments[place : place + size])
        place += size
    kind, deltas = told(*pieces, arguments[place:])
    assert (kind, "".join(deltas)) == ("custom_tool_call", text)
    "".join(deltas).encode()


def test_it_streams():
    assert told('{"in', 'put": "pri', "nt(1)\\", "n", '2"', "}")[1] == ["pri", "nt(1)", "\n", "2"]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ('{"why": 1, "input": "x"}', "x"),
        ('{"other": 1}', '{"other": 1}'),
        ("print(1)", "print(1)"),
        ('{"input": "cut', "cut"),
        ('{"input": ""}', ""),
        ("{}", "{}"),
    ],
)
def test_arguments_of_another_shape_are_not_lost(arguments, text):
    assert "".join(told(arguments)[1]) == text
    assert "".join(told(*arguments)[1]) == text


def test_other_tools_and_other_events_pass():
    assert told('{"input":', '"x"}', name="f") == ("tool_call", ['{"input":', '"x"}'])
    unwrapped, events = Unwrapped(frozenset({"code"})), [BlockStart(1, "text"), Delta(1, "hi"), BlockEnd(1)]
    assert unwrapped(events) == events


def test_answers_are_unwrapped_only_where_a_custom_tool_went_as_a_function():
    assert unwrapping("anthropic", read(CHAT)) is not None
    assert unwrapping("openai_responses", read(CHAT)) is None
    assert unwrapping("anthropic", Request("openai", "m", tools=(Tool("f"),))) is None
