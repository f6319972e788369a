"""A chat stream looked at from the side while its bytes are relayed: content, usage, end and errors."""

import msgspec

from triplegate.core.usage import Usage
from triplegate.wire.neutral_events import Failed
from triplegate.wire.openai_failures import read_in_band
from triplegate.wire.openai_usage import read_usage, tier_of
from triplegate.wire.sse import MOST, SseCutter, data_of, spans

NOTHING = msgspec.Raw(b"")


class _Delta(msgspec.Struct, gc=False):
    content: msgspec.Raw = NOTHING
    reasoning_content: msgspec.Raw = NOTHING
    reasoning: msgspec.Raw = NOTHING
    tool_calls: msgspec.Raw = NOTHING
    function_call: msgspec.Raw = NOTHING
    refusal: msgspec.Raw = NOTHING
    audio: msgspec.Raw = NOTHING


class _Choice(msgspec.Struct, gc=False):
    delta: _Delta | None = None
    finish_reason: str | None = None
    text: msgspec.Raw = NOTHING


class _Groq(msgspec.Struct, gc=False):
    usage: msgspec.Raw = NOTHING


class _Chunk(msgspec.Struct, gc=False):
    id: str | int | None = None
    model: str | None = None
    choices: list[_Choice] | None = None
    usage: msgspec.Raw = NOTHING
    error: msgspec.Raw = NOTHING
    x_groq: _Groq | None = None
    service_tier: object = None


_chunk = msgspec.json.Decoder(_Chunk).decode
_NO_ERROR = frozenset({b"", b"null"})
_EMPTY = frozenset({b"", b"null", b'""', b"[]", b"{}"})


def _plain(event: bytes) -> bool:
    """Whether one event says no more than a piece of content; the fields looked for stand near its end.

    Inside strings these names have their quotes escaped: they cannot be missed, at most taken for more than they are.
    """
    usage, finish = event.rfind(b'"usage"'), event.rfind(b'"finish_reason"')
    return (
        (usage < 0 or event.startswith(b":null", usage + 7))
        and (finish < 0 or event.startswith(b":null", finish + 15))
        and b'"error"' not in event
    )


def _noteworthy(block: bytes) -> bool:
    """Whether a block of several events says more than pieces of content."""
    usage, finish = block.count(b'"usage"'), block.count(b'"finish_reason"')
    return (
        (usage > 0 and usage != block.count(b'"usage":null'))
        or (finish > 0 and finish != block.count(b'"finish_reason":null'))
        or b'"error"' in block
        or b"event: error" in block
        or b"[DONE]" in block
    )


class ChatStream:
    """One stream of chat (or legacy completion) chunks; feed it what comes, send on what it gives back.

    Only whole events are given back, so that an error event can follow at any time.
    """

    __slots__ = (
        "_cutter",
        "_strip",
        "broken",
        "content",
        "done",
        "error",
        "finish_reason",
        "id",
        "malformed",
        "model",
        "pieces",
        "usage",
    )

    def __init__(self, *, strip_usage: bool = False, most: int = MOST) -> None:
        """`strip_usage` drops the chunk that carries nothing but usage; an event over `most` bytes is malformed."""
        self._cutter = SseCutter(most)
        self._strip = strip_usage
        self.broken = False
        self.content = False
        """True once text, reasoning, a tool call, a refusal or audio was seen."""
        self.pieces = 0
        """Data events seen: about one token each, for streams that are cut before their usage."""
        self.finish_reason = ""
        self.model = self.id = ""
        self.usage: Usage | None = None
        self.error: Failed | None = None
        self.done = False
        """True once `[DONE]` was seen: a real end."""
        self.malformed = 0
        """Events that are no JSON of the dialect."""

    def feed(self, chunk: bytes) -> bytes:
        """The whole events so far; the very object when nothing had to be held or dropped."""
        block = self._cutter.feed(chunk)
        if not block:
            return block
        if self.content:
            pieces = block.count(b"data:")
            if _plain(block) if pieces == 1 and block.startswith(b"data: {") else not _noteworthy(block):
                self.pieces += pieces
                return block
        return self._look(block)

    def finish(self) -> bytes:
        """What was held when the upstream ended its message; an event that is whole but for its blank line counts."""
        rest = self._cutter.rest()
        if not rest.strip():
            return rest
        malformed = self.malformed
        event = self._look(rest + b"\n\n")
        return event if self.malformed == malformed else b""

    def _look(self, block: bytes) -> bytes:
        kept: list[bytes] = []
        dropped = False
        for start, end in spans(block):
            event = block[start:end]
            if self._take(event):
                kept.append(event)
            else:
                dropped = True
        return b"".join(kept) if dropped else block

    def _take(self, event: bytes) -> bool:
        """Note what one event says; False when it is not for the client."""
        data = data_of(event).strip()
        if not data:
            return True
        if data == b"[DONE]":
            self.done = True
            return True
        self.pieces += 1
        try:
            chunk = _chunk(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            self.malformed += 1
            return True
        named_error = b"event: error" in event or b"event:error" in event
        if named_error or bytes(chunk.error) not in _NO_ERROR:
            self.error = read_in_band(chunk.error if bytes(chunk.error) not in _NO_ERROR else data)
        if not self.id:
            self.id, self.model = str(chunk.id or ""), chunk.model or ""
        said = read_usage(chunk.usage) or (read_usage(chunk.x_groq.usage) if chunk.x_groq is not None else None)
        if said is not None:
            self.usage = said
            said.tier = tier_of(chunk.service_tier)
        if chunk.choices:
            self._note_choices(chunk.choices)
            return True
        return not (self._strip and said is not None and self.error is None)

    def _note_choices(self, choices: list[_Choice]) -> None:
        for choice in choices:
            if choice.finish_reason:
                self.finish_reason = choice.finish_reason
            if not self.content and (_says(choice.delta) or bytes(choice.text) not in _EMPTY):
                self.content = True


def _says(delta: _Delta | None) -> bool:
    if delta is None:
        return False
    return any(
        bytes(raw) not in _EMPTY
        for raw in (
            delta.content,
            delta.reasoning_content,
            delta.reasoning,
            delta.tool_calls,
            delta.function_call,
            delta.refusal,
            delta.audio,
        )
    )
