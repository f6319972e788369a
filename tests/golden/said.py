"""What a recorded reply says, read from its JSON by plain code of its own: the judge of what clients were given."""

import json
import struct
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import msgspec


class Said(msgspec.Struct):
    """A reply by its meaning."""

    text: str = ""
    thoughts: str = ""
    calls: list[tuple[str, Any]] = []
    """Name and arguments (as JSON values) of each call of a client's tool, in order."""
    finish: str = ""
    """stop, length, tool_calls, content_filter, refusal, pause; empty = it never ended."""
    input: int = 0
    """Tokens read and paid for, cached ones included."""
    cached: int = 0
    output: int = 0
    """Tokens written, thoughts included."""
    total: int = 0
    """As told; more than the rest where thoughts stand in the total only."""
    reasoned: int = 0
    counted: bool = False
    """Whether it tells its usage."""
    beside: tuple[int, int] = (0, 0)
    """Input and output that were sampled beside the answer: counted above, but told to Anthropic's clients apart."""
    failed: bool = False
    """An error inside the stream."""

    @property
    def written(self) -> int:
        """What is paid for as output."""
        return max(self.output, self.total - self.input)


class _Call(msgspec.Struct):
    name: str = ""
    arguments: str = ""

    def pair(self) -> tuple[str, Any]:
        return self.name, json.loads(self.arguments or "{}")


def events_of(body: bytes) -> Iterator[Any]:
    """The JSON of each server-sent event."""
    for block in body.replace(b"\r\n", b"\n").split(b"\n\n"):
        lines = [line[5:].removeprefix(b" ") for line in block.split(b"\n") if line.startswith(b"data:")]
        text = b"\n".join(lines)
        if text and text != b"[DONE]":
            yield json.loads(text)


def frames_of(body: bytes) -> Iterator[tuple[str, Any]]:
    """Type and JSON of each message of Amazon's event stream."""
    place = 0
    while place < len(body):
        total, fields, _ = struct.unpack_from(">III", body, place)
        head, tail = body[place + 12 : place + 12 + fields], body[place + 12 + fields : place + total - 4]
        assert struct.unpack_from(">I", body, place + total - 4)[0] == zlib.crc32(body[place : place + total - 4])
        names, at = {}, 0
        while at < len(head):
            size = head[at]
            name = head[at + 1 : at + 1 + size].decode()
            (length,) = struct.unpack_from(">H", head, at + 2 + size)
            names[name] = head[at + 4 + size : at + 4 + size + length].decode()
            at += 4 + size + length
        yield names.get(":event-type") or names.get(":exception-type", ""), json.loads(tail)
        place += total


# OpenAI's chat ------------------------------------------------------------------------------------------------
_CHAT_ENDS = {"stop": "stop", "length": "length", "tool_calls": "tool_calls", "content_filter": "content_filter"}


def chat_parts(said: Said, message: dict[str, Any]) -> None:
    """Add text and thoughts of a message or delta; Mistral's content is a list."""
    content = message.get("content") or ""
    for part in content if isinstance(content, list) else [{"type": "text", "text": content}]:
        if part["type"] == "thinking":
            said.thoughts += "".join([each["text"] for each in part["thinking"]])
        else:
            said.text += part["text"]
    said.thoughts += message.get("reasoning_content") or message.get("reasoning") or ""


def _chat_usage(said: Said, usage: dict[str, Any] | None) -> None:
    if usage:
        said.counted = True
        said.input, said.output = usage["prompt_tokens"], usage.get("completion_tokens", 0)
        said.total = usage.get("total_tokens", 0)
        details = usage.get("prompt_tokens_details") or {}
        said.cached = details.get("cached_tokens") or usage.get("num_cached_tokens") or 0
        said.reasoned = (usage.get("completion_tokens_details") or {}).get("reasoning_tokens") or 0


def _chat(body: bytes) -> Said:
    reply = json.loads(body)
    said, choice = Said(), reply["choices"][0]
    chat_parts(said, choice["message"])
    for call in choice["message"].get("tool_calls") or ():
        said.calls.append((call["function"]["name"], json.loads(call["function"]["arguments"])))
    said.finish = _CHAT_ENDS[choice["finish_reason"]]
    _chat_usage(said, reply.get("usage"))
    return said


def _chat_stream(body: bytes) -> Said:
    said, calls = Said(), dict[int, _Call]()
    for chunk in events_of(body):
        said.failed = said.failed or bool(chunk.get("error"))
        _chat_usage(said, chunk.get("usage") or (chunk.get("x_groq") or {}).get("usage"))
        for choice in chunk.get("choices") or ():
            delta = choice.get("delta") or {}
            chat_parts(said, delta)
            for piece in delta.get("tool_calls") or ():
                call = calls.setdefault(piece["index"], _Call())
                call.name += piece["function"].get("name") or ""
                call.arguments += piece["function"].get("arguments") or ""
            said.finish = _CHAT_ENDS.get(choice.get("finish_reason"), said.finish)
    said.calls = [call.pair() for call in calls.values()]
    return said


# OpenAI's responses -------------------------------------------------------------------------------------------
def _response(reply: dict[str, Any]) -> Said:
    said = Said()
    for item in reply["output"]:
        if item["type"] == "message":
            said.text += "".join([part.get("text", "") for part in item["content"]])
        elif item["type"] == "function_call":
            said.calls.append((item["name"], json.loads(item["arguments"])))
        elif item["type"] == "reasoning":
            for part in (*item.get("summary", ()), *(item.get("content") or ())):
                said.thoughts += part["text"]
    incomplete = (reply.get("incomplete_details") or {}).get("reason")
    said.finish = {"max_output_tokens": "length"}.get(incomplete or "", incomplete or "stop")
    if said.calls and said.finish == "stop":
        said.finish = "tool_calls"
    usage = reply.get("usage")
    if usage:
        said.counted = True
        said.input, said.output = usage["input_tokens"], usage["output_tokens"]
        said.cached = usage["input_tokens_details"]["cached_tokens"]
        said.reasoned = usage["output_tokens_details"]["reasoning_tokens"]
    return said


def _responses_stream(body: bytes) -> Said:
    for event in events_of(body):
        if event["type"] in ("response.completed", "response.incomplete"):
            return _response(event["response"])
        if event["type"] in ("error", "response.failed"):
            return Said(failed=True)
    return Said()


# Anthropic's messages -----------------------------------------------------------------------------------------
_ANTHROPIC_ENDS = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "tool_use": "tool_calls",
    "refusal": "refusal",
    "pause_turn": "pause",
    "compaction": "pause",
}


def _message(reply: dict[str, Any]) -> Said:
    said = Said(finish=_ANTHROPIC_ENDS.get(reply["stop_reason"], ""), counted=True)
    for block in reply["content"]:
        if block["type"] == "text":
            said.text += block["text"]
        elif block["type"] == "thinking":
            said.thoughts += block["thinking"]
        elif block["type"] == "tool_use":
            said.calls.append((block["name"], block["input"]))
    usage = reply["usage"]
    said.cached = usage.get("cache_read_input_tokens") or 0
    said.input = usage["input_tokens"] + said.cached + (usage.get("cache_creation_input_tokens") or 0)
    said.output = usage["output_tokens"]
    for beside in usage.get("iterations") or ():
        if beside["type"] == "compaction":
            said.beside = (beside["input_tokens"] + beside["cache_read_input_tokens"], beside["output_tokens"])
            said.cached += beside["cache_read_input_tokens"]
    said.input += said.beside[0]
    said.output += said.beside[1]
    return said


def _messages_stream(body: bytes) -> Said:
    reply: dict[str, Any] = {"stop_reason": None, "content": [], "usage": {"input_tokens": 0, "output_tokens": 0}}
    arguments = ""
    for event in events_of(body):
        kind, delta = event["type"], event.get("delta") or {}
        if kind == "error":
            return Said(failed=True)
        if kind == "message_start":
            reply["usage"] |= event["message"]["usage"]
        elif kind == "content_block_start":
            reply["content"].append(event["content_block"])
            arguments = ""
        elif kind == "content_block_delta":
            block = reply["content"][-1]
            arguments += delta.get("partial_json", "")
            for name in ("text", "thinking"):
                if name in delta:
                    block[name] += delta[name]
        elif kind == "content_block_stop" and arguments:
            reply["content"][-1]["input"] = json.loads(arguments)
        elif kind == "message_delta":
            reply["stop_reason"] = delta["stop_reason"]
            reply["usage"] |= {name: count for name, count in event["usage"].items() if count is not None}
    return _message(reply)


# Gemini -------------------------------------------------------------------------------------------------------
_GEMINI_ENDS = {"STOP": "stop", "MAX_TOKENS": "length"}


def _gemini(*chunks: dict[str, Any]) -> Said:
    said = Said()
    for chunk in chunks:
        said.failed = said.failed or "error" in chunk
        if chunk.get("promptFeedback", {}).get("blockReason"):
            said.finish = "content_filter"
        for candidate in chunk.get("candidates") or ():
            for part in candidate.get("content", {}).get("parts") or ():
                _gemini_part(said, part)
            if reason := candidate.get("finishReason"):
                said.finish = _GEMINI_ENDS.get(reason, "content_filter")
        if usage := chunk.get("usageMetadata"):
            said.counted = True
            said.reasoned = usage.get("thoughtsTokenCount", 0)
            said.cached = usage.get("cachedContentTokenCount", 0)
            said.input = usage.get("promptTokenCount", 0) + usage.get("toolUsePromptTokenCount", 0)
            said.output = usage.get("candidatesTokenCount", 0) + said.reasoned
    if said.calls and said.finish == "stop":
        said.finish = "tool_calls"
    return said


def _gemini_part(said: Said, part: dict[str, Any]) -> None:
    if "functionCall" in part:
        said.calls.append((part["functionCall"]["name"], part["functionCall"].get("args") or {}))
    elif part.get("thought"):
        said.thoughts += part.get("text", "")
    else:
        said.text += part.get("text", "")


# Bedrock ------------------------------------------------------------------------------------------------------
_BEDROCK_ENDS = _ANTHROPIC_ENDS | {"guardrail_intervened": "content_filter", "content_filtered": "content_filter"}


def _bedrock_usage(said: Said, usage: dict[str, int]) -> None:
    said.counted, said.cached = True, usage.get("cacheReadInputTokens", 0)
    said.input = usage["inputTokens"] + said.cached + usage.get("cacheWriteInputTokens", 0)
    said.output = usage["outputTokens"]


def _converse(body: bytes) -> Said:
    reply = json.loads(body)
    said = Said(finish=_BEDROCK_ENDS[reply["stopReason"]])
    for block in reply["output"]["message"]["content"]:
        said.text += block.get("text", "")
        if "toolUse" in block:
            said.calls.append((block["toolUse"]["name"], block["toolUse"]["input"]))
        said.thoughts += block.get("reasoningContent", {}).get("reasoningText", {}).get("text", "")
    _bedrock_usage(said, reply["usage"])
    return said


def _converse_stream(body: bytes) -> Said:
    said, calls = Said(), dict[int, _Call]()
    for kind, event in frames_of(body):
        if kind == "contentBlockStart" and "toolUse" in event["start"]:
            calls[event["contentBlockIndex"]] = _Call(event["start"]["toolUse"]["name"])
        elif kind == "contentBlockDelta":
            delta = event["delta"]
            said.text += delta.get("text", "")
            said.thoughts += delta.get("reasoningContent", {}).get("text", "")
            if "toolUse" in delta:
                calls[event["contentBlockIndex"]].arguments += delta["toolUse"]["input"]
        elif kind == "messageStop":
            said.finish = _BEDROCK_ENDS[event["stopReason"]]
        elif kind == "metadata":
            _bedrock_usage(said, event["usage"])
        elif kind.endswith("Exception"):
            said.failed = True
    said.calls = [call.pair() for call in calls.values()]
    return said


# Cohere -------------------------------------------------------------------------------------------------------
_COHERE_ENDS = {"COMPLETE": "stop", "MAX_TOKENS": "length", "TOOL_CALL": "tool_calls", "STOP_SEQUENCE": "stop"}


def _cohere_usage(said: Said, usage: dict[str, Any]) -> None:
    """What it bills; `cached_tokens` count among all tokens, not among these."""
    units = usage["billed_units"]
    said.counted, said.input, said.output = True, int(units["input_tokens"]), int(units["output_tokens"])


def _cohere(body: bytes) -> Said:
    reply = json.loads(body)
    said = Said(thoughts=reply["message"].get("tool_plan") or "", finish=_COHERE_ENDS[reply["finish_reason"]])
    for part in reply["message"].get("content") or ():
        said.text += part.get("text", "")
        said.thoughts += part.get("thinking", "")
    for call in reply["message"].get("tool_calls") or ():
        said.calls.append((call["function"]["name"], json.loads(call["function"]["arguments"])))
    _cohere_usage(said, reply["usage"])
    return said


def _cohere_stream(body: bytes) -> Said:
    said, calls = Said(), dict[int, _Call]()
    for event in events_of(body):
        kind, message = event["type"], (event.get("delta") or {}).get("message") or {}
        said.thoughts += message.get("tool_plan") or "" if kind == "tool-plan-delta" else ""
        if kind == "content-delta":
            said.text += message["content"].get("text", "")
            said.thoughts += message["content"].get("thinking", "")
        elif kind == "tool-call-start":
            function = message["tool_calls"]["function"]
            calls[event["index"]] = _Call(function["name"], function.get("arguments") or "")
        elif kind == "tool-call-delta":
            calls[event["index"]].arguments += message["tool_calls"]["function"]["arguments"]
        elif kind == "message-end":
            reason = event["delta"]["finish_reason"]
            said.failed, said.finish = reason == "ERROR", _COHERE_ENDS.get(reason, "")
            if usage := event["delta"].get("usage"):
                _cohere_usage(said, usage)
    said.calls = [call.pair() for call in calls.values()]
    return said


_READ: dict[tuple[str, bool], Callable[[bytes], Said]] = {
    ("openai_chat", False): _chat,
    ("openai_chat", True): _chat_stream,
    ("openai_responses", False): lambda body: _response(json.loads(body)),
    ("openai_responses", True): _responses_stream,
    ("anthropic_messages", False): lambda body: _message(json.loads(body)),
    ("anthropic_messages", True): _messages_stream,
    ("gemini", False): lambda body: _gemini(json.loads(body)),
    ("gemini", True): lambda body: _gemini(*events_of(body)),
    ("bedrock_converse", False): _converse,
    ("bedrock_converse", True): _converse_stream,
    ("cohere", False): _cohere,
    ("cohere", True): _cohere_stream,
}


def said_by(dialect: str, body: bytes, *, streamed: bool) -> Said:
    """The meaning of a reply of this dialect of a provider's."""
    return _READ[dialect, streamed](body)
