"""What a dialect brings: the client's side (read requests, write replies) and the provider's (the other two)."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, Protocol

import msgspec

from triplegate.core.errors import Fault, Refusal
from triplegate.core.http import Headers
from triplegate.core.usage import Usage
from triplegate.wire.neutral import Request
from triplegate.wire.neutral_events import Event, Failed

_TOLD, _LONGEST = 32, 64
"""Names that are told in a reply's header, and characters of each."""
_UNTOLD = re.compile(r"[^!-+\--~]")
"""What a client may write in a member's name and nobody may write in a list in a header."""


LossName = Literal[
    "arguments",
    "audio",
    "background",
    "cache_control",
    "detail",
    "file",
    "file_id",
    "frequency_penalty",
    "grammar",
    "image",
    "is_error",
    "logprobs",
    "metadata",
    "n",
    "name",
    "parallel_tool_calls",
    "presence_penalty",
    "previous_response_id",
    "prompt_cache_key",
    "reasoning",
    "reasoning_effort",
    "response_format",
    "role",
    "seed",
    "service_tier",
    "stop",
    "strict",
    "temperature",
    "thinking",
    "tool_choice",
    "top_k",
    "top_logprobs",
    "top_p",
    "url",
    "user",
    "verbosity",
    "video",
]
"""What a translation may leave out, by the name it is told under: in the reply's header, in refusals, in the docs."""
Losable = LossName | Literal["tools.*", "content.*"]
"""The same for what a dialect declares; the star stands for the type of a tool or part that only one dialect has."""
_THINKING: Mapping[str, LossName] = {"openai": "reasoning_effort", "openai_responses": "reasoning"}
_CANNOT = "the provider's dialect cannot carry it"


def thinking_name(dialect: str) -> LossName:
    """What a client of `dialect` calls its wish for thoughts."""
    return _THINKING.get(dialect, "thinking")


class Losses:
    """What one translation leaves out. Raises Refusal unsupported_parameter at once where that is not allowed."""

    __slots__ = ("_known", "_reject", "names")

    def __init__(self, on_loss: Literal["drop", "reject"] = "drop") -> None:
        self._reject = on_loss == "reject"
        self._known: set[str] = set()
        self.names: list[str] = []
        """What was left out, by the client's name for it; told in a reply header."""

    def lose(self, name: LossName, why: str = _CANNOT) -> None:
        """`name` cannot be carried."""
        self._lose(name, why)

    def lose_some(self, said: Mapping[LossName, bool]) -> None:
        """Those of `said` that are true cannot be carried."""
        for name, lost in said.items():
            if lost:
                self._lose(name, _CANNOT)

    def lose_members(self, names: Iterable[str]) -> None:
        """Members of the request that only the client's own dialect knows."""
        for name in names:
            self._lose(name, _CANNOT)

    def lose_tool(self, kind: str) -> None:
        """A tool of a type that only one dialect has."""
        self._lose(f"tools.{kind}", _CANNOT)

    def lose_content(self, kind: str) -> None:
        """A part of a message of a type that only one dialect has, or that has no place where it stands."""
        self._lose(f"content.{kind}", _CANNOT)

    def _lose(self, name: str, why: str) -> None:
        if self._reject:
            raise Refusal(
                "unsupported_parameter",
                f"'{name}' cannot be used with this model: {why}.",
                errors=(Fault(f"/{name}", why),),
                payload={"param": name},
            )
        if name not in self._known:  # a client may name a hundred thousand: never look through the list
            self._known.add(name)
            self.names.append(name)

    def told(self) -> bytes:
        """The names as the value of a header: the first of them, and only what may stand in one."""
        shown = [_UNTOLD.sub("?", name[:_LONGEST]) for name in self.names[:_TOLD]]
        if len(self.names) > _TOLD:
            shown.append(f"and {len(self.names) - _TOLD} more")
        return ", ".join(shown).encode("ascii")


class Look(Protocol):
    """What a cheap look at a client's request brings; no message is decoded."""

    @property
    def text(self) -> bytes:
        """The body as it came."""
        ...

    @property
    def model(self) -> str:
        """The name the client asks for."""
        ...

    @property
    def stream(self) -> bool:
        """Whether the reply is to be streamed."""
        ...

    @property
    def include_usage(self) -> bool:
        """Whether the client itself asked for usage (always true where the dialect always tells)."""
        ...

    @property
    def n(self) -> int:
        """How many answers."""
        ...

    @property
    def max_tokens(self) -> int | None:
        """The client's bound of output tokens."""
        ...

    @property
    def end_user(self) -> str | None:
        """The label of the client's own user."""
        ...


class Relay(Protocol):
    """A stream of a dialect, looked at from the side while its bytes pass to a client of the same dialect.

    Only whole events are given back, so that an error event can follow at any time.
    """

    content: bool
    """True once a part of the answer was seen."""
    pieces: int
    """Events with content: about one token each, for streams that are cut before their usage."""
    finish_reason: str
    error: Failed | None
    """An error inside the 200 stream."""
    broken: bool
    """An event could not be read: neither it nor what follows it is given back, and `error` says so."""
    done: bool
    """True once the dialect's own end was seen."""
    model: str
    """What the provider says answered."""
    id: str
    """The reply's id."""

    @property
    def usage(self) -> Usage | None:
        """What the provider said so far."""
        ...

    def feed(self, chunk: bytes) -> bytes:
        """The whole events so far that are for the client."""
        ...

    def finish(self) -> bytes:
        """What was held when the upstream ended its message."""
        ...


class Reader(Protocol):
    """A provider's stream → neutral events, whatever the split of its bytes."""

    def feed(self, chunk: bytes) -> list[Event]:
        """The events completed by `chunk`. Raises Refusal upstream_malformed over the bound of one event."""
        ...

    def finish(self) -> list[Event]:
        """What is left when the upstream ended its message: missing deltas and block ends are told here.

        A stream that ended without its end (no finish) yields no `Finish`; the caller takes it for cut.
        """
        ...


class Writer(Protocol):
    """Neutral events → a stream for a client."""

    def feed(self, event: Event) -> bytes:
        """What the client gets for it, possibly nothing yet. `Failed` writes nothing: `fail` does."""
        ...

    def finish(self) -> bytes:
        """The end of a good stream, with whatever was never said; after a failure it must not be called."""
        ...

    def fail(self, refusal: Refusal) -> bytes:
        """The dialect's error event; official clients raise on it; no end marker follows."""
        ...


class Shape(msgspec.Struct, frozen=True):
    """How a reply is to be written for one client call."""

    model: str
    """What the client asked for: told as the reply's model."""
    id: str
    """The reply's id when the provider brings none."""
    created: int
    """Unix seconds when the provider brings none."""
    include_usage: bool = True
    """Whether the client asked for usage in the stream."""
    request: Request | None = None
    """The request as read, for dialects that echo it (Responses)."""


class ClientCodec(msgspec.Struct, frozen=True, eq=False):
    """The client's side of a dialect."""

    family: str
    """Name of the dialect: openai, openai_responses, anthropic, completions."""
    look: Callable[[bytes], Any]
    """body → Look. Raises Refusal invalid_body."""
    edit: Callable[..., bytes]
    """(look, model=…, include_usage=…) → body for a provider of the same dialect; every other byte as it came."""
    relay: Callable[[bool], Relay]
    """(strip_usage) → a relay for a provider of the same dialect."""
    whole_usage: Callable[[bytes], Usage | None]
    """Usage of a whole reply of the same dialect."""
    read_request: Callable[[bytes], Request]
    """body → neutral. Raises Refusal invalid_body with the parameter's name."""
    writer: Callable[[Shape], Writer]
    write_reply: Callable[[Iterable[Event], Shape], bytes]
    """A whole reply. Raises Refusal upstream_failed when the events hold a `Failed`."""


class ProviderCodec(msgspec.Struct, frozen=True, eq=False):
    """The provider's side of a dialect."""

    family: str
    """Name of the dialect; equal to the client's when bytes may pass."""
    path: Callable[[str, bool], str]
    """(model at the provider, streamed) → path and query below the base URL, percent-encoded."""
    write_request: Callable[[Request, str, Losses], bytes]
    """(request, model at the provider, losses) → body. Raises Refusal."""
    reader: Callable[[], Reader]
    read_reply: Callable[[bytes], list[Event]]
    """A whole reply → events, ending with Finish of each choice. Raises Refusal upstream_malformed."""
    read_error: Callable[[int, Headers, bytes], Failed]
    """(status, headers, body) → what the failure means; never raises."""
    stream_type: bytes = b"text/event-stream"
    """Media type of its streams."""
    losses: tuple[Losable, ...] = ()
    """What its `write_request` may leave out (LOSSES), besides members that only the client's dialect knows."""
