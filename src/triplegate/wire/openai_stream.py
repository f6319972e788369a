"""A chat stream looked at from the side while its bytes are relayed: content, usage, end and errors."""

import msgspec

from triplegate.core.usage import Usage
from triplegate.wire.json_members import is_object
from triplegate.wire.openai_failures import read_in_band
from triplegate.wire.openai_usage import read_usage, tier_of
from triplegate.wire.relaying import EventRelay, tokens_of_piece
from triplegate.wire.sse import MOST

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
_LONG = 640
"""Bytes of an event that may hold more than a token or two."""
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


def _only_content(block: bytes, pieces: int) -> bool:
    """Whether a block holds nothing but pieces of content, each of them whole."""
    if not block.startswith(b"data: {") or not block.endswith(b"}\n\n"):
        return False
    if pieces == 1:
        return _plain(block) and is_object(block[6:-2])
    return not _noteworthy(block) and all(map(is_object, block[6:-2].split(b"\n\ndata: ")))


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


class ChatStream(EventRelay):
    """One stream of chat (or legacy completion) chunks; `done` is `[DONE]`."""

    __slots__ = ("_strip", "usage")

    def __init__(self, *, strip_usage: bool = False, most: int = MOST) -> None:
        """`strip_usage` drops the chunk that carries nothing but usage; an event over `most` bytes is malformed."""
        super().__init__(most)
        self._strip = strip_usage
        self.usage: Usage | None = None

    def _look(self, block: bytes) -> bytes:
        """As usual; what holds nothing but pieces of content is only checked to be whole."""
        if self.content and not self.broken:
            pieces = block.count(b"data:")
            if len(block) <= pieces * _LONG and _only_content(block, pieces):
                self.pieces += pieces
                return block
        return super()._look(block)

    def _mark(self) -> None:
        self.done = True

    def _note(self, data: bytes, event: bytes) -> bool:
        chunk = _chunk(data)
        if self.id or any(map(_tells, chunk.choices or ())):  # the first chunk may tell who speaks and nothing else
            self.pieces += tokens_of_piece(sum(map(_size, chunk.choices or ())))
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
            if not self.content and _tells(choice):
                self.content = True


def _tells(choice: _Choice) -> bool:
    return _says(choice.delta) or bytes(choice.text) not in _EMPTY


def _says(delta: _Delta | None) -> bool:
    return delta is not None and any(bytes(raw) not in _EMPTY for raw in _parts(delta))


def _parts(delta: _Delta) -> tuple[msgspec.Raw, ...]:
    return (
        delta.content,
        delta.reasoning_content,
        delta.reasoning,
        delta.tool_calls,
        delta.function_call,
        delta.refusal,
        delta.audio,
    )


def _size(choice: _Choice) -> int:
    """Bytes of what a choice says; what is said twice in two members counts once."""
    return max(len(choice.text), 0 if choice.delta is None else max(map(len, _parts(choice.delta))))
