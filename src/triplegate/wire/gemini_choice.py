"""One candidate of a Gemini answer: its parts, as they come, as the blocks of one choice."""

from itertools import count
from typing import Literal
from uuid import uuid4

import msgspec

from triplegate.wire.gemini_arguments import Arguments, Partial
from triplegate.wire.gemini_grounding import read_citations, read_grounding
from triplegate.wire.neutral import Opaque
from triplegate.wire.neutral_events import (
    BlockEnd,
    BlockStart,
    Cited,
    Delta,
    Event,
    Finish,
    Logprobs,
    OpaqueSeen,
    Reason,
    Unknown,
)

NOTHING = msgspec.Raw(b"")
_EMPTY = (b"", b"null", b"{}")
_MOST_TEXT = 1_048_576
"""Characters kept of an answer to place its citations; behind them citations are for the whole."""


class Call(msgspec.Struct, rename="camel"):
    """A function call, whole or a part of one (Vertex)."""

    id: str | None = None
    name: str | None = None
    args: msgspec.Raw = NOTHING
    partial_args: list[Partial] | None = None
    will_continue: bool | None = None


class Part(msgspec.Struct, rename="camel"):
    """One part of a candidate's content."""

    text: str | None = None
    thought: bool | None = None
    thought_signature: str | None = None
    function_call: Call | None = None
    executable_code: msgspec.Raw = NOTHING
    code_execution_result: msgspec.Raw = NOTHING
    inline_data: msgspec.Raw = NOTHING
    file_data: msgspec.Raw = NOTHING
    tool_call: msgspec.Raw = NOTHING
    tool_response: msgspec.Raw = NOTHING


NATIVE = {
    "executableCode": "executable_code",
    "codeExecutionResult": "code_execution_result",
    "inlineData": "inline_data",
    "fileData": "file_data",
    "toolCall": "tool_call",
    "toolResponse": "tool_response",
}
"""Parts that only Gemini knows, by the member that holds them."""


class _Token(msgspec.Struct, rename="camel", gc=False):
    token: str | None = None
    log_probability: float | None = None


class _Tops(msgspec.Struct):
    candidates: list[_Token] | None = None


class _Logprobs(msgspec.Struct, rename="camel"):
    chosen_candidates: list[_Token] | None = None
    top_candidates: list[_Tops] | None = None


_logprobs = msgspec.json.Decoder(_Logprobs).decode
_encode = msgspec.json.Encoder().encode

_REASONS: dict[str, Reason] = {
    "STOP": "stop",
    "FINISH_REASON_UNSPECIFIED": "stop",
    "MAX_TOKENS": "length",
    "CONTINUATION": "length",
    "SAFETY": "content_filter",
    "RECITATION": "content_filter",
    "BLOCKLIST": "content_filter",
    "PROHIBITED_CONTENT": "content_filter",
    "SPII": "content_filter",
    "LANGUAGE": "content_filter",
    "IMAGE_SAFETY": "content_filter",
    "IMAGE_PROHIBITED_CONTENT": "content_filter",
    "IMAGE_RECITATION": "content_filter",
    "MODEL_ARMOR": "content_filter",
    "JAILBREAK": "content_filter",
    "OTHER": "error",
    "IMAGE_OTHER": "error",
    "NO_IMAGE": "error",
    "ESCALATION": "error",
    "MALFORMED_FUNCTION_CALL": "error",
    "MALFORMED_RESPONSE": "error",
    "UNEXPECTED_TOOL_CALL": "error",
    "TOO_MANY_TOOL_CALLS": "error",
    "MISSING_THOUGHT_SIGNATURE": "error",
}


class Choice:
    """Takes parts in and tells the events; text and thoughts are blocks that stay open while more of them comes."""

    __slots__ = (
        "_arguments",
        "_blocked",
        "_called",
        "_index",
        "_indexes",
        "_kept",
        "_number",
        "_open",
        "_pieces",
        "_reply",
        "_signature",
        "finish_reason",
        "searches",
    )

    def __init__(self, number: int, indexes: "count[int]", reply: str) -> None:
        """`indexes` gives block indexes for the whole reply; `reply` is its id."""
        self._number, self._indexes, self._reply = number, indexes, reply
        self._open: Literal["", "text", "reasoning", "tool_call"] = ""
        self._index = -1
        self._signature = ""
        self._pieces: list[str] = []
        self._kept = 0
        self._arguments: Arguments | None = None
        self._called = self._blocked = False
        self.finish_reason = ""
        self.searches = 0

    def part(self, part: Part, events: list[Event]) -> None:
        """One more part. Raises ValueError for arguments that cannot be put together."""
        if part.function_call is not None:
            self._call(part.function_call, part.thought_signature or "", events)
        elif part.text is not None:
            self._text(part.text, part.thought or False, part.thought_signature or "", events)
        else:
            self._native(part, events)

    def _text(self, text: str, thought: bool, signature: str, events: list[Event]) -> None:
        if not text:
            if signature:
                self._sign(signature, events)
            return
        if thought:
            self._begin("reasoning", events)
        else:
            if signature and self._open != "text":  # so that it stands before its text
                self._sign(signature, events)
                signature = ""
            self._begin("text", events)
            if self._kept < _MOST_TEXT:
                self._pieces.append(text)
                self._kept += len(text)
        events.append(Delta(self._index, text))
        if signature:
            self._sign(signature, events)

    def _sign(self, signature: str, events: list[Event]) -> None:
        """Within a text block the signature waits until the block ends: it has no place there in any dialect."""
        if self._open == "text" and not self._signature:
            self._signature = signature
            return
        if self._open != "reasoning":
            self._begin("reasoning", events)
        events.append(OpaqueSeen(self._index, Opaque("gemini", "thought", signature)))

    def _begin(self, kind: Literal["text", "reasoning"], events: list[Event]) -> None:
        if self._open != kind:
            self.close(events)
            self._open, self._index = kind, next(self._indexes)
            events.append(BlockStart(self._index, kind, self._number))

    def _call(self, call: Call, signature: str, events: list[Event]) -> None:
        if self._open != "tool_call" or call.name:
            if not call.name:  # the end mark of a call that has ended
                return
            self.close(events)
            self._called = True
            self._open, self._index = "tool_call", next(self._indexes)
            call_id = call.id or f"call_{self._reply or uuid4().hex}"[:29] + f"_{self._index}"
            events.append(BlockStart(self._index, "tool_call", self._number, call_id, call.name))
            if not call.will_continue and not call.partial_args:
                events.append(Delta(self._index, "{}" if bytes(call.args) in _EMPTY else bytes(call.args).decode()))
        if signature:
            events.append(OpaqueSeen(self._index, Opaque("gemini", "thought", signature)))
        if call.will_continue or call.partial_args:
            self._arguments = self._arguments or Arguments()
            for piece in call.partial_args or ():
                self._arguments.add(piece)
        if not call.will_continue:
            self.close(events)

    def _native(self, part: Part, events: list[Event]) -> None:
        for member, field in NATIVE.items():
            raw: msgspec.Raw = getattr(part, field)
            if bytes(raw) in _EMPTY:
                continue
            self.close(events)
            index = next(self._indexes)
            block = {member: raw}
            if part.thought_signature:
                block["thoughtSignature"] = msgspec.Raw(_encode(part.thought_signature))
            events.append(BlockStart(index, "native", self._number, name=member, provider="gemini"))
            events += (Delta(index, _encode(block).decode()), BlockEnd(index))
            return
        if part.thought_signature:
            self._sign(part.thought_signature, events)

    def close(self, events: list[Event]) -> None:
        """End the open block, with what was held of it."""
        if self._open:
            if self._arguments is not None:
                events.append(Delta(self._index, self._arguments.text()))
                self._arguments = None
            events.append(BlockEnd(self._index))
            self._open = ""
        if self._signature:
            index, opaque = next(self._indexes), Opaque("gemini", "thought", self._signature)
            self._signature = ""
            events += (BlockStart(index, "reasoning", self._number), OpaqueSeen(index, opaque), BlockEnd(index))

    def cite(self, grounding: msgspec.Raw, citations: msgspec.Raw, events: list[Event]) -> None:
        """Sources of the text, told with its last part. Raises msgspec.DecodeError."""
        if bytes(grounding) not in _EMPTY:
            found, searches = read_grounding(grounding, "".join(self._pieces))
            self.searches = max(self.searches, searches)
            if self._open == "text":
                events += [Cited(self._index, citation) for citation in found]
            elif found:
                events.append(Unknown("gemini", bytes(grounding)))
        if bytes(citations) not in _EMPTY and self._open == "text":
            events += [Cited(self._index, one) for one in read_citations(citations, "".join(self._pieces))]

    def weigh(self, raw: msgspec.Raw, events: list[Event]) -> None:
        """Log probabilities of the text, in OpenAI's form. Raises msgspec.DecodeError."""
        if bytes(raw) in _EMPTY or self._open != "text":
            return
        said = _logprobs(raw)
        tops = said.top_candidates or []
        tokens = [
            _token(one) | {"top_logprobs": [_token(top) for top in tops[at].candidates or []] if at < len(tops) else []}
            for at, one in enumerate(said.chosen_candidates or [])
        ]
        events.append(Logprobs(self._index, _encode(tokens)))

    def blocked(self, reason: str) -> None:
        """The prompt was not answered: a filter stopped it, whatever its reason is called."""
        self.finish_reason, self._blocked = reason, True

    def finish(self, events: list[Event]) -> None:
        """The end of the candidate; tells a finish only where Gemini said one."""
        self.close(events)
        if self.finish_reason:
            reason = "content_filter" if self._blocked else _REASONS.get(self.finish_reason, "stop")
            if reason == "stop" and self._called:
                reason = "tool_calls"
            events.append(Finish(reason, self.finish_reason, self._number))


def _token(token: _Token) -> dict[str, object]:
    text = token.token or ""
    return {"token": text, "logprob": token.log_probability or 0.0, "bytes": list(text.encode())}
