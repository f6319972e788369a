"""Messages of OpenAI's chat dialect and its relatives, read into the neutral form."""

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

NOTHING = Raw(b"")
_NULL = b"null"


class _Cache(msgspec.Struct, gc=False):
    ttl: str | None = None


class _Image(msgspec.Struct, gc=False):
    url: str
    detail: str | None = None


class _Audio(msgspec.Struct, gc=False):
    data: str = ""
    format: str = "wav"


class _File(msgspec.Struct, gc=False):
    file_id: str | None = None
    file_data: str | None = None
    filename: str | None = None


class _Part(msgspec.Struct):
    type: str
    text: str | None = None
    image_url: str | _Image | None = None
    input_audio: _Audio | None = None
    file: _File | None = None
    refusal: str | None = None
    thinking: Raw = NOTHING
    cache_control: _Cache | None = None
    prompt_cache_breakpoint: Raw = NOTHING


class _Called(msgspec.Struct, gc=False):
    name: str = ""
    arguments: str | None = None
    input: str | None = None


class _Google(msgspec.Struct, gc=False):
    thought_signature: str | None = None


class _Extra(msgspec.Struct, gc=False):
    google: _Google | None = None


class _Call(msgspec.Struct, gc=False):
    id: str | None = None
    function: _Called | None = None
    custom: _Called | None = None
    extra_content: _Extra | None = None


class Detail(msgspec.Struct, gc=False):
    """One of OpenRouter's `reasoning_details`."""

    type: str = ""
    text: str | None = None
    summary: str | None = None
    signature: str | None = None
    data: str | None = None


class _Message(msgspec.Struct):
    role: str
    content: str | list[Raw] | None = None
    name: str | None = None
    refusal: str | None = None
    tool_calls: list[_Call] | None = None
    function_call: _Called | None = None
    tool_call_id: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    reasoning_details: list[Raw] | None = None
    audio: Raw = NOTHING


_message = msgspec.json.Decoder(_Message).decode
_part = msgspec.json.Decoder(_Part).decode
_texts = msgspec.json.Decoder(str | list[_Part]).decode
detail = msgspec.json.Decoder(Detail).decode
_BROKEN = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_ROLES = frozenset({"system", "developer", "user", "assistant", "tool"})


def read_messages(raws: list[Raw]) -> tuple[Message, ...]:
    """Each message. Raises Refusal invalid_body, which names the message."""
    messages: list[Message] = []
    for number, raw in enumerate(raws):
        try:
            messages.append(_read(_message(raw), messages))
        except _BROKEN as error:
            raise wrong(f"messages.{number}", f"cannot be read: {error}") from error
    return tuple(messages)


def _read(said: _Message, before: list[Message]) -> Message:
    if said.role in ("tool", "function"):
        return _read_result(said, before)
    if said.role not in _ROLES:
        raise msgspec.ValidationError(f"unknown role {said.role[:32]!r}")
    parts: list[Part] = []
    if said.role == "assistant":
        parts += _read_reasoning(said)
    parts += read_content(said.content)
    if said.role == "assistant":
        parts += _read_answer(said)
    return Message(said.role, tuple(parts), said.name or "")  # type: ignore[arg-type]  # one of the roles


def _read_answer(said: _Message) -> list[Part]:
    parts: list[Part] = []
    if said.refusal:
        parts.append(Refused(said.refusal))
    if len(said.audio) and bytes(said.audio) != _NULL:
        parts.append(Native("openai", "audio", bytes(said.audio)))
    parts += [_read_call(call) for call in said.tool_calls or ()]
    if said.function_call is not None:
        called = said.function_call
        parts.append(ToolUse(f"call_{called.name}", called.name, called.arguments or "{}"))
    return parts


def _read_call(call: _Call) -> ToolUse:
    google = call.extra_content.google if call.extra_content is not None else None
    signature = google.thought_signature if google is not None else None
    opaque = unseal(signature, "gemini", "thought") if signature else None
    if call.custom is not None:
        return ToolUse(call.id or "", call.custom.name, call.custom.input or "", opaque, custom=True)
    called = call.function or _Called()
    return ToolUse(call.id or "", called.name, called.arguments or "{}", opaque)


def _read_result(said: _Message, before: list[Message]) -> Message:
    name = said.name or ""
    call = said.tool_call_id or (f"call_{name}" if said.role == "function" else "")
    if not name:
        uses = (part for message in reversed(before) for part in message.parts if isinstance(part, ToolUse))
        name = next((use.name for use in uses if use.id == call), "")
    parts = tuple(part for part in read_content(said.content) if isinstance(part, Text | Media))
    return Message("tool", (ToolResult(call, parts, name=name),))


def _read_reasoning(said: _Message) -> list[Part]:
    """Thoughts with their state: one part each where the details hold their text, else one of all."""
    text = said.reasoning_content or said.reasoning or ""
    parts: list[Part] = []
    loose: list[Opaque] = []
    for raw in said.reasoning_details or ():
        one = detail(raw)
        sealed = one.signature or one.data or ""
        opaque = unseal(sealed, "openai", "encrypted") if sealed.startswith("tg1.") else None
        if opaque is not None and one.text:
            parts.append(Reasoning(one.text, (opaque,)))
        elif opaque is not None:
            parts.append(Reasoning(opaque=(opaque,)))
        else:
            loose.append(Opaque("openai", "encrypted", bytes(raw).decode("utf-8")))
    told = any(isinstance(part, Reasoning) and part.text for part in parts)
    if loose or (text and not told):
        parts.insert(0, Reasoning("" if told else text, tuple(loose)))
    return parts


def read_content(content: str | list[Raw] | None) -> list[Part]:
    """The parts of a message's content. Raises ValidationError."""
    if content is None:
        return []
    if isinstance(content, str):
        return [Text(content)] if content else []
    return [_read_part(raw) for raw in content]


def _read_part(raw: Raw) -> Part:
    said = _part(raw)
    cache = _cache(said)
    if said.type in ("text", "input_text", "output_text") and said.text is not None:
        return Text(said.text, cache)
    if said.type == "image_url" and said.image_url is not None:
        image = said.image_url if isinstance(said.image_url, _Image) else _Image(said.image_url)
        return inline("image", image.url, detail=image.detail or "", cache=cache)
    if said.type == "input_audio" and said.input_audio is not None:
        return Media("audio", f"audio/{said.input_audio.format}", said.input_audio.data, cache=cache)
    if said.type == "file" and said.file is not None:
        return read_file(said.file.file_id, said.file.file_data, said.file.filename, cache)
    if said.type == "refusal" and said.refusal is not None:
        return Refused(said.refusal)
    if said.type == "thinking" and len(said.thinking):
        return Reasoning(thoughts(said.thinking))
    return Native("openai", said.type, bytes(raw))


def thoughts(raw: Raw) -> str:
    """Mistral's thinking: a string, or a list of text parts."""
    said = _texts(raw)
    return said if isinstance(said, str) else "".join(part.text or "" for part in said)


def _cache(said: _Part) -> str:
    if said.cache_control is not None:
        return said.cache_control.ttl or "5m"
    return "5m" if bytes(said.prompt_cache_breakpoint) not in (b"", _NULL) else ""


def inline(kind: str, url: str, *, name: str = "", detail: str = "", cache: str = "") -> Media:
    """Media by address; a data URL is taken apart, its payload stays as it is. Raises ValidationError."""
    if not url.startswith("data:"):
        return Media(kind, url=url, name=name, detail=detail, cache=cache)  # type: ignore[arg-type]  # the caller's
    head, comma, payload = url[5:].partition(",")
    if not comma or not head.endswith(";base64"):
        raise msgspec.ValidationError("a data URL must be base64")
    mime = head.removesuffix(";base64").partition(";")[0]
    return Media(kind, mime, payload, name=name, detail=detail, cache=cache)  # type: ignore[arg-type]


def read_file(file_id: str | None, content: str | None, name: str | None, cache: str = "") -> Media:
    """A file by id or inline; base64 without its data URL is taken, too."""
    if file_id:
        return Media("file", file_id=file_id, name=name or "", cache=cache)
    if content and content.startswith("data:"):
        return inline("file", content, name=name or "", cache=cache)
    return Media("file", "application/pdf", content or "", name=name or "", cache=cache)
