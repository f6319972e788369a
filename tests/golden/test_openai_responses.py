"""Recorded traffic of OpenAI's Responses: our reading against the official client's own accumulation."""

import json
from typing import Any

import pytest
from tests.golden.recordings import Recorded, recorded
from tests.golden.sdk import client

from triplegate.wire.codec import Losses, Shape
from triplegate.wire.neutral_events import Answer, Event, gather
from triplegate.wire.openai_responses import CLIENT, PROVIDER
from triplegate.wire.responses_reader import ResponsesReader

CALLS = [
    one
    for one in recorded("openai-responses", "deepseek")
    if one.values[0] is None or "responses" in one.values[0].request["path"]
]
STREAMS = [one for one in CALLS if one.values[0] is None or one.values[0].framing == "sse"]
WHOLE = [
    one for one in CALLS if one.values[0] is None or (one.values[0].framing, one.values[0].status) == ("json", 200)
]
ERRORS = [one for one in CALLS if one.values[0] is None or one.values[0].status >= 400]


def read(body: bytes, size: int) -> list[Event]:
    reader = ResponsesReader()
    events: list[Event] = []
    for start in range(0, len(body), size):
        events += reader.feed(body[start : start + size])
    return events + reader.finish()


def last(body: bytes, *, done: bool = True) -> dict[str, Any]:
    """The response that the stream's last event tells; items as their own last events do (`done`).

    OpenAI encrypts thoughts anew each time it tells them.
    """
    events = [json.loads(line[5:]) for line in body.decode().splitlines() if line.startswith("data:")]
    response: dict[str, Any] = events[-1]["response"]
    if done:
        response["output"] = [event["item"] for event in events if event["type"] == "response.output_item.done"]
    return response


def summary(items: list[dict[str, Any]]) -> list[Any]:
    """What an output means, item by item."""
    said: list[Any] = []
    for item in items:
        if item["type"] == "message":
            said += [("text", part.get("text", part.get("refusal"))) for part in item["content"]]
        elif item["type"] == "reasoning":
            thoughts = "\n\n".join(part["text"] for part in item["summary"])
            thoughts = thoughts or "".join(part["text"] for part in item.get("content") or ())
            said.append(("thoughts", thoughts, item.get("encrypted_content")))
        elif item["type"] == "function_call":
            said.append(("call", item["call_id"], item["name"], item["arguments"]))
        else:
            said.append((item["type"], item["id"]))
    return said


def ours(answer: Answer) -> list[Any]:
    said: list[Any] = []
    for block in answer.blocks:
        assert block.ended
        if block.kind in ("summary", "reasoning"):
            said.append(("thoughts", block.text, block.opaque[0].value if block.opaque else None))
        elif block.kind == "tool_call":
            said.append(("call", block.id, block.name, block.text))
        elif block.kind == "native":
            said.append((block.name, json.loads(block.text)["id"]))
        else:
            said.append(("text", block.text))
    return said


def agree(answer: Answer, said: dict[str, Any]) -> None:
    assert ours(answer) == summary(said["output"])
    assert (answer.start.id, answer.start.model) == (said["id"], said["model"])
    usage = answer.usage
    assert usage is not None
    assert (usage.input_total, usage.output_total) == (said["usage"]["input_tokens"], said["usage"]["output_tokens"])
    assert usage.cache_read == said["usage"]["input_tokens_details"]["cached_tokens"]
    assert usage.reasoning == said["usage"]["output_tokens_details"]["reasoning_tokens"]
    calls = any(item["type"] == "function_call" for item in said["output"])
    assert answer.finishes[0].reason == ("tool_calls" if calls else "stop")


@pytest.mark.parametrize("one", STREAMS)
def test_streams_mean_what_their_last_event_says_whatever_the_split(one: Recorded):
    for size in (1 << 20, 997, 61):
        agree(gather(read(one.body, size)), last(one.body))


@pytest.mark.parametrize("one", STREAMS)
def test_a_backend_that_says_only_what_is_done_means_the_same(one: Recorded):
    blocks = one.body.split(b"\n\n")
    body = b"\n\n".join(block for block in blocks if b".delta" not in block[:80])
    agree(gather(read(body, 4096)), last(one.body))
    kept = [block for block in blocks if b"response.created" in block[:40] or b"response.completed" in block[:60]]
    agree(gather(read(b"\n\n".join([*kept, b""]), 4096)), last(one.body, done=False))


@pytest.mark.parametrize("one", WHOLE)
def test_whole_answers_mean_what_their_json_says(one: Recorded):
    agree(gather(PROVIDER.read_reply(one.body)), one.json())


@pytest.mark.parametrize("one", STREAMS)
def test_a_relay_sees_usage_and_end_and_changes_nothing(one: Recorded):
    for size in (1 << 20, 997):
        relay = CLIENT.relay(True)
        passed = b"".join(relay.feed(one.body[start : start + size]) for start in range(0, len(one.body), size))
        assert passed + relay.finish() == one.body
        said = last(one.body)
        assert (relay.done, relay.error, relay.content, relay.finish_reason) == (True, None, True, "completed")
        assert (relay.id, relay.model) == (said["id"], said["model"])
        assert relay.usage is not None
        assert relay.usage.total == said["usage"]["total_tokens"]


@pytest.mark.filterwarnings("ignore:Pydantic serializer")  # OpenAI says more than its own types know
@pytest.mark.parametrize("one", [*STREAMS, *WHOLE])
def test_what_was_read_is_written_for_the_official_client_without_loss(one: Recorded):
    """Recorded answer → events → our stream → the official client's accumulation."""
    events = read(one.body, 4096) if one.framing == "sse" else PROVIDER.read_reply(one.body)
    writer = CLIENT.writer(Shape("m", "ours", 1))
    body = b"".join([writer.feed(event) for event in events] + [writer.finish()])
    numbers = [json.loads(line[5:])["sequence_number"] for line in body.decode().splitlines() if line[:5] == "data:"]
    assert numbers == list(range(len(numbers)))
    with client(body) as openai, openai.responses.stream(model="m", input="x") as said:
        for _ in said:
            pass
        final = said.get_final_response()
    wanted = last(one.body) if one.framing == "sse" else one.json()
    assert summary(final.to_dict(warnings=False)["output"]) == summary(wanted["output"])  # type: ignore[arg-type]
    assert final.usage is not None
    assert final.usage.total_tokens == wanted["usage"]["total_tokens"]
    assert json.loads(CLIENT.write_reply(events, Shape("m", "ours", 1)))["output"] == json.loads(
        json.dumps(last(body)["output"])
    )


@pytest.mark.parametrize("one", ERRORS)
def test_errors_are_understood(one: Recorded):
    failed = PROVIDER.read_error(one.status, [], one.body)
    assert (failed.kind, bool(failed.message), bool(failed.param)) == ("client", True, True)


def meaning(request: dict[str, Any]) -> dict[str, Any]:
    """The request without what says nothing, and with one spelling where there are two."""
    said = {name: value for name, value in request.items() if value not in (None, False, [], "", {})}
    said.setdefault("text", {"format": {"type": "text"}})
    if "reasoning" in said:
        said["reasoning"] = {name: value for name, value in said["reasoning"].items() if value}
    said["input"] = []
    for item in (_item(item) for item in request["input"] if item.get("content") != ""):
        before = said["input"][-1] if said["input"] else {}
        if item.get("role") == "assistant" == before.get("role"):
            before["content"] += item["content"]  # one turn in two messages
        else:
            said["input"].append(item)
    for tool in said.get("tools", ()):
        if not tool.get("description"):
            tool.pop("description", None)
    return said


def _item(item: dict[str, Any]) -> dict[str, Any]:
    said = {name: value for name, value in item.items() if name != "status" and value is not None}
    said.setdefault("type", "message")
    if said["type"] == "web_search_call":
        return {"type": "web_search_call"}
    if said["type"] == "message":
        said.pop("id", None)
        if isinstance(said["content"], list) and said["content"][0]["type"] == "output_text":
            said["content"] = "".join(part["text"] for part in said["content"])
    return said


@pytest.mark.parametrize("one", [one for one in CALLS if one.values[0] is None or one.values[0].request["body"]])
def test_requests_are_read_and_written_with_the_same_meaning(one: Recorded):
    asked = one.request["body"]
    losses = Losses()
    text = PROVIDER.write_request(CLIENT.read_request(json.dumps(asked).encode()), asked["model"], losses)
    assert meaning(json.loads(text)) == meaning(asked)
    assert losses.names == []
