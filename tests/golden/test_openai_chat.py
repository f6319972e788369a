"""Recorded chat traffic of OpenAI and its relatives: our reading against the official client's."""

import json
from typing import Any

import pytest
from openai import APIError
from tests.golden.recordings import Recorded, recorded
from tests.golden.sdk import client

from triplegate.wire.codec import Losses, Shape
from triplegate.wire.neutral_events import Event, Failed, gather
from triplegate.wire.openai import CLIENT, PROVIDER
from triplegate.wire.openai_reader import ChatReader

PROVIDERS = ("openai-chat", "azure-openai", "groq", "mistral", "deepseek", "openrouter")
CALLS = [one for one in recorded(*PROVIDERS) if one.values[0] is None or "chat/comp" in one.values[0].request["path"]]
STREAMS = [one for one in CALLS if one.values[0] is None or one.values[0].framing == "sse"]
WHOLE = [
    one for one in CALLS if one.values[0] is None or (one.values[0].framing, one.values[0].status) == ("json", 200)
]
ERRORS = [one for one in CALLS if one.values[0] is None or one.values[0].status >= 400]

Meant = tuple[str, str, list[tuple[str, str]], str, int, int]
"""Text, thoughts, calls, finish reason, tokens in and out."""


def read(body: bytes, size: int) -> list[Event]:
    reader = ChatReader()
    events: list[Event] = []
    for start in range(0, len(body), size):
        events += reader.feed(body[start : start + size])
    return events + reader.finish()


def ours(events: list[Event]) -> Meant:
    answer = gather(events)
    blocks = answer.of(0)
    assert all(block.ended for block in answer.blocks)
    calls = [(block.name, block.text) for block in blocks if block.kind == "tool_call"]
    assert all(block.id for block in blocks if block.kind == "tool_call")
    text, thoughts = ("".join(b.text for b in blocks if b.kind == kind) for kind in ("text", "reasoning"))
    usage = answer.usage
    raw = answer.finishes[0].raw if 0 in answer.finishes else ""
    return text, thoughts, calls, raw, usage.input_total if usage else 0, usage.output_total if usage else 0


def pieces_of(content: Any) -> tuple[str, str]:
    """Text and thoughts of a content, which is a list with Mistral."""
    if not isinstance(content, list):
        return content or "", ""
    text = "".join(part["text"] for part in content if part["type"] == "text")
    return text, "".join(one["text"] for part in content if part["type"] == "thinking" for one in part["thinking"])


def output_of(usage: Any) -> int:
    """A total above prompt and completion means thoughts that the completion left out."""
    return max(usage["completion_tokens"], usage["total_tokens"] - usage["prompt_tokens"])


def theirs(body: bytes) -> tuple[Meant, bool]:
    """What the official client's chunks add up to, and whether it raised."""
    text = thoughts = finish = ""
    calls: dict[int, list[str]] = {}
    tokens = (0, 0)
    with client(body) as openai:
        try:
            for chunk in openai.chat.completions.create(model="m", messages=[], stream=True):
                if chunk.usage is not None:
                    tokens = chunk.usage.prompt_tokens, output_of(chunk.usage.to_dict())
                for choice in chunk.choices:
                    said = choice.delta.to_dict(warnings=False)
                    more = pieces_of(said.get("content"))
                    text += more[0]
                    thoughts += more[1] + str(said.get("reasoning_content") or said.get("reasoning") or "")
                    for call in choice.delta.tool_calls or ():
                        one = calls.setdefault(call.index, ["", ""])
                        one[0] += call.function.name or "" if call.function else ""
                        one[1] += call.function.arguments or "" if call.function else ""
                    finish = choice.finish_reason or finish
        except APIError:
            return (text, thoughts, [], "", 0, 0), True
    return (text, thoughts, [(name, arguments) for name, arguments in calls.values()], finish, *tokens), False


@pytest.mark.parametrize("one", STREAMS)
def test_streams_mean_what_the_official_client_sees(one: Recorded):
    meant, raised = theirs(one.body)
    for size in (1 << 20, 997, 13):
        events = read(one.body, size)
        assert any(isinstance(event, Failed) for event in events) is raised
        if raised:
            assert isinstance(events[-1], Failed)
            deltas = "".join(block.text for block in gather(events).blocks if block.kind == "text")
            assert deltas == meant[0]
        else:
            assert ours(events) == meant


@pytest.mark.parametrize("one", WHOLE)
def test_whole_answers_mean_what_their_json_says(one: Recorded):
    said = one.json()
    message, usage = said["choices"][0]["message"], said["usage"]
    text, thoughts = pieces_of(message.get("content"))
    thoughts += message.get("reasoning_content") or message.get("reasoning") or ""
    calls = [(call["function"]["name"], call["function"]["arguments"]) for call in message.get("tool_calls") or ()]
    finish = said["choices"][0]["finish_reason"]
    events = PROVIDER.read_reply(one.body)
    assert ours(events) == (text, thoughts, calls, finish, usage["prompt_tokens"], output_of(usage))
    assert gather(events).start.model == said["model"]


@pytest.mark.parametrize("one", [*STREAMS, *WHOLE])
def test_what_was_read_is_written_for_the_official_client_without_loss(one: Recorded):
    """Recorded answer → events → our stream → the official client: the same as from the provider itself."""
    events = read(one.body, 4096) if one.framing == "sse" else PROVIDER.read_reply(one.body)
    if any(isinstance(event, Failed) for event in events):
        return
    writer = CLIENT.writer(Shape("m", "ours", 1))
    body = b"".join([writer.feed(event) for event in events] + [writer.finish()])
    meant, raised = theirs(body)
    assert not raised
    mine = ours(events)
    assert meant[:3] + meant[4:] == mine[:3] + mine[4:]
    assert meant[3] == mine[3]


@pytest.mark.parametrize("one", ERRORS)
def test_errors_are_understood(one: Recorded):
    failed = PROVIDER.read_error(one.status, [], one.body)
    expected = {404: "model_missing", 429: "rate", 400: "client"}[one.status]
    assert failed.kind == expected
    assert failed.message


def meaning(request: dict[str, Any]) -> dict[str, Any]:
    """The request without what says nothing, and with one spelling where there are two."""
    said = {name: value for name, value in request.items() if value not in (None, False, [], "")}
    if said.get("n") == 1:
        del said["n"]
    if said.get("tool_choice") == "any":
        said["tool_choice"] = "required"
    if said.get("stream"):
        said["stream_options"] = {"include_usage": True}
    said["messages"] = [_message(message) for message in said["messages"]]
    for tool in said.get("tools", ()):
        tool.setdefault("type", "function")
        tool["function"] = {name: value for name, value in tool["function"].items() if value != ""}
    return said


def _message(message: dict[str, Any]) -> dict[str, Any]:
    said = {name: value for name, value in message.items() if value not in (None, False, [])}
    content = said.get("content")
    if isinstance(content, list) and len(content) == 1 and set(content[0]) == {"type", "text"}:
        said["content"] = content[0]["text"]
    if message["role"] == "assistant" and isinstance(content, list):
        said["content"] = pieces_of(content)[0]  # thoughts are not sent back to those who would not read them
    return said


@pytest.mark.parametrize("one", CALLS)
def test_requests_are_read_and_written_with_the_same_meaning(one: Recorded):
    asked = one.request["body"]
    losses = Losses()
    text = PROVIDER.write_request(CLIENT.read_request(json.dumps(asked).encode()), asked["model"], losses)
    assert meaning(json.loads(text)) == meaning(asked)
    assert losses.names == []
