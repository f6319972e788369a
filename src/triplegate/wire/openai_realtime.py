"""OpenAI's Realtime events as a gateway needs them: usage of each response, and what a client may not change."""

from typing import Any, Literal

import msgspec

from triplegate.core.errors import Refusal
from triplegate.core.usage import CLASSES, Usage
from triplegate.wire.responses_mcp import names_servers, servers_refused

PROTOCOL = b"realtime"
"""The subprotocol that web pages ask for."""
_BETA = b"openai-beta."
_KEY = b"openai-insecure-api-key."
_BYTES_A_TOKEN = 4
_AUDIO_IN, _AUDIO_OUT = 6_400, 3_200
"""Base64 bytes of PCM at 24 kHz that are a token: 100 ms of what is heard, 50 ms of what is said."""
_START = 160
"""Bytes of an event in which its type is looked for where only an estimate hangs on it."""


class Offered:
    """What a handshake's subprotocols say: web pages can send no header fields, so they say it there."""

    __slots__ = ("beta", "key", "realtime")

    def __init__(self, values: list[bytes]) -> None:
        """`values` of each Sec-WebSocket-Protocol. Raises Refusal malformed_request for two keys."""
        self.realtime = False
        self.key: bytes | None = None
        self.beta: bytes | None = None
        """What OpenAI-Beta would say."""
        for word in [word.strip() for value in values for word in value.split(b",")]:
            if word == PROTOCOL:
                self.realtime = True
            elif word.startswith(_KEY):
                if self.key is not None:
                    raise Refusal("malformed_request", "Two keys stand in Sec-WebSocket-Protocol.")
                self.key = word[len(_KEY) :]
            elif word == _BETA + b"realtime-v1":
                self.beta = b"realtime=v1"


class _Cached(msgspec.Struct, gc=False):
    audio_tokens: int | None = None
    image_tokens: int | None = None


class _Input(msgspec.Struct, gc=False):
    """`input_token_details`: parts of input_tokens; cached ones are parts of each of them."""

    cached_tokens: int | None = None
    text_tokens: int | None = None
    audio_tokens: int | None = None
    image_tokens: int | None = None
    cached_tokens_details: _Cached | None = None


class _Output(msgspec.Struct, gc=False):
    audio_tokens: int | None = None


class _Reported(msgspec.Struct, gc=False):
    input_tokens: int | None = None
    output_tokens: int | None = None
    input_token_details: _Input | None = None
    output_token_details: _Output | None = None


class _Response(msgspec.Struct, gc=False):
    status: str | None = None
    usage: msgspec.Raw = msgspec.Raw(b"null")


class _Event(msgspec.Struct, gc=False):
    type: str = ""
    response: _Response | None = None


_event = msgspec.json.Decoder(_Event).decode
_reported = msgspec.json.Decoder(_Reported).decode
_any = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode
_NO_INPUT, _NO_OUTPUT, _NO_RESPONSE = _Input(), _Output(), _Response()


def read_usage(raw: bytes | msgspec.Raw) -> Usage | None:
    """The `usage` of one response as disjoint classes; None for null or what cannot be read."""
    try:
        said = _reported(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    if said.input_tokens is None and said.output_tokens is None:
        return None
    usage = Usage(source="provider")
    _split_input(usage, said.input_token_details or _NO_INPUT, _count(said.input_tokens))
    output = _count(said.output_tokens)
    usage.audio_out = min(_count((said.output_token_details or _NO_OUTPUT).audio_tokens), output)
    usage.output_text = output - usage.audio_out
    return usage


def _split_input(usage: Usage, details: _Input, total: int) -> None:
    """Where nobody says which of the tokens were cached, text was before audio."""
    usage.cache_read = min(_count(details.cached_tokens), total)
    cached, rest = details.cached_tokens_details, total - usage.cache_read
    audio, image = _count(details.audio_tokens), _count(details.image_tokens)
    if cached is None:
        audio -= max(0, usage.cache_read - max(0, total - audio - image))
    else:
        audio, image = audio - _count(cached.audio_tokens), image - _count(cached.image_tokens)
    usage.audio_in = min(max(0, audio), rest)
    rest -= usage.audio_in
    usage.image_in = min(max(0, image), rest)
    usage.input_uncached = rest - usage.image_in


def _count(number: int | None) -> int:
    return number if number is not None and 0 < number < 2**53 else 0


def added(one: Usage, other: Usage) -> Usage:
    """Both together; what of them is known least well names the source."""
    source: Literal["provider", "estimated", "partial"] = "provider"
    if "partial" in (one.source, other.source):
        source = "partial"
    elif "estimated" in (one.source, other.source):
        source = "estimated"
    total = Usage(source=source)
    for name in CLASSES:
        setattr(total, name, getattr(one, name) + getattr(other, name))
    return total


class Conversation:
    """One connection's events, seen from the side: which responses are under way, and what each has used."""

    __slots__ = ("_audio_in", "_audio_out", "_text_in", "_text_out", "running")

    def __init__(self) -> None:
        self.running = 0
        """Responses that were begun and are not done."""
        self._text_in = self._audio_in = self._text_out = self._audio_out = 0

    def heard(self, text: bytes) -> Usage | None:
        """The provider's event; the usage of the response that it ends, estimated where the provider says none."""
        if b'"response.done"' not in text and b'"response.created"' not in text:
            if self.running and b'.delta"' in text[:_START]:
                self._count_delta(text)
            return None
        try:
            event = _event(text)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None
        if event.type == "response.created":
            self.running += 1
        if event.type != "response.done":
            return None
        response = event.response or _NO_RESPONSE
        used = read_usage(response.usage)
        if used is None and response.status != "failed":
            used = self._estimate("estimated")
        self.running = max(0, self.running - 1)
        self._text_in = self._audio_in = self._text_out = self._audio_out = 0
        return used

    def said(self, text: bytes) -> None:
        """The client's event: its size, should nobody say what it cost."""
        if b'"input_audio_buffer.append"' in text[:_START]:
            self._audio_in += len(text)
        else:
            self._text_in += len(text)

    def unfinished(self) -> Usage | None:
        """What the responses that are still under way have used, by size; None when there are none."""
        return self._estimate("partial") if self.running else None

    def _count_delta(self, text: bytes) -> None:
        if b"audio.delta" in text[:_START]:
            self._audio_out += len(text)
        elif b"audio_transcript" not in text[:_START]:  # the words of what is counted as audio
            self._text_out += 1

    def _estimate(self, source: Literal["estimated", "partial"]) -> Usage:
        return Usage(
            input_uncached=max(1, self._text_in // _BYTES_A_TOKEN),
            audio_in=self._audio_in // _AUDIO_IN,
            output_text=self._text_out,
            audio_out=-(-self._audio_out // _AUDIO_OUT),
            source=source,
        )


def keep_model(text: bytes, name: str, vendor: str) -> bytes:
    """A client's event as it may go on: whoever names the model must name the one that was opened.

    It is called `name` by clients and `vendor` by the provider. What is looked into is written anew, so that nothing
    can be read in two ways. Raises Refusal invalid_body, unsupported_parameter.
    """
    if b'"model"' not in text and b"\\u" not in text:  # no other escape can spell a letter
        return text
    try:
        event = _any(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Refusal("invalid_body", "The event is not valid JSON.") from None
    if not isinstance(event, dict):
        raise Refusal("invalid_body", "An event is a JSON object.")
    for where, part in [("", event), *event.items()]:
        if not isinstance(part, dict) or "model" not in part:
            continue
        if part["model"] != name:
            raise Refusal(
                "unsupported_parameter",
                f"The model of a connection is the one that it was opened for: {name}.",
                payload={"param": f"{where}.model".lstrip("."), "event_id": event.get("event_id")},
            )
        part["model"] = vendor
    return _encode(event)


def check_servers(text: bytes) -> None:
    """Raises Refusal mcp_server_unknown for a client's event with MCP servers of its own choice."""
    if not names_servers(text):
        return
    try:
        event = _any(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Refusal("invalid_body", "The event is not valid JSON.") from None
    identity = event.get("event_id") if isinstance(event, dict) else None
    raise servers_refused("in realtime sessions", event_id=identity)


def error_event(refusal: Refusal, number: int) -> bytes:
    """An `error` event of OpenAI's; the connection stays open."""
    row, payload = refusal.rendering, refusal.payload
    error: dict[str, Any] = {
        "type": row.openai,
        "code": refusal.code,
        "message": refusal.detail or row.title,
        "param": payload.get("param"),
        "event_id": payload.get("event_id"),
    }
    return _encode({"type": "error", "event_id": f"event_triplegate_{number}", "error": error})
