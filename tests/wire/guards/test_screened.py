"""Texts of calls: of those that are read by place, of those that are only JSON every string."""

from types import SimpleNamespace

import pytest

from triplegate.core.errors import Refusal
from triplegate.wire.guards.screened import pieces_of, rewritten
from triplegate.wire.neutral import Message, Request, Text, ToolResult


class Call:
    def __init__(self, request=None, text=b"", *, form=False):
        self.endpoint = SimpleNamespace(codec=request and object(), form=form)
        self.look, self.size = SimpleNamespace(text=text), len(text)
        self._request, self.asked = request, None

    def request(self):
        return self._request

    def rewrite(self, request):
        self.asked = request


REQUEST = Request(
    "openai",
    "m",
    messages=(Message("user", (Text("Hi"),)), Message("tool", (ToolResult("1", parts=(Text("Found"),)),))),
)


def texts(call, *on):
    return [(piece.where, piece.text) for piece in pieces_of(call, frozenset(on)).all]


def test_texts_are_told_apart_by_who_said_them():
    both = [("input", "Hi"), ("tool_results", "Found")]
    assert texts(Call(REQUEST), "input", "tool_results") == both
    assert texts(Call(REQUEST), "input") == both[:1]
    assert texts(Call(REQUEST), "tool_results") == both[1:]


def test_of_json_every_string():
    assert texts(Call(text=b'{"input": ["a", "b"]}'), "input") == [("input", "input"), ("input", "a"), ("input", "b")]
    assert texts(Call(text=b'{"input": "a"}'), "tool_results") == []
    assert texts(Call(text=b"--form", form=True), "input") == []


def test_what_cannot_be_read_is_refused():
    with pytest.raises(Refusal) as refused:
        texts(Call(text=b"{"), "input")
    assert refused.value.code == "content_unseen"


def test_a_changed_call_is_asked_from_then_on():
    call = Call(REQUEST)
    rewritten(call, str.upper, str.lower)
    assert [one.parts for one in call.asked.messages] == [(Text("HI"),), (ToolResult("1", parts=(Text("found"),)),)]
