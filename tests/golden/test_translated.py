"""Recorded answers of Gemini, Vertex and Cohere, as the official OpenAI client sees them."""

import json
from typing import Any

import pytest
from tests.golden.recordings import Recorded, recorded
from tests.golden.sdk import client

from triplegate.wire.codec import Losses, Shape
from triplegate.wire.cohere import PROVIDER as COHERE
from triplegate.wire.gemini import PROVIDER as GEMINI
from triplegate.wire.neutral_events import Event
from triplegate.wire.openai import CLIENT

SHAPE = Shape("our-model", "chatcmpl-1", 1)


def answered(exchange: Recorded | None) -> bool:
    return exchange is None or (
        exchange.status == 200 and exchange.request["path"].partition("?")[0].endswith(("Content", "/chat"))
    )


ALL = [one for one in recorded("gemini", "vertex", "cohere") if answered(one.values[0])]


def read(exchange: Recorded) -> list[Event]:
    codec = COHERE if exchange.name.startswith("cohere") else GEMINI
    if exchange.framing == "json":
        return codec.read_reply(exchange.body)
    reader = codec.reader()
    return reader.feed(exchange.body) + reader.finish()


class Meant:
    """Text, names of calls with what they are called with, finish and tokens, as the recording's own JSON says."""

    def __init__(self, exchange: Recorded):
        self.calls: list[tuple[str, Any]] = []
        if exchange.name.startswith("cohere"):
            self._cohere(exchange.json())
        elif exchange.framing == "json":
            self._gemini([exchange.json()])
        else:
            lines = exchange.body.decode().splitlines()
            self._gemini([json.loads(line[6:]) for line in lines if line.startswith("data: ")])

    def _cohere(self, said: Any) -> None:
        message, billed = said["message"], said["usage"]["billed_units"]
        self.text = "".join(part.get("text", "") for part in message.get("content", []))
        calls = message.get("tool_calls", [])
        self.calls = [(call["function"]["name"], json.loads(call["function"]["arguments"])) for call in calls]
        self.finish = {"COMPLETE": "stop", "TOOL_CALL": "tool_calls"}[said["finish_reason"]]
        self.tokens = billed["input_tokens"], billed["output_tokens"]

    def _gemini(self, chunks: list[Any]) -> None:
        candidates = [one for chunk in chunks for one in chunk["candidates"]]
        parts = [part for one in candidates for part in one.get("content", {}).get("parts", [])]
        self.text = "".join(part.get("text", "") for part in parts if not part.get("thought"))
        self.calls = [
            (part["functionCall"]["name"], part["functionCall"]["args"]) for part in parts if "functionCall" in part
        ]
        reason = [one["finishReason"] for one in candidates if "finishReason" in one][-1]
        stop = "tool_calls" if self.calls else "stop"
        self.finish = {"STOP": stop, "MAX_TOKENS": "length"}.get(reason, "content_filter")
        usage = [chunk["usageMetadata"] for chunk in chunks][-1]
        prompt = usage["promptTokenCount"] + usage.get("toolUsePromptTokenCount", 0)
        self.tokens = prompt, usage["totalTokenCount"] - prompt


def calls_of(message: Any) -> list[tuple[str, Any]]:
    return [(call.function.name, json.loads(call.function.arguments)) for call in message.tool_calls or ()]


@pytest.mark.parametrize("exchange", ALL)
def test_a_stream_for_the_official_client_is_the_recording(exchange: Recorded):
    events, writer = read(exchange), CLIENT.writer(SHAPE)
    body = b"".join(writer.feed(event) for event in events) + writer.finish()
    with client(body) as openai, openai.chat.completions.stream(model="m", messages=[]) as stream:
        stream.until_done()
        seen = stream.current_completion_snapshot
    meant = Meant(exchange)
    message = seen.choices[0].message
    assert (message.content or "", calls_of(message)) == (meant.text, meant.calls)
    assert seen.choices[0].finish_reason == meant.finish
    assert seen.usage is not None
    assert (seen.usage.prompt_tokens, seen.usage.completion_tokens) == meant.tokens


@pytest.mark.parametrize("exchange", ALL)
def test_a_whole_answer_for_the_official_client_is_the_recording(exchange: Recorded):
    with client(CLIENT.write_reply(read(exchange), SHAPE), "application/json") as openai:
        seen = openai.chat.completions.create(model="m", messages=[])
    meant = Meant(exchange)
    message = seen.choices[0].message
    assert (message.content or "", calls_of(message)) == (meant.text, meant.calls)
    assert seen.choices[0].finish_reason == meant.finish
    assert seen.usage is not None
    assert (seen.usage.prompt_tokens, seen.usage.completion_tokens) == meant.tokens


@pytest.mark.parametrize("exchange", [one for one in ALL if one.values[0] is None or "signature/01" in one.id])
def test_a_signature_comes_back_with_the_clients_next_turn(exchange: Recorded):
    """What clients of another dialect echo brings Gemini its own state, byte for byte (C5)."""
    with client(CLIENT.write_reply(read(exchange), SHAPE), "application/json") as openai:
        message = openai.chat.completions.create(model="m", messages=[]).choices[0].message
    call = message.to_dict()["tool_calls"][0]
    turns = [
        {"role": "user", "content": "?"},
        message.to_dict(),
        {"role": "tool", "tool_call_id": call["id"], "content": "Mexico"},
    ]
    request = CLIENT.read_request(json.dumps({"model": "our-model", "messages": turns}).encode())
    losses = Losses()
    written = json.loads(GEMINI.write_request(request, "gemini-3-pro-preview", losses))
    signature = json.loads(exchange.body.split(b"\r\n")[0][6:])["candidates"][0]["content"]["parts"][0][
        "thoughtSignature"
    ]
    assert written["contents"][1]["parts"] == [
        {"functionCall": {"id": call["id"], "name": "get_country", "args": {}}, "thoughtSignature": signature}
    ]
    assert written["contents"][2]["parts"][0]["functionResponse"]["name"] == "get_country"
    assert losses.names == []
