"""Arguments that a model wrote amiss are still told to dialects that take objects only: whole, and as a loss."""

import json

import pytest

from triplegate.core.errors import Refusal
from triplegate.wire import anthropic_messages, bedrock_converse, cohere, gemini
from triplegate.wire.codec import Losses
from triplegate.wire.neutral import BEFORE, Message, Request, Text, ToolResult, ToolUse
from triplegate.wire.tool_arguments import object_of

PROVIDERS = {
    "anthropic": (anthropic_messages.PROVIDER, lambda body: body["messages"][1]["content"][0]["input"]),
    "bedrock": (bedrock_converse.PROVIDER, lambda body: body["messages"][1]["content"][0]["toolUse"]["input"]),
    "gemini": (gemini.PROVIDER, lambda body: body["contents"][1]["parts"][0]["functionCall"]["args"]),
    "cohere": (
        cohere.PROVIDER,
        lambda body: json.loads(body["messages"][1]["tool_calls"][0]["function"]["arguments"]),
    ),
}


@pytest.mark.parametrize("arguments", ['{"a": 1.0,"é":[]}', " {} "])
def test_an_object_is_the_very_text(arguments):
    losses = Losses("reject")
    assert object_of(ToolUse("c", "f", arguments), losses) == arguments.strip().encode()
    assert object_of(ToolUse("c", "f", ""), losses) == b"{}"
    assert json.loads(object_of(ToolUse("c", "f", arguments, custom=True), losses)) == {"input": arguments}


@pytest.mark.parametrize("arguments", ['{"city": "Par', "[1]", "Paris", "null", '{"a":1}{"b":2}', "\ud83d"])
@pytest.mark.parametrize("family", PROVIDERS)
def test_what_is_none_is_told_as_one_member_by_every_dialect_alike(family, arguments):
    provider, found = PROVIDERS[family]
    turns = (
        Message("user", (Text("hi"),)),
        Message("assistant", (ToolUse("c", "f", arguments),)),
        Message("tool", (ToolResult("c", (Text("no"),)),)),
    )
    losses = Losses()
    body = json.loads(provider.write_request(Request("openai", "m", turns), "m", losses))
    assert found(body) == {"input": arguments.encode("utf-8", "replace").decode()}
    assert losses.names == ["arguments"]
    with pytest.raises(Refusal) as caught:
        provider.write_request(Request("openai", "m", turns), "m", Losses("reject"))
    assert caught.value.payload["param"] == "arguments"


@pytest.mark.parametrize(
    ("family", "wanted"),
    [
        ("anthropic", [("user", [{"type": "text", "text": BEFORE}]), ("assistant", [{"type": "text", "text": "Hi!"}])]),
        ("bedrock", [("user", [{"text": BEFORE}]), ("assistant", [{"text": "Hi!"}])]),
        ("gemini", [("user", [{"text": BEFORE}]), ("model", [{"text": "Hi!"}])]),
        ("cohere", [("assistant", "Hi!"), ("user", "ho")]),
    ],
)
def test_where_the_user_must_begin_somebody_does(family, wanted):
    provider, _ = PROVIDERS[family]
    turns = (Message("system", (Text("s"),)), Message("assistant", (Text("Hi!"),)), Message("user", (Text("ho"),)))
    losses = Losses("reject")
    body = json.loads(provider.write_request(Request("openai", "m", turns), "m", losses))
    told = body["contents"] if family == "gemini" else [one for one in body["messages"] if one["role"] != "system"]
    assert [(one["role"], one.get("content", one.get("parts"))) for one in told][:2] == wanted
