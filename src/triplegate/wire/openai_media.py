"""Calls that pass as they came and are only counted: moderations, images, audio, rerank."""

from typing import Any

import msgspec

from triplegate.core.errors import Fault, Refusal
from triplegate.core.usage import Usage
from triplegate.wire.json_members import Members, encode, read_members, set_members

_string = msgspec.json.Decoder(str).decode
_units = msgspec.json.Encoder(order="sorted").encode


class MediaCall(msgspec.Struct, frozen=True, eq=False):
    """What the gateway needs to know of such a request; the rest stays as it came."""

    text: bytes
    members: Members
    model: str
    end_user: str | None = None
    stream: bool = False


def reader(default: str = "") -> Any:
    """Body → MediaCall, for an endpoint whose model is `default` where the client names none."""

    def read_call(text: bytes) -> MediaCall:
        members = read_members(text)
        model = _text(members, "model") or default
        if not model:
            raise _wrong("model", "is required")
        return MediaCall(text, members, model, _text(members, "user"), bytes(members.get("stream", b"")) == b"true")

    return read_call


def _text(members: Members, name: str) -> str | None:
    raw = members.get(name)
    if raw is None or bytes(raw) == b"null":
        return None
    try:
        return _string(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _wrong(name, "must be a string") from error


def _wrong(name: str, what: str) -> Refusal:
    return Refusal(
        "invalid_body", f"The member '{name}' {what}.", errors=(Fault(f"/{name}", what),), payload={"param": name}
    )


def edit_call(call: MediaCall, *, model: str, include_usage: bool = True) -> bytes:
    """The request with its model named as the provider does; every other byte as it came."""
    if model == call.model and "model" in call.members:
        return call.text
    return set_members(call.text, call.members, {"model": encode(model)})


class _InputDetails(msgspec.Struct, gc=False):
    text_tokens: int = 0
    image_tokens: int = 0
    audio_tokens: int = 0
    cached_tokens: int = 0


class MediaTokens(msgspec.Struct, gc=False):
    """What image and transcription models report: the details' names differ, their meaning does not."""

    type: str = ""
    input_tokens: int | None = None
    output_tokens: int | None = None
    input_tokens_details: _InputDetails | None = None
    input_token_details: _InputDetails | None = None
    seconds: float | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class _Billed(msgspec.Struct, gc=False):
    search_units: float | None = None
    input_tokens: float | None = None
    output_tokens: float | None = None


class _Meta(msgspec.Struct, gc=False):
    billed_units: _Billed | None = None


class _Reply(msgspec.Struct, gc=False):
    usage: MediaTokens | None = None
    meta: _Meta | None = None
    data: list[msgspec.Raw] | None = None


_reply = msgspec.json.Decoder(_Reply, strict=False).decode
_NO_DETAILS = _InputDetails()


def _read(text: bytes) -> _Reply | None:
    try:
        return _reply(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def counted(tokens: MediaTokens | None, units: dict[str, float]) -> Usage:
    """What was reported, in our classes, with `units` beside it."""
    usage = Usage(source="provider")
    if tokens is not None:
        details = tokens.input_tokens_details or tokens.input_token_details or _NO_DETAILS
        total = max(0, tokens.input_tokens or tokens.prompt_tokens or 0)
        usage.cache_read = min(max(0, details.cached_tokens), total)
        usage.image_in = min(max(0, details.image_tokens), total - usage.cache_read)
        usage.audio_in = min(max(0, details.audio_tokens), total - usage.cache_read - usage.image_in)
        usage.input_uncached = total - usage.cache_read - usage.image_in - usage.audio_in
        usage.output_text = max(0, tokens.output_tokens or tokens.completion_tokens or 0)
        if tokens.seconds is not None and tokens.seconds > 0:
            units["seconds"] = tokens.seconds
    exact = {name: int(count) if count == int(count) else count for name, count in units.items()}
    usage.tool_units = _units(exact).decode("ascii") if exact else ""
    return usage


def read_images(text: bytes) -> Usage | None:
    """Tokens where the model counts them, and how many images there are: some are paid by the piece."""
    said = _read(text)
    if said is None or (said.usage is None and said.data is None):
        return None
    return counted(said.usage, {"images": len(said.data)} if said.data else {})


def read_transcription(text: bytes) -> Usage | None:
    """Tokens, or seconds of audio, whichever the model is paid by."""
    said = _read(text)
    return None if said is None or said.usage is None else counted(said.usage, {})


def read_rerank(text: bytes) -> Usage | None:
    """Search units (Cohere) or tokens (Jina, Voyage)."""
    said = _read(text)
    if said is None:
        return None
    billed = said.meta.billed_units if said.meta is not None else None
    if billed is None:
        return None if said.usage is None else counted(said.usage, {})
    units = {} if billed.search_units is None else {"search_units": billed.search_units}
    tokens = MediaTokens(input_tokens=int(billed.input_tokens or 0), output_tokens=int(billed.output_tokens or 0))
    return counted(tokens, units)


def free(text: bytes) -> Usage | None:
    """Moderations cost nothing."""
    return Usage(source="provider") if _read(text) is not None else None


class _Speech(msgspec.Struct, gc=False):
    input: str = ""


_speech = msgspec.json.Decoder(_Speech).decode


def spoken(call: MediaCall) -> Usage:
    """Speech is paid by the characters to be spoken, or by tokens; its answer is sound and says nothing."""
    try:
        characters = len(_speech(call.text).input)
    except (msgspec.DecodeError, UnicodeDecodeError):
        characters = 0
    return Usage(
        input_uncached=(characters + 3) // 4,
        audio_out=(5 * characters + 3) // 4,  # twenty a second, of sixteen characters
        source="estimated",
        tool_units=_units({"characters": characters}).decode("ascii"),
    )
