"""What was asked and answered in a model call, as OpenTelemetry's message lists; out of the client's own bytes."""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from triplegate.control.telemetry.redact import Redactor

Part = dict[str, Any]
Spoken = dict[str, Any]

MOST = 65_536
"""Bytes of a request, and of a reply, that are kept for spans."""
_RESULTS = frozenset({"tool_result", "function_call_output"})
_CALLS = frozenset({"tool_use", "function_call", "server_tool_use"})


def content(asked: bytes, answered: bytes, redactor: Redactor) -> dict[str, str]:
    """Attributes with the messages of a call, redacted; nothing of what cannot be read."""
    found: dict[str, list[Any]] = {}
    request = _decoded(asked)
    if isinstance(request, dict):
        found["gen_ai.system_instructions"] = [part for text in _instructions(request) for part in _parts(text)]
        found["gen_ai.input.messages"] = list(_asked(request))
    found["gen_ai.output.messages"] = _answered(answered)
    return {name: msgspec.json.encode(_cleaned(said, redactor)).decode("utf-8") for name, said in found.items() if said}


def _decoded(text: bytes) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _cleaned(said: Any, redactor: Redactor) -> Any:
    if isinstance(said, str):
        return redactor.clean(said)
    if isinstance(said, dict):
        return {name: _cleaned(one, redactor) for name, one in said.items()}
    if isinstance(said, list):
        return [_cleaned(one, redactor) for one in said]
    return said


# the request -------------------------------------------------------------------------------------------------
def _instructions(request: dict[str, Any]) -> Iterator[Any]:
    yield from (request[name] for name in ("system", "instructions") if request.get(name))
    for message in _list(request.get("messages")):
        if message.get("role") in ("system", "developer"):
            yield message.get("content")


def _asked(request: dict[str, Any]) -> Iterator[Spoken]:
    for name in ("input", "prompt"):
        if isinstance(request.get(name), str):
            yield {"role": "user", "parts": _parts(request[name])}
    for message in (*_list(request.get("messages")), *_list(request.get("input"))):
        if message.get("role") not in ("system", "developer"):
            yield _message(message)


def _message(message: dict[str, Any]) -> Spoken:
    """A message of any dialect; an item of the Responses API that is none is one part."""
    if "role" not in message:
        return {"role": "tool" if message.get("type") in _RESULTS else "assistant", "parts": _parts([message])}
    parts = _parts(message.get("content"))
    if message["role"] == "tool":
        parts = [{"type": "tool_call_response", "id": message.get("tool_call_id"), "response": message.get("content")}]
    for call in _list(message.get("tool_calls")):
        named = call.get("function") or {}
        parts.append(_call(call.get("id"), named.get("name"), named.get("arguments")))
    return {"role": message["role"], "parts": parts}


def _call(name_id: Any, name: Any, arguments: Any) -> Part:
    return {"type": "tool_call", "id": name_id, "name": name, "arguments": arguments}


def _parts(said: Any) -> list[Part]:
    if isinstance(said, str):
        return [{"type": "text", "content": said}]
    return [_part(one) for one in _list(said)]


def _part(one: dict[str, Any]) -> Part:
    kind = str(one.get("type", ""))
    if isinstance(one.get("text"), str):
        return {"type": "text", "content": one["text"]}
    if kind in _CALLS:
        return _call(one.get("call_id") or one.get("id"), one.get("name"), one.get("arguments", one.get("input")))
    if kind in _RESULTS:
        given = one.get("content", one.get("output"))
        return {"type": "tool_call_response", "id": one.get("tool_use_id") or one.get("call_id"), "response": given}
    if kind in ("thinking", "reasoning"):
        return {"type": "reasoning", "content": one.get("thinking") or _joined(one.get("summary"))}
    return {"type": kind or "unknown"}  # images and files stay behind


def _joined(said: Any) -> str:
    return "".join(str(one.get("text", "")) for one in _list(said))


def _list(said: Any) -> list[dict[str, Any]]:
    return [one for one in said if isinstance(one, dict)] if isinstance(said, list) else []


# the reply ---------------------------------------------------------------------------------------------------
def _answered(answered: bytes) -> list[Spoken]:
    whole = _decoded(answered)
    if isinstance(whole, dict):
        return _whole(whole)
    events = [one for one in _events(answered) if isinstance(one, dict)]
    last: dict[str, Any] = next(
        (one["response"] for one in reversed(events) if isinstance(one.get("response"), dict)), {}
    )
    return _whole(last) if last.get("output") else _streamed(events)


def _events(answered: bytes) -> Iterator[Any]:
    for line in answered.splitlines():
        if line.startswith(b"data:"):
            yield _decoded(line[5:].strip())


def _whole(reply: dict[str, Any]) -> list[Spoken]:
    if isinstance(reply.get("choices"), list):
        found = []
        for choice in _list(reply["choices"]):
            said = choice.get("message") or {"role": "assistant", "content": choice.get("text")}
            found.append({**_message({"role": "assistant", **said}), "finish_reason": choice.get("finish_reason")})
        return found
    parts = _parts(reply.get("content"))
    for item in _list(reply.get("output")):
        parts += _parts(item.get("content")) if item.get("type") == "message" else [_part(item)]
    reason = reply.get("stop_reason") or reply.get("status")
    return [{"role": "assistant", "parts": parts, "finish_reason": reason}] if parts else []


def _streamed(events: Iterable[dict[str, Any]]) -> list[Spoken]:
    """Chat chunks and Anthropic's deltas, put together by choice; of Responses the text that came before a cut."""
    texts: dict[int, list[str]] = {}
    calls: dict[tuple[int, int], Part] = {}
    reasons: dict[int, Any] = {}
    for event in events:
        delta, block = event.get("delta"), event.get("content_block")
        if isinstance(delta, str):
            texts.setdefault(0, []).append(delta)
        elif isinstance(delta, dict):
            texts.setdefault(0, []).append(str(delta.get("text", "")))
            reasons[0] = delta.get("stop_reason") or reasons.get(0)
            _more(calls, (0, event.get("index", 0)), delta.get("partial_json"))
        if isinstance(block, dict) and block.get("type") in _CALLS:
            calls[0, event.get("index", 0)] = _call(block.get("id"), block.get("name"), "")
        for choice in _list(event.get("choices")):
            _chunk(choice, texts, calls, reasons)
    return [
        {
            "role": "assistant",
            "parts": [
                *([{"type": "text", "content": "".join(texts[number])}] if any(texts.get(number, ())) else []),
                *(call for (of, _), call in calls.items() if of == number),
            ],
            "finish_reason": reasons.get(number),
        }
        for number in dict.fromkeys([*texts, *reasons])
    ]


def _chunk(
    choice: dict[str, Any], texts: dict[int, list[str]], calls: dict[tuple[int, int], Part], reasons: dict[int, Any]
) -> None:
    number, delta = choice.get("index", 0), choice.get("delta") or {}
    texts.setdefault(number, []).append(delta.get("content") or choice.get("text") or "")
    reasons[number] = choice.get("finish_reason") or reasons.get(number)
    for call in _list(delta.get("tool_calls")):
        place, named = (number, call.get("index", 0)), call.get("function") or {}
        calls.setdefault(place, _call(call.get("id"), named.get("name"), ""))
        _more(calls, place, named.get("arguments"))


def _more(calls: dict[tuple[int, int], Part], place: tuple[int, int], fragment: Any) -> None:
    if isinstance(fragment, str) and place in calls:
        calls[place]["arguments"] += fragment
