"""What may be remembered: a case for each rule, of questions and of answers."""

import json

import pytest

from triplegate.stores.answers.eligible import why_not_asked, why_not_given
from triplegate.wire.anthropic_messages import CLIENT as ANTHROPIC
from triplegate.wire.neutral_events import BlockStart, Delta, Failed, Finish
from triplegate.wire.openai import CLIENT as CHAT
from triplegate.wire.openai_responses import CLIENT as RESPONSES

HELLO = [{"role": "user", "content": "Hello"}]
CALLED = {
    "role": "assistant",
    "tool_calls": [{"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
}
RESULT = {"role": "tool", "tool_call_id": "a", "content": "1"}
FOUND = {"type": "search_result", "source": "s", "title": "t", "content": []}
TOOLS = [{"type": "function", "function": {"name": "f"}}]


def asked(codec, **body):
    return codec.read_request(json.dumps({"model": "m", **body}).encode())


@pytest.mark.parametrize(
    ("request_", "why"),
    [
        (asked(CHAT, messages=HELLO), ""),
        (asked(CHAT, messages=HELLO, n=2), "more than one choice"),
        (asked(CHAT, messages=HELLO, store=True), "the provider keeps its state"),
        (asked(CHAT, messages=HELLO, tools=TOOLS), "tools are offered"),
        (asked(CHAT, messages=[*HELLO, CALLED, RESULT]), "tools were called"),
        (asked(RESPONSES, input="Hello"), "the provider keeps its state"),
        (asked(RESPONSES, input="Hello", store=False), ""),
        (asked(RESPONSES, input="Hello", store=False, previous_response_id="r"), "the provider keeps its state"),
        (asked(RESPONSES, input="Hello", store=False, background=True), "the provider keeps its state"),
        (
            asked(ANTHROPIC, max_tokens=9, messages=[{"role": "user", "content": [FOUND]}]),
            "parts that only one provider knows",
        ),
    ],
)
def test_questions(request_, why):
    assert why_not_asked(request_, tools=False) == why


def test_tools_where_they_are_wanted():
    assert why_not_asked(asked(CHAT, messages=[*HELLO, CALLED, RESULT], tools=TOOLS), tools=True) == ""


TEXT = [BlockStart(0, "text"), Delta(0, "far")]
STOP = frozenset({"stop"})


@pytest.mark.parametrize(
    ("events", "why"),
    [
        ([*TEXT, Finish("stop")], ""),
        ([*TEXT, Finish("length")], "it ended with length"),
        ([*TEXT, Finish("content_filter")], "it ended with content_filter"),
        (TEXT, "it ended with no end"),
        ([BlockStart(0, "text"), Finish("stop")], "it says nothing"),
        ([BlockStart(0, "refusal"), Delta(0, "No."), Finish("stop")], "it holds a refusal block"),
        ([*TEXT, BlockStart(1, "native"), Finish("stop")], "it holds a native block"),
        ([BlockStart(0, "tool_call"), Finish("tool_calls")], "it calls a tool"),
        ([*TEXT, Failed("rate")], "it failed"),
    ],
)
def test_answers(events, why):
    assert why_not_given(events, STOP, tools=False) == why


def test_calls_of_tools_where_they_are_wanted():
    assert why_not_given([BlockStart(0, "tool_call"), Finish("tool_calls")], STOP, tools=True) == ""
