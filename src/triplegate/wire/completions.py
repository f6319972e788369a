"""Legacy completions: clients that send a prompt; providers that speak them get it as it came, others as a chat."""

from collections.abc import Iterable
from typing import Any

import msgspec

from triplegate.core.errors import Refusal
from triplegate.core.usage import Usage
from triplegate.wire.codec import ClientCodec, Shape
from triplegate.wire.json_members import read_members
from triplegate.wire.neutral import Message, Request, Text
from triplegate.wire.neutral_events import BlockStart, Delta, Event, Finish, Start, UsageSeen, gather
from triplegate.wire.openai import relay, whole_usage
from triplegate.wire.openai_chat import edit_call, read_call, wrong
from triplegate.wire.openai_errors import event as error_event
from triplegate.wire.openai_reading import Fields
from triplegate.wire.openai_usage import write_usage
from triplegate.wire.openai_writer import finish_of, head

_encode = msgspec.json.Encoder().encode
_prompt = msgspec.json.Decoder(str | list[msgspec.Raw]).decode
_string = msgspec.json.Decoder(str).decode

_READ = frozenset(
    (
        "model",
        "prompt",
        "stream",
        "stream_options",
        "max_tokens",
        "temperature",
        "top_p",
        "stop",
        "seed",
        "frequency_penalty",
        "presence_penalty",
        "n",
        "user",
    )
)


def read_request(text: bytes) -> Request:
    """The prompt as one message of the user. Raises Refusal invalid_body, for prompts of tokens, too."""
    call = read_call(text)
    fields = Fields(read_members(text))
    rest = fields.rest(_READ)
    for name in ("echo", "best_of"):
        if bytes(rest.get(name, b"")) in (b"false", b"1"):
            del rest[name]
    return Request(
        dialect="completions",
        model=call.model,
        messages=(Message("user", (Text(_text(fields)),)),),
        stream=call.stream,
        max_tokens=call.max_tokens,
        temperature=fields.number("temperature"),
        top_p=fields.number("top_p"),
        stop=fields.strings("stop"),
        seed=fields.integer("seed"),
        frequency_penalty=fields.number("frequency_penalty"),
        presence_penalty=fields.number("presence_penalty"),
        n=call.n,
        user=fields.text("user"),
        rest=rest,
    )


def _text(fields: Fields) -> str:
    said: Any = fields.get("prompt", _prompt)
    if said is None:
        raise wrong("prompt", "is required")
    if isinstance(said, str):
        return said
    if len(said) != 1 or bytes(said[0])[:1] != b'"':
        raise wrong("prompt", "must be a string for this model: lists of prompts and tokens cannot be translated")
    return _string(said[0])


class CompletionsWriter:
    """A stream of `text_completion` chunks; what is no text has no place in them."""

    __slots__ = ("_choices", "_finished", "_shape", "_start", "_usage")

    def __init__(self, shape: Shape) -> None:
        self._shape = shape
        self._start = Start()
        self._choices: dict[int, int] = {}
        """Choice by the index of a text block."""
        self._finished: set[int] = set()
        self._usage: Usage | None = None

    def feed(self, event: Event) -> bytes:
        """The chunk for it, possibly none."""
        match event:
            case Delta(index, text):
                return self._chunk(self._choices[index], text) if index in self._choices else b""
            case BlockStart(index, kind, choice):
                if kind in ("text", "refusal"):
                    self._choices[index] = choice
            case Finish():
                self._finished.add(event.choice)
                return self._chunk(event.choice, "", finish_of(event, refused=True))
            case UsageSeen(usage):
                self._usage = usage
            case Start():
                self._start = event
        return b""

    def _chunk(self, choice: int, text: str, finish: str | None = None) -> bytes:
        said = head(self._start, self._shape, "text_completion")
        said["choices"] = [{"text": text, "index": choice, "logprobs": None, "finish_reason": _word(finish)}]
        if self._shape.include_usage:
            said["usage"] = None
        return b"data: %b\n\n" % _encode(said)

    def finish(self) -> bytes:
        """Ends that were never said, usage where it was asked for, and `[DONE]`."""
        choices = sorted({0} | set(self._choices.values()))
        pieces = [self._chunk(choice, "", "stop") for choice in choices if choice not in self._finished]
        if self._shape.include_usage and self._usage is not None:
            said = head(self._start, self._shape, "text_completion")
            pieces.append(b"data: %b\n\n" % _encode({**said, "choices": [], "usage": write_usage(self._usage)}))
        pieces.append(b"data: [DONE]\n\n")
        return b"".join(pieces)

    def fail(self, refusal: Refusal) -> bytes:
        """The error event; no `[DONE]` follows."""
        return error_event(refusal)


def _word(finish: str | None) -> str | None:
    """Completions know no calls of tools."""
    return "stop" if finish == "tool_calls" else finish


def write_reply(events: Iterable[Event], shape: Shape) -> bytes:
    """A whole completion. Raises Refusal upstream_failed when the events hold a failure."""
    answer = gather(events)
    if answer.failed is not None:
        raise Refusal("upstream_failed", "The provider failed.", reason=answer.failed.message)
    said = head(answer.start, shape, "text_completion")
    said["choices"] = [
        {
            "text": "".join(block.text for block in answer.of(choice) if block.kind in ("text", "refusal")),
            "index": choice,
            "logprobs": None,
            "finish_reason": _word(finish_of(answer.finishes.get(choice, Finish("stop")), refused=True)),
        }
        for choice in answer.choices
    ]
    if answer.usage is not None:
        said["usage"] = write_usage(answer.usage)
    return _encode(said)


CLIENT = ClientCodec(
    family="completions",
    look=read_call,
    edit=edit_call,
    relay=relay,
    whole_usage=whole_usage,
    read_request=read_request,
    writer=CompletionsWriter,
    write_reply=write_reply,
)
