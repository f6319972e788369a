"""Messages of a neutral request as Gemini's contents: turns of user and model made of parts."""

from typing import Any

import msgspec

from triplegate.wire.codec import Losses
from triplegate.wire.neutral import (
    BEFORE,
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
)
from triplegate.wire.tool_arguments import object_of

_raw = msgspec.json.Decoder(msgspec.Raw).decode

_UNSIGNED = "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I="
"""Google's own word for calls that another model made: skip_thought_signature_validator. From Gemini 3 on the first
call of a turn is refused without a signature."""

_MIMES = {"image": "image/jpeg", "audio": "audio/wav", "video": "video/mp4", "file": "application/pdf"}
_BY_ENDING = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
    "gif": "image/gif",
    "heic": "image/heic",
    "pdf": "application/pdf",
    "txt": "text/plain",
    "mp3": "audio/mpeg",
    "wav": "audio/wav",
    "flac": "audio/flac",
    "ogg": "audio/ogg",
    "mp4": "video/mp4",
    "mov": "video/quicktime",
    "webm": "video/webm",
}


def generation(model: str) -> int:
    """3 of gemini-3-pro-preview; 0 for names that do not say (they get what every model takes)."""
    number = model.rpartition("/")[2].removeprefix("gemini-").partition("-")[0].partition(".")[0]
    return int(number) if model.rpartition("/")[2].startswith("gemini-") and number.isdigit() else 0


class Contents:
    """Takes messages in and gives system parts and contents; neighbours of one role become one turn."""

    __slots__ = ("_contents", "_dialect", "_losses", "_names", "_nested", "_parts", "_signatures", "_signed", "_system")

    def __init__(self, model: str, dialect: str, losses: Losses) -> None:
        self._dialect, self._losses = dialect, losses
        self._signed = self._nested = generation(model) >= 3
        self._system: list[Any] = []
        self._contents: list[dict[str, Any]] = []
        self._parts: list[Any] = []
        self._names: dict[str, str] = {}
        self._signatures: list[str] = []

    def add(self, message: Message) -> None:
        """The next message. A system message behind the first turn stands in its place as the user's words."""
        if message.role in ("system", "developer") and not self._contents:
            self._system += [self._text(part) for part in message.parts if isinstance(part, Text) and part.text]
            return
        if message.name:
            self._losses.lose("name")
        role = "model" if message.role == "assistant" else "user"
        if not self._contents or self._contents[-1]["role"] != role:
            self._contents.append({"role": role, "parts": []})
        self._parts = self._contents[-1]["parts"]
        first = len(self._parts)
        for part in message.parts:
            self._part(part)
        for signature in self._signatures:
            self._parts.append({"text": "", "thoughtSignature": signature})
        self._signatures.clear()
        if role == "model" and self._signed:
            self._sign(self._parts[first:])
        if not self._parts:
            self._contents.pop()

    def _sign(self, parts: list[Any]) -> None:
        call = next((part for part in parts if isinstance(part, dict) and "functionCall" in part), None)
        if call is not None:
            call.setdefault("thoughtSignature", _UNSIGNED)

    def done(self) -> tuple[list[Any], list[dict[str, Any]]]:
        """System parts and contents; with Gemini the user must begin, and lonely system parts are the user's."""
        if not self._contents:
            return [], [{"role": "user", "parts": self._system or [{"text": ""}]}]
        if self._contents[0]["role"] == "model" and self._dialect != "gemini":
            self._contents.insert(0, {"role": "user", "parts": [{"text": BEFORE}]})
        return self._system, self._contents

    def _part(self, part: Part) -> None:
        match part:
            case Text():
                if part.text:
                    self._parts.append(self._signing(self._text(part)))
            case Media():
                self._media(part)
            case ToolUse():
                self._call(part)
            case ToolResult():
                self._result(part)
            case Reasoning():
                self._thought(part)
            case Refused(text):
                self._parts.append({"text": text})
            case Native(provider, kind, raw):
                if provider == "gemini":
                    self._parts.append(Raw(raw))
                else:
                    self._losses.lose_content(kind)

    def _text(self, part: Text) -> dict[str, Any]:
        self._cache(part.cache)
        return {"text": part.text}

    def _cache(self, cache: str) -> None:
        if cache:
            self._losses.lose("cache_control")

    def _signing(self, part: dict[str, Any], own: str = "") -> dict[str, Any]:
        """`part` with its own signature, or else with the one that its thoughts left."""
        if not own and self._signatures:
            own = self._signatures.pop()
        for signature in self._signatures:
            self._parts.append({"text": "", "thoughtSignature": signature})
        self._signatures.clear()
        if own:
            part["thoughtSignature"] = own
        return part

    def _thought(self, part: Reasoning) -> None:
        if part.text:
            self._parts.append({"text": part.text, "thought": True})
        self._signatures += [own for opaque in part.opaque if (own := _own(opaque))]

    def _call(self, part: ToolUse) -> None:
        self._names[part.id] = part.name
        self._cache(part.cache)
        call: dict[str, Any] = {"id": part.id} if part.id else {}
        call["name"] = part.name
        call["args"] = Raw(object_of(part, self._losses))
        self._parts.append(self._signing({"functionCall": call}, _own(part.opaque)))

    def _result(self, part: ToolResult) -> None:
        self._cache(part.cache)
        text = "".join(one.text for one in part.parts if isinstance(one, Text))
        result: dict[str, Any] = {"id": part.id} if part.id else {}
        result["name"] = part.name or self._names.get(part.id, "") or part.id
        if part.error:
            result["response"] = {"error": text}
        else:
            result["response"] = _object(text) or {"output": text}
        media = [found for one in part.parts if isinstance(one, Media) and (found := self._blob(one))]
        if media and self._nested:
            result["parts"] = media
            media = []
        self._parts.append({"functionResponse": result})
        self._parts += media

    def _media(self, media: Media) -> None:
        if media.detail not in ("", "auto"):
            self._losses.lose("detail")
        if part := self._blob(media):
            self._parts.append(part)

    def _blob(self, media: Media) -> dict[str, Any] | None:
        self._cache(media.cache)
        if media.data:
            return {"inlineData": {"mimeType": media.mime or _MIMES[media.kind], "data": media.data}}
        address = media.url or (media.file_id if self._dialect == "gemini" or "://" in media.file_id else "")
        if not address:
            self._losses.lose("file_id", "the file is stored at another provider")
            return None
        return {"fileData": {"mimeType": media.mime or _mime(address, media.kind), "fileUri": address}}


def _own(opaque: Opaque | None) -> str:
    return opaque.value if opaque is not None and opaque.provider == "gemini" else ""


def _mime(address: str, kind: str) -> str:
    ending = address.partition("?")[0].rpartition(".")[2].lower()
    return _BY_ENDING.get(ending, _MIMES[kind])


def _object(text: str) -> Raw | None:
    """`text` as it is when it is a JSON object."""
    if not text.lstrip().startswith("{"):
        return None
    try:
        return _raw(text)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return None
