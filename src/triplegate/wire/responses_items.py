"""Items of a Responses request, read into neutral messages."""

import msgspec

from triplegate.wire.neutral import (
    Media,
    Message,
    Native,
    Opaque,
    Part,
    Raw,
    Reasoning,
    Refused,
    Text,
    ToolResult,
    ToolUse,
    unseal,
)
from triplegate.wire.openai_chat import wrong
from triplegate.wire.openai_messages import inline, read_file

FAMILY = "openai_responses"
NOTHING = Raw(b"")
SIGNATURE = "rs_sig_"
"""Ids of reasoning items that carry the signature of the call whose id follows."""


class _Audio(msgspec.Struct, gc=False):
    data: str = ""
    format: str = "wav"


class _Part(msgspec.Struct, gc=False):
    type: str = "input_text"
    text: str | None = None
    refusal: str | None = None
    image_url: str | None = None
    file_id: str | None = None
    file_data: str | None = None
    file_url: str | None = None
    filename: str | None = None
    detail: str | None = None
    input_audio: _Audio | None = None
    prompt_cache_breakpoint: Raw = NOTHING


class _Item(msgspec.Struct):
    type: str = "message"
    id: str | None = None
    role: str = "user"
    content: str | list[Raw] | None = None
    call_id: str | None = None
    name: str | None = None
    arguments: str | None = None
    input: str | None = None
    output: str | list[Raw] | None = None
    summary: list[_Part] | None = None
    encrypted_content: str | None = None


class _Kind(msgspec.Struct, gc=False):
    type: str = "message"


_item = msgspec.json.Decoder(_Item).decode
_kind = msgspec.json.Decoder(_Kind).decode
_part = msgspec.json.Decoder(_Part).decode
_KNOWN = frozenset(
    {
        "message",
        "function_call",
        "custom_tool_call",
        "function_call_output",
        "custom_tool_call_output",
        "reasoning",
    }
)
_ROLES = frozenset({"system", "developer", "user", "assistant"})


def read_items(raws: list[Raw]) -> list[Message]:
    """Items as messages; the model's own that stand together are one. Raises Refusal invalid_body by place."""
    messages: list[Message] = []
    names: dict[str, str] = {}
    for number, raw in enumerate(raws):
        try:
            message = _read(raw, names)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise wrong(f"input.{number}", f"cannot be read: {error}") from error
        if messages and message.role == "assistant" == messages[-1].role:
            messages[-1] = _joined(messages[-1], message)
        else:
            messages.append(message)
    return messages


def _joined(first: Message, second: Message) -> Message:
    """One turn of the model; a signature goes to the call it belongs to."""
    parts = [*first.parts, *second.parts]
    last = second.parts[-1] if second.parts else None
    if isinstance(last, Reasoning) and last.id.startswith(SIGNATURE) and last.opaque:
        call = last.id.removeprefix(SIGNATURE)
        for place, part in enumerate(parts):
            if isinstance(part, ToolUse) and part.id == call:
                parts[place] = msgspec.structs.replace(part, opaque=last.opaque[0])
                parts.pop()
                break
    return Message("assistant", tuple(parts), id=first.id or second.id)


def _read(raw: Raw, names: dict[str, str]) -> Message:
    kind = _kind(raw).type
    if kind not in _KNOWN:
        return Message("assistant", (Native(FAMILY, kind, bytes(raw)),))
    said = _item(raw)
    if said.type == "message":
        return _read_message(said)
    if said.type == "reasoning":
        return Message("assistant", (_read_reasoning(said),))
    call = said.call_id or said.id or ""
    if said.type.endswith("_output"):
        parts = tuple(part for part in _read_content(said.output) if isinstance(part, Text | Media))
        return Message("tool", (ToolResult(call, parts, name=names.get(call, "")),))
    names[call] = said.name or ""
    if said.type == "custom_tool_call":
        return Message("assistant", (ToolUse(call, said.name or "", said.input or "", custom=True),))
    return Message("assistant", (ToolUse(call, said.name or "", said.arguments or "{}"),))


def _read_message(said: _Item) -> Message:
    if said.role not in _ROLES:
        raise msgspec.ValidationError(f"unknown role {said.role[:32]!r}")
    parts = tuple(_read_content(said.content))
    return Message(said.role, parts, id=said.id or "")  # type: ignore[arg-type]  # one of the roles


def _read_reasoning(said: _Item) -> Reasoning:
    summary = "\n\n".join(part.text or "" for part in said.summary or ())
    thoughts = "".join(part.text for part in _read_content(said.content) if isinstance(part, Text))
    opaque: tuple[Opaque, ...] = ()
    if said.encrypted_content:
        opaque = (unseal(said.encrypted_content, FAMILY, "encrypted"),)
    return Reasoning(summary or thoughts, opaque, said.id or "", summary=bool(summary))


def _read_content(content: str | list[Raw] | None) -> list[Part]:
    if content is None or content == "":
        return []
    if isinstance(content, str):
        return [Text(content)]
    return [_read_part(raw) for raw in content]


def _read_part(raw: Raw) -> Part:
    said = _part(raw)
    cache = "5m" if bytes(said.prompt_cache_breakpoint) not in (b"", b"null") else ""
    if said.text is not None:
        return Text(said.text, cache)
    if said.refusal is not None:
        return Refused(said.refusal)
    if said.type == "input_image":
        if said.image_url:
            return inline("image", said.image_url, detail=said.detail or "", cache=cache)
        return Media("image", file_id=said.file_id or "", detail=said.detail or "", cache=cache)
    if said.type == "input_file":
        if said.file_url:
            return Media("file", url=said.file_url, name=said.filename or "", cache=cache)
        return read_file(said.file_id, said.file_data, said.filename, cache)
    if said.type == "input_audio" and said.input_audio is not None:
        return Media("audio", f"audio/{said.input_audio.format}", said.input_audio.data, cache=cache)
    return Native(FAMILY, said.type, bytes(raw))
