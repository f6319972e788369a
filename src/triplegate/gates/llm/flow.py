"""How a streamed answer runs from a provider's bytes to a client's: relayed as it came, or translated."""

from typing import Protocol

from triplegate.core.errors import Refusal
from triplegate.core.usage import Usage
from triplegate.core.watching import Watched
from triplegate.wire.codec import Reader, Relay, Writer
from triplegate.wire.custom_tools import Unwrapped
from triplegate.wire.neutral_events import Delta, Event, Failed, Finish, Start, UsageSeen, is_content

FILTERED = frozenset({"content_filter", "refusal"})
"""Finish reasons of a content policy: OpenAI's and the neutral word, and Anthropic's."""
MOST = 67_108_864
"""Bytes about that a translated answer may hold while it runs: writers keep what they must tell again at its end."""
_EVENT = 64
_CUT = "no finish, no end marker"


class Flow(Protocol):
    """What the gate knows of an answer while it runs."""

    @property
    def content(self) -> bool:
        """True once a part of the answer was seen."""
        ...

    @property
    def pieces(self) -> int:
        """About how many tokens of content were seen."""
        ...

    @property
    def finish_reason(self) -> str:
        """The provider's word for why it ended; empty before."""
        ...

    @property
    def filtered(self) -> bool:
        """The provider's content policy ended it."""
        ...

    @property
    def usage(self) -> Usage | None:
        """What the provider said so far."""
        ...

    @property
    def error(self) -> Failed | None:
        """An error inside the stream."""
        ...

    @property
    def done(self) -> bool:
        """The real end was seen, and everything of it was given back."""
        ...

    @property
    def tells(self) -> bool:
        """Whether the provider's own error event passes to the client; else `fail` must tell it."""
        ...

    @property
    def watched(self) -> Watched | None:
        """Who looks at its events; None: nobody."""
        ...

    @property
    def model(self) -> str:
        """What answered, in the provider's words."""
        ...

    @property
    def id(self) -> str:
        """The reply's id."""
        ...

    def feed(self, chunk: bytes) -> bytes:
        """Bytes for the client, possibly none yet. Raises Refusal upstream_malformed."""
        ...

    def finish(self) -> bytes:
        """What is left when the upstream ended its message. Raises Refusal upstream_reset where it was cut."""
        ...

    def tell(self, held: list[Event]) -> bytes:
        """What those who look held back until their verdicts were there, and the end; after `finish`."""
        ...

    def fail(self, refusal: Refusal) -> bytes:
        """The dialect's error event."""
        ...


class Relayed:
    """The provider speaks the client's dialect: its events pass as they came."""

    __slots__ = ("_fail", "_relay")
    watched: Watched | None = None

    def __init__(self, relay: Relay, fail: "Fail") -> None:
        self._relay, self._fail = relay, fail

    @property
    def content(self) -> bool:
        """True once a part of the answer was seen."""
        return self._relay.content

    @property
    def pieces(self) -> int:
        """About how many tokens of content were seen."""
        return self._relay.pieces

    @property
    def finish_reason(self) -> str:
        """The provider's word."""
        return self._relay.finish_reason

    @property
    def filtered(self) -> bool:
        """The provider's content policy ended it."""
        return self._relay.finish_reason in FILTERED

    @property
    def usage(self) -> Usage | None:
        """What the provider said so far."""
        return self._relay.usage

    @property
    def error(self) -> Failed | None:
        """An error inside the stream."""
        return self._relay.error

    @property
    def tells(self) -> bool:
        """An error event passes as it came; an event that cannot be read does not."""
        return not self._relay.broken

    @property
    def done(self) -> bool:
        """True at the dialect's own end."""
        return self._relay.done and self._relay.error is None

    @property
    def model(self) -> str:
        """What answered, in the provider's words."""
        return self._relay.model

    @property
    def id(self) -> str:
        """The reply's id."""
        return self._relay.id

    def feed(self, chunk: bytes) -> bytes:
        """The whole events so far."""
        return self._relay.feed(chunk)

    def finish(self) -> bytes:
        """The rest; a stream without an end or a finish was cut."""
        relay = self._relay
        rest = relay.finish()
        if relay.error is None and not (relay.done or relay.finish_reason):
            raise Refusal("upstream_reset", "The provider ended the stream before its end.", reason=_CUT)
        return rest

    def tell(self, held: list[Event]) -> bytes:
        """Nothing: all of it has passed."""
        return b""

    def fail(self, refusal: Refusal) -> bytes:
        """The dialect's error event."""
        return self._fail(refusal)


class Fail(Protocol):
    """refusal → the dialect's error event."""

    def __call__(self, refusal: Refusal, /) -> bytes:
        """The event."""
        ...


class Translated:
    """The provider speaks another dialect: bytes → events → bytes."""

    __slots__ = (
        "_reader",
        "_size",
        "_unwrapped",
        "_writer",
        "content",
        "done",
        "error",
        "filtered",
        "finish_reason",
        "id",
        "model",
        "pieces",
        "usage",
        "watched",
    )
    tells = False

    def __init__(
        self, reader: Reader, writer: Writer, unwrapped: Unwrapped | None = None, watched: Watched | None = None
    ) -> None:
        """`unwrapped`: what calls of custom tools are brought back by, where there are such tools."""
        self._reader, self._writer, self._unwrapped = reader, writer, unwrapped
        self.watched = watched
        self._size = 0
        self.content = self.filtered = False
        self.pieces = 0
        self.finish_reason = ""
        self.usage: Usage | None = None
        self.error: Failed | None = None
        self.done = False
        self.model = self.id = ""

    def feed(self, chunk: bytes) -> bytes:
        """What the events of `chunk` are in the client's dialect."""
        return self._write(self._reader.feed(chunk))

    def finish(self) -> bytes:
        """The rest; without a finish of the model's the stream was cut. Where somebody looks, `tell` brings the end."""
        rest = self._write(self._reader.finish())
        if self.error is not None:
            return rest
        if not self.finish_reason:
            raise Refusal("upstream_reset", "The provider ended the stream before its end.", reason=_CUT)
        return rest if self.watched is not None else rest + self.tell([])

    def tell(self, held: list[Event]) -> bytes:
        """The rest and the end."""
        rest = self._written(held)
        self.done = True
        return rest + self._writer.finish()

    def fail(self, refusal: Refusal) -> bytes:
        """The dialect's error event."""
        return self._writer.fail(refusal)

    def _write(self, events: list[Event]) -> bytes:
        if self._unwrapped is not None:
            events = self._unwrapped(events)
        good: list[Event] = []
        self._size += _EVENT * len(events)
        for event in events:
            self._note(event)
            if self._size > MOST:
                raise Refusal("upstream_malformed", "The provider's answer is too large to be translated.")
            if self.error is not None:
                break
            good.append(event)
        return self._written(good if self.watched is None else self.watched.feed(good))

    def _written(self, events: list[Event]) -> bytes:
        return b"".join([self._writer.feed(event) for event in events])

    def _note(self, event: Event) -> None:
        if isinstance(event, Delta):
            self.pieces += max(1, len(event.text) // 4)
            self._size += len(event.text)
        elif isinstance(event, UsageSeen):
            self.usage = event.usage
        elif isinstance(event, Finish):
            self.finish_reason = event.raw or event.reason
            self.filtered = event.reason in FILTERED
        elif isinstance(event, Failed):
            self.error = event
        elif isinstance(event, Start):
            self.model, self.id = event.model or self.model, event.id or self.id
        if not self.content and is_content(event):
            self.content = True
