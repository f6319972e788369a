"""What policies see, and may change, of a model's answer on its way to the client: neutral events in any dialect."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from triplegate.core.exchange import Exchange
    from triplegate.core.http import Reply


class Watch(Protocol):
    """One policy's look at one attempt's answer. Events are those of `wire.neutral_events`."""

    def feed(self, events: list[Any]) -> list[Any]:
        """These events as they go on; what is held back comes later. Raises Refusal to end the answer."""
        ...

    async def judge(self) -> None:
        """Called once before the end is told, for verdicts that must be waited for. Raises Refusal."""
        ...

    def finish(self) -> list[Any]:
        """What was held back, now that the answer has ended well. Raises Refusal."""
        ...


class Look(Protocol):
    """Makes the watch of one attempt."""

    changes: bool
    """False: it only sees; the answer's bytes may pass as they came."""

    def __call__(self) -> Watch:
        """A fresh one: an answer that was given up leaves nothing behind."""
        ...


class Events(Protocol):
    """The events of an answer that was given before, or is being given to somebody else."""

    whole: list[Any] | None
    """All of them, when they are there already."""

    async def next(self) -> list[Any]:
        """The next ones; empty at the end. Raises Refusal when the answer broke off."""
        ...

    def close(self) -> None:
        """Nobody wants more."""
        ...


class Retelling(Protocol):
    """A gate that can answer from events (the llm gate)."""

    base: str
    """What its paths begin with."""

    async def retell(self, exchange: "Exchange", events: Events) -> "Reply":
        """The answer in the caller's dialect. Raises Refusal of those who look at it."""
        ...

    def spent(self, exchange: "Exchange") -> int:
        """What the answers to a call of this gate's have cost, in units; what is not booked yet included."""
        ...


class Watched:
    """The watches of one answer, the innermost first."""

    __slots__ = ("_at", "_held", "_watches", "changes")

    def __init__(self, looks: Sequence[Look]) -> None:
        """`looks` as policies left them, the outermost first."""
        self._watches = [look() for look in reversed(looks)]
        self._at = 0
        self._held: list[Any] = []
        self.changes = any(look.changes for look in looks)
        """Whether the answer must be written anew."""

    def feed(self, events: list[Any]) -> list[Any]:
        """The events as the client may see them."""
        for watch in self._watches:
            events = watch.feed(events)
        return events

    async def end(self) -> list[Any]:
        """What was held back, each watch's through those outside of it, once every verdict is there. Raises Refusal.

        Whoever gives up waiting may call it again: it goes on with the verdict that was missing.
        """
        watches = self._watches
        while self._at < len(watches):
            watch = watches[self._at]
            await watch.judge()
            self._held += watch.finish()
            self._at += 1
            if self._held and self._at < len(watches):
                self._held = watches[self._at].feed(self._held)
        held, self._held = self._held, []
        return held


def watched_of(looks: Sequence[Look] | None) -> Watched | None:
    """The watches of a new answer; None where nobody looks."""
    return Watched(looks) if looks else None
